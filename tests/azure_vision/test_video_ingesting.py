"""V1: what ingestions do to an index's files, documents and states. The ingestion itself counts, without models."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from foveal.errors import ModelUnavailableError
from foveal.pipeline.ingest import IngestRequest
from foveal.pipeline.job_run import Observer
from foveal.pipeline.video_ingesting import VideoWorker, path_of
from foveal.runtime.video_files import VideoFiles
from foveal.testing.fakes_videos import FakeDownloader, InMemoryVideoRegistry, fake_video_indexes
from foveal.types.ingestions import (
    DocumentState,
    Ingestion,
    IngestionCounts,
    IngestionId,
    IngestionProgress,
    IngestionState,
)
from foveal.types.sources import Secret
from foveal.types.videos import IndexFeature, MetadataField, VideoIngestion, VideoMode, VideoTask

PAGES = {"https://x.org/a.mp4": b"video a", "https://x.org/b.mp4": b"video b", "https://x.org/bad.mp4": b"broken"}


class Home:
    """A registry, files, and an ingestion that takes files whose bytes begin with `video`."""

    def __init__(self, root: Path) -> None:
        self.registry = InMemoryVideoRegistry()
        self.downloader = FakeDownloader(PAGES)
        self.files = VideoFiles(root)
        self.indexes = fake_video_indexes(self.registry)
        self.indexed: dict[str, bool] = {}
        self.runs = 0
        self.failure: Exception | None = None
        self.interrupt = False
        self.dropped: list[str] = []
        self.worker = VideoWorker(
            self.registry,
            self.downloader,
            ingest=self.ingest,
            source=self.files.source,
            keep=self.files.keep,
            discard=self.files.discard,
            holds=self.files.holds,
            record=self.record,
            drop=self.dropped.append,
        )
        self.indexes.create(
            "talks",
            fields=(MetadataField(name="cameraid", filterable=True),),
            language="en",
            features=(IndexFeature(name="vision"),),
            user_data={},
            groups=("board",),
        )

    def ingest(self, request: IngestRequest, observe: Observer) -> Ingestion:
        self.runs += 1
        if self.failure is not None:
            raise self.failure
        assert request.groups == ("board",)
        if self.interrupt:
            raise KeyboardInterrupt
        observe(IngestionProgress(counts=IngestionCounts(), stage="read", todo=0, done=0, bytes_done=0))
        self.indexed = {}
        for item in request.source.items():
            with request.source.open(item) as file:
                self.indexed[item.path] = file.read().startswith(b"video")
        now = datetime.now(UTC)
        return Ingestion(
            ingestion_id=IngestionId("1"),
            index=request.index,
            source=request.source.name,
            state=IngestionState.SUCCEEDED,
            counts=IngestionCounts(),
            started_at=now,
            updated_at=now,
        )

    def record(self, index: str, path: str) -> tuple[DocumentState, str, str] | None:
        if path not in self.indexed:
            return None
        if self.indexed[path]:
            return DocumentState.INDEXED, "", ""
        return DocumentState.FAILED, "unreadable", "It is broken."

    def run(self, *tasks: VideoTask, name: str = "one") -> VideoIngestion:
        self.indexes.start("talks", name, tasks, None)
        done = self.worker.run_next()
        assert done is not None
        assert self.indexes.ingestion("talks", name, None) == done
        return done

    @property
    def documents(self) -> dict[str, str]:
        return {document.document_id: document.url for document in self.indexes.documents("talks", None)}


def add(name: str, document_id: str = "", **metadata: str) -> VideoTask:
    return VideoTask(
        mode=VideoMode.ADD,
        document_id=document_id or name,
        url=Secret(f"https://x.org/{name}.mp4?sig=s"),
        metadata=metadata,
    )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "videos")


def test_what_is_added_is_fetched_with_its_signature_and_kept_without(home: Home) -> None:
    done = home.run(add("a", cameraId="1"), add("b"))
    assert done.state == "Completed"
    assert [result.document_id for result in done.results] == ["a", "b"]
    assert home.downloader.fetched == ["https://x.org/a.mp4?sig=s", "https://x.org/b.mp4?sig=s"]
    assert home.documents == {"a": "https://x.org/a.mp4", "b": "https://x.org/b.mp4"}
    assert home.indexes.documents("talks", None)[0].metadata == {"cameraid": "1"}
    assert set(home.indexed) == {path_of("a", "https://x.org/a.mp4"), path_of("b", "https://x.org/b.mp4")}
    assert home.worker.run_next() is None


def test_one_bad_video_makes_it_a_partial_success_and_leaves_nothing_behind(home: Home) -> None:
    done = home.run(add("a"), add("bad"), add("nothing"))
    assert done.state == "PartiallySucceeded"
    assert [result.code for result in done.results] == ["", "unreadable", "unreadable"]
    assert "It is broken." in done.message
    assert "sig=s" not in str(done)
    assert home.documents == {"a": "https://x.org/a.mp4"}
    assert home.files.holds("talks", path_of("bad", "https://x.org/bad.mp4")) is False


def test_when_every_video_fails_so_does_the_ingestion(home: Home) -> None:
    assert home.run(add("nothing")).state == "Failed"
    assert home.documents == {}


def test_an_update_changes_metadata_and_fetches_nothing(home: Home) -> None:
    home.run(add("a", cameraId="1"))
    changed = VideoTask(mode=VideoMode.UPDATE, document_id="a", metadata={"CameraID": "2"})
    assert home.run(changed, name="two").state == "Completed"
    assert home.indexes.documents("talks", None)[0].metadata == {"cameraid": "2"}
    assert (len(home.downloader.fetched), home.runs) == (1, 1)


def test_a_document_is_removed_by_id_or_by_its_address_alone(home: Home) -> None:
    home.run(add("a"), add("b"))
    by_id = VideoTask(mode=VideoMode.REMOVE, document_id="a")
    by_address = VideoTask(mode=VideoMode.REMOVE, url=Secret("https://x.org/b.mp4?sig=other"))
    assert home.run(by_id, by_address, name="two").state == "Completed"
    assert home.documents == {}
    assert home.indexed == {}
    assert home.run(by_id, name="three").state == "Failed"


def test_adding_again_replaces_what_was_there(home: Home) -> None:
    home.run(add("a", "doc"))
    home.run(add("b", "doc"), name="two")
    assert home.documents == {"doc": "https://x.org/b.mp4"}
    assert list(home.indexed) == [path_of("doc", "https://x.org/b.mp4")]


def test_a_stopped_ingestion_goes_on_without_fetching_again(home: Home) -> None:
    home.indexes.start("talks", "one", [add("a"), add("b")], None)
    home.interrupt = True
    stopped = home.worker.run_next()
    assert stopped is not None
    assert stopped.state == "Running"
    assert home.indexes.ingestion("talks", "one", None).state == "Running"
    home.interrupt = False
    done = home.worker.run_next()
    assert done is not None
    assert done.state == "Completed"
    assert len(home.downloader.fetched) == 2


def test_nothing_is_begun_once_the_server_ends(home: Home) -> None:
    home.indexes.start("talks", "one", [add("a")], None)
    home.worker.run_next(lambda: True)
    assert home.downloader.fetched == []
    assert home.indexes.ingestion("talks", "one", None).state == "Running"


def test_a_model_that_does_not_answer_fails_the_ingestion_with_its_words(home: Home) -> None:
    home.failure = ModelUnavailableError("The model is not here.", remedy="Pull it.")
    done = home.run(add("a"))
    assert done.state == "Failed"
    assert "Pull it." in done.message


def test_an_index_removed_meanwhile_leaves_nothing(home: Home) -> None:
    home.indexes.start("talks", "one", [add("a")], None)
    remove = home.files.keep

    def keep_and_remove(*arguments: object) -> None:
        remove(*arguments)  # type: ignore[arg-type]
        home.indexes.delete("talks", None)

    home.worker.keep = keep_and_remove  # type: ignore[method-assign,assignment]
    home.worker.run_next()
    assert home.dropped == ["talks"]
    assert home.registry.indexes() == []


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..", ".hidden", "%2e%2e%2fx", "a/b/c.mp4", "ünïcode 1.mp4", "x" * 500, ""]
)
def test_whatever_an_address_is_called_its_file_stays_in_the_folder(home: Home, name: str) -> None:
    path = path_of("../id", f"https://x.org/{name}?sig=s")
    folder, _, file = path.partition("/")
    assert len(folder) == 32
    assert "/" not in file
    assert not file.startswith(".")
    assert 0 < len(file) <= 80


def test_groups_of_the_maker_see_the_index_and_others_do_not(home: Home) -> None:
    assert [index.name for index in home.indexes.all(("board",))] == ["talks"]
    assert home.indexes.all(("others",)) == []
    assert home.indexes.get("talks", None) == replace(home.indexes.get("talks", ("board",)))
