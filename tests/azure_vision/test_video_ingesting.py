"""V1: what ingestions do to an index's files, documents and states. The ingestion itself counts, without models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import pytest

from foveal.errors import ModelUnavailableError
from foveal.pipeline.ingest import IngestRequest
from foveal.pipeline.job_run import JobRun
from foveal.pipeline.jobs import Jobs
from foveal.pipeline.video_ingesting import VideoIngesting, path_of
from foveal.retrieval.metadata_values import select_documents
from foveal.runtime.video_files import VideoFiles
from foveal.testing.fakes_stores import InMemoryIngestionLog
from foveal.testing.fakes_videos import FakeDownloader, InMemoryVideoRegistry, fake_video_indexes
from foveal.types.ingestions import DocumentState, IngestionProgress, JobKind
from foveal.types.sources import Secret
from foveal.types.videos import (
    DateRange,
    IndexFeature,
    MetadataField,
    VideoIngestion,
    VideoMode,
    VideoQuery,
    VideoTask,
)

PAGES = {"https://x.org/a.mp4": b"video a", "https://x.org/b.mp4": b"video b", "https://x.org/bad.mp4": b"broken"}


class Home:
    """A registry, files, and an ingestion that takes files whose bytes begin with `video`."""

    def __init__(self, root: Path) -> None:
        self.log = InMemoryIngestionLog()
        self.registry = InMemoryVideoRegistry(self.log)
        self.downloader = FakeDownloader(PAGES)
        self.files = VideoFiles(root)
        self.indexes = fake_video_indexes(self.registry)
        self.indexed: dict[str, bool] = {}
        self.runs = 0
        self.failure: Exception | None = None
        self.interrupt = False
        self.dropped: list[str] = []
        self.ingesting = VideoIngesting(
            self.registry,
            self.log,
            self.downloader,
            bring_in=self.bring_in,
            source=self.files.source,
            keep=self.files.keep,
            discard=self.files.discard,
            holds=self.files.holds,
            record=self.record,
            drop=self.dropped.append,
        )
        self.jobs = Jobs(self.log, {JobKind.VIDEOS: self.ingesting.run})
        self.indexes.create(
            "talks",
            fields=(MetadataField(name="cameraid", filterable=True),),
            language="en",
            features=(IndexFeature(name="vision"),),
            user_data={},
            groups=("board",),
        )

    def bring_in(self, run: JobRun, make: Callable[[], IngestRequest]) -> bool:
        self.runs += 1
        if self.failure is not None:
            raise self.failure
        request = make()
        assert (request.index, request.groups) == ("talks", ("board",))
        if self.interrupt:
            raise KeyboardInterrupt
        run.stage("understand")
        if run.look():
            return True
        self.indexed = {}
        for item in request.source.items():
            with request.source.open(item) as file:
                self.indexed[item.path] = file.read().startswith(b"video")
        return False

    def record(self, index: str, path: str) -> tuple[DocumentState, str, str] | None:
        if path not in self.indexed:
            return None
        if self.indexed[path]:
            return DocumentState.INDEXED, "", ""
        return DocumentState.FAILED, "unreadable", "It is broken."

    def run(self, *tasks: VideoTask, name: str = "one") -> VideoIngestion:
        batch = self.indexes.start("talks", name, tasks, None).batch
        job = self.jobs.run_next()
        assert job is not None
        assert job.ingestion_id == batch
        done = self.indexes.ingestion("talks", name, None)
        assert job.state == {"Completed": "succeeded", "Failed": "failed"}.get(done.state, "partially_succeeded")
        return done

    def under_way(self) -> str:
        return self.indexes.ingestion("talks", "one", None).state

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
    assert home.jobs.run_next() is None


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


def test_of_a_document_that_is_given_twice_the_later_one_stays(home: Home) -> None:
    done = home.run(add("a", "talk"), add("b", "talk"))
    assert (done.state, [result.succeeded for result in done.results]) == ("Completed", [True, True])
    assert home.documents == {"talk": "https://x.org/b.mp4"}
    assert set(home.indexed) == {path_of("talk", "https://x.org/b.mp4")}

    named_alike = replace(add("a", "other"), url=Secret("https://y.org/a.mp4"))
    home.downloader.pages["https://y.org/a.mp4"] = b"video of y"
    home.run(add("a", "other"), named_alike, name="two")
    assert home.documents["other"] == "https://y.org/a.mp4"
    assert home.downloader.fetched[-1] == "https://y.org/a.mp4"

    home.run(add("b", "third"), add("bad", "third"), add("nothing"), name="three")  # none is left of the third
    assert home.run(add("b", "fourth"), add("nothing", "fourth"), name="four").state == "PartiallySucceeded"
    assert home.documents.keys() == {"talk", "other", "fourth"}

    gone = VideoTask(mode=VideoMode.REMOVE, document_id="fifth")
    assert home.run(add("b", "fifth"), gone, name="five").state == "Completed"
    assert "fifth" not in home.documents


def test_metadata_from_before_its_field_was_one_of_dates_lies_in_no_span_of_time(home: Home) -> None:
    home.run(add("a", shot="soon"), add("b", shot="2024-05-01"))
    home.indexes.change("talks", None, fields=(MetadataField(name="shot", type="datetime", filterable=True),))
    index, documents = home.indexes.get("talks", None), home.indexes.documents("talks", None)
    span = DateRange(field="Shot", start=datetime(2024, 1, 1, tzinfo=UTC), end=None)
    found = select_documents(index, documents, VideoQuery(text="luck", dates=(span,)))
    assert [document.document_id for document in found] == ["b"]


def test_an_ingestion_is_a_job_of_its_index_for_its_groups(home: Home) -> None:
    home.indexes.start("talks", "one", [add("a"), add("nothing")], None)
    (waiting,) = home.jobs.recent()
    assert (waiting.kind, waiting.index, waiting.state) == ("videos", "talks", "queued")
    assert waiting.source == "/videos/talks"
    assert waiting.groups == ("board",)
    stages: list[tuple[str, int, int]] = []
    job = home.jobs.run_next(lambda told: stages.append((told.stage, told.done, told.todo)))
    assert job is not None
    assert [stage for stage in stages if stage[0] == "fetch"][-1] == ("fetch", 2, 2)
    (failure,) = home.jobs.failures(job.ingestion_id)
    assert (failure.path, failure.stage) == ("https://x.org/nothing.mp4", "fetch")


def test_a_stopped_ingestion_goes_on_without_fetching_again(home: Home) -> None:
    home.indexes.start("talks", "one", [add("a"), add("b")], None)
    home.interrupt = True
    with pytest.raises(KeyboardInterrupt):
        home.jobs.run_next(lasting=True)
    assert home.under_way() == "Running"
    home.interrupt = False
    job = home.jobs.run_next()
    assert job is not None
    assert home.indexes.ingestion("talks", "one", None).batch == job.ingestion_id
    assert home.under_way() == "Completed"
    assert len(home.downloader.fetched) == 2


def test_what_was_removed_before_a_stop_is_no_failure_after_it(home: Home) -> None:
    home.run(add("a"), add("b"), name="first")
    home.indexes.start("talks", "one", [VideoTask(mode=VideoMode.REMOVE, document_id="a")], None)
    home.interrupt = True
    with pytest.raises(KeyboardInterrupt):
        home.jobs.run_next(lasting=True)
    home.interrupt = False
    home.jobs.run_next()
    assert home.under_way() == "Completed"
    assert list(home.documents) == ["b"]


def test_whoever_is_to_stop_stops_before_the_next_file_is_fetched(home: Home) -> None:
    home.indexes.start("talks", "one", [add("a")], None)

    def stopping(_: IngestionProgress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        home.jobs.run_next(stopping, lasting=True)
    assert home.downloader.fetched == []
    assert home.under_way() == "Running"
    assert [job.state for job in home.jobs.recent()] == ["queued", "interrupted"]


def test_a_job_that_is_cancelled_before_it_began_is_a_failed_ingestion(home: Home) -> None:
    batch = home.indexes.start("talks", "one", [add("a")], None).batch
    home.jobs.cancel(batch)
    found = home.indexes.ingestion("talks", "one", None)
    assert (found.state, found.message) == ("Failed", "It was cancelled.")
    home.jobs.retry(batch)
    home.jobs.run_next()
    assert home.under_way() == "Completed"


def test_a_job_that_is_cancelled_while_it_fetches_ends_there_and_keeps_nothing_half(home: Home) -> None:
    batch = home.indexes.start("talks", "one", [add("a"), add("b")], None).batch
    fetch = home.downloader.download

    def fetch_and_cancel(url: str, into: BinaryIO) -> int:
        home.jobs.cancel(batch)
        return fetch(url, into)

    home.downloader.download = fetch_and_cancel  # type: ignore[method-assign]
    job = home.jobs.run_next()
    assert job is not None
    assert job.state == "cancelled"
    found = home.indexes.ingestion("talks", "one", None)
    assert (found.state, [result.code for result in found.results]) == ("Failed", ["cancelled", "cancelled"])
    assert len(home.downloader.fetched) == 1
    assert home.documents == {}
    assert home.files.holds("talks", path_of("a", "https://x.org/a.mp4")) is False


def test_a_job_of_an_ingestion_that_is_over_does_nothing(home: Home) -> None:
    home.run(add("nothing"))
    (job,) = home.jobs.recent()
    home.jobs.retry(job.ingestion_id)
    again = home.jobs.run_next()
    assert again is not None
    assert again.state == "cancelled"
    assert "It is over" in again.message
    assert len(home.downloader.fetched) == 1


def test_a_model_that_does_not_answer_fails_the_ingestion_with_its_words(home: Home) -> None:
    home.failure = ModelUnavailableError("The model is not here.", remedy="Pull it.")
    done = home.run(add("a"))
    assert done.state == "Failed"
    assert "Pull it." in done.message


def test_an_index_removed_meanwhile_leaves_nothing(home: Home) -> None:
    home.indexes.start("talks", "one", [add("a")], None)
    keep = home.files.keep

    def keep_and_remove(*arguments: object) -> None:
        keep(*arguments)  # type: ignore[arg-type]
        home.indexes.delete("talks", None)

    home.ingesting.keep = keep_and_remove  # type: ignore[method-assign,assignment]
    job = home.jobs.run_next()
    assert job is not None
    assert (job.state, job.message) == ("cancelled", "The index was removed.")
    assert home.dropped == ["talks"]
    assert home.registry.indexes() == []


def test_the_waiting_jobs_of_an_index_go_with_it(home: Home) -> None:
    home.indexes.start("talks", "one", [add("a")], None)
    home.indexes.delete("talks", None)
    assert [job.state for job in home.jobs.recent()] == ["cancelled"]
    assert home.jobs.run_next() is None


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
