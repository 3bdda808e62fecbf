"""Saved sources at work, over a registry in memory, folders, and an ingestion that only counts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from foveal.errors import ConflictError, InvalidRequestError, ModelUnavailableError, NotFoundError, SourceUnusableError
from foveal.pipeline.ingest import IngestRequest
from foveal.pipeline.job_run import Observer
from foveal.pipeline.saved_sources import SavedSources
from foveal.pipeline.source_runs import WAIT_S
from foveal.readers.sniffing import sniff
from foveal.runtime.scheduler import refreshing
from foveal.runtime.sources import opening
from foveal.testing.fakes_sources import InMemorySourceRegistry
from foveal.testing.fakes_stores import InMemoryIngestionLog
from foveal.testing.fakes_uploads import InMemoryUploadStore
from foveal.types.ingestions import (
    Ingestion,
    IngestionCounts,
    IngestionId,
    IngestionPlan,
    IngestionProgress,
    IngestionState,
    JobKind,
    JobOrder,
)
from foveal.types.sources import Credential, CredentialKind, SavedSource, Secret, SourceDraft, SourceKind, SourceState

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class World:
    """Sources whose ingestions list files and do nothing else."""

    clock: datetime = START
    ingested: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    groups: list[tuple[str, ...]] = field(default_factory=list)
    orders: list[JobOrder] = field(default_factory=list)
    failure: BaseException | None = None
    during: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.log = InMemoryIngestionLog()
        self.registry = InMemorySourceRegistry(now=lambda: self.clock)
        self.sources = SavedSources(
            self.registry,
            opening(InMemoryUploadStore),
            ingest=self.ingest,
            enqueue=self.log.enqueue,
            plan=self.plan,
            sniff=sniff,
            has_index=lambda _: True,
            now=lambda: self.clock,
        )

    def ingest(
        self,
        order: JobOrder,
        build: Callable[[], IngestRequest],
        observe: Observer = lambda _: None,
        *,
        job: Ingestion | None = None,
    ) -> Ingestion:
        request = build()
        self.orders.append(order)
        self.ingested.append((request.index, request.source.name, tuple(i.path for i in request.source.items())))
        self.groups.append(request.groups)
        observe(IngestionProgress(counts=IngestionCounts(), stage="understand", todo=1, done=1, bytes_done=1))
        self.during()
        if self.failure is not None:
            raise self.failure
        return Ingestion(
            ingestion_id=IngestionId("1"),
            index=request.index,
            source=request.source.name,
            state=IngestionState.SUCCEEDED,
            counts=IngestionCounts(),
            started_at=self.clock,
            updated_at=self.clock,
        )

    def plan(self, request: IngestRequest) -> IngestionPlan:
        return IngestionPlan(
            index=request.index,
            source=request.source.name,
            counts=IngestionCounts(found=len(list(request.source.items()))),
            by_media_type=(),
            work=(),
            seconds=0,
        )

    def add(self, name: str, folder: Path, **more: object) -> SavedSource:
        draft = SourceDraft(name=name, kind=SourceKind.FOLDER, index="photos", path=str(folder), **more)  # type: ignore[arg-type]
        return self.sources.add(self.sources.settle(draft, None), None)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "texts"
    made.mkdir()
    (made / "a.txt").write_text("words")
    return made


def test_a_refresh_ingests_what_is_there_and_records_how_it_went(world: World, folder: Path) -> None:
    world.add("texts", folder)
    job = world.sources.refresh("texts")
    assert job.state is IngestionState.SUCCEEDED
    assert world.ingested == [("photos", str(folder), ("a.txt",))]
    saved = world.sources.get("texts")
    assert (saved.state, saved.last_started_at, saved.last_finished_at) == (SourceState.SUCCEEDED, START, START)
    assert saved.next_run_at is None


def test_groups_and_a_file_of_descriptions_go_with_what_is_read(world: World, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "words.csv").write_text("a.txt,Words about words.\n")
    world.add("texts", folder, groups=("press",), descriptions=str(tmp_path / "words.csv"))
    world.sources.refresh("texts")
    assert world.groups == [("press",)]
    assert world.sources.test("texts").described == 1


def test_an_interval_counts_from_the_start_and_never_runs_behind(world: World, folder: Path) -> None:
    world.add("texts", folder, every="10m")
    assert world.sources.get("texts").next_run_at == START

    def takes(minutes: int) -> None:
        world.clock += timedelta(minutes=minutes)

    world.during = lambda: takes(4)
    assert [done.name for done in world.sources.refresh_due()] == ["texts"]
    assert world.sources.get("texts").next_run_at == START + timedelta(minutes=10)
    assert list(world.sources.refresh_due()) == []
    world.clock = START + timedelta(hours=7)
    world.during = lambda: takes(25)
    assert len(list(world.sources.refresh_due())) == 1
    assert world.sources.get("texts").next_run_at == START + timedelta(hours=7, minutes=35)


def test_a_failed_run_is_told_with_its_reason_and_tried_at_the_next_time(world: World, folder: Path) -> None:
    world.add("texts", folder, every="1h")
    world.failure = SourceUnusableError("The container is gone.", remedy="Look.")
    (done,) = world.sources.refresh_due()
    assert done.error is world.failure
    saved = world.sources.get("texts")
    assert (saved.state, saved.message) == (SourceState.FAILED, "The container is gone. Look.")
    assert saved.next_run_at == START + timedelta(hours=1)
    world.clock, world.failure = START + timedelta(hours=1), None
    assert [done.error for done in world.sources.refresh_due()] == [None]
    assert world.sources.get("texts").message == ""


def test_a_failure_of_one_source_does_not_keep_the_others(world: World, folder: Path, tmp_path: Path) -> None:
    world.add("missing", tmp_path / "nowhere", every="1h")
    world.add("texts", folder, every="1h")
    done = {d.name: d for d in world.sources.refresh_due()}
    assert isinstance(done["missing"].error, InvalidRequestError)
    assert done["texts"].job is not None


def test_a_model_that_is_away_fails_the_run_and_not_the_scheduler(world: World, folder: Path) -> None:
    world.add("texts", folder, every="1h")
    world.failure = ModelUnavailableError("No model.")
    assert [type(d.error) for d in world.sources.refresh_due()] == [ModelUnavailableError]


def test_an_index_that_is_being_written_is_waited_for(world: World, folder: Path) -> None:
    world.add("texts", folder, every="1h")
    world.failure = ConflictError("Another process is ingesting.")
    list(world.sources.refresh_due())
    assert world.sources.get("texts").next_run_at == START + timedelta(seconds=WAIT_S)


def test_a_source_is_not_run_twice_at_once(world: World, folder: Path) -> None:
    world.add("texts", folder, every="1h")
    met: list[type[Exception]] = []

    def again() -> None:
        try:
            world.sources.refresh("texts")
        except ConflictError as error:
            met.append(type(error))
        assert list(world.sources.refresh_due()) == []

    world.during = again
    world.sources.refresh("texts")
    assert met == [ConflictError]


def test_a_run_that_was_stopped_is_due_again(world: World, folder: Path) -> None:
    world.add("texts", folder, cron="0 3 * * *")
    world.failure = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        world.sources.refresh("texts")
    saved = world.sources.get("texts")
    assert (saved.state, saved.next_run_at) == (SourceState.INTERRUPTED, START)


def test_asking_queues_a_refresh_once(world: World, folder: Path) -> None:
    world.add("texts", folder, groups=("staff",))
    job = world.sources.ask("texts")
    assert world.sources.ask("texts") == job
    assert (job.kind, job.saved_source, job.source, job.groups) == (
        JobKind.REFRESH,
        "texts",
        str(folder),
        ("staff",),
    )
    assert job.state is IngestionState.QUEUED
    assert list(world.sources.refresh_due()) == []


def test_removing_empties_the_place_first(world: World, folder: Path) -> None:
    world.add("texts", folder)
    assert world.sources.remove("texts") is not None
    assert world.ingested == [("photos", str(folder), ())]
    with pytest.raises(NotFoundError):
        world.sources.get("texts")
    world.add("texts", folder)
    assert world.sources.remove("texts", keep_data=True) is None
    assert len(world.ingested) == 1


def test_what_cannot_be_deleted_keeps_its_source(world: World, folder: Path) -> None:
    world.add("texts", folder)
    world.failure = ConflictError("Another process is ingesting.")
    with pytest.raises(ConflictError):
        world.sources.remove("texts")
    saved = world.sources.get("texts")
    assert (saved.state, saved.message) == (SourceState.FAILED, "Another process is ingesting.")
    world.failure = None
    world.sources.remove("texts")


def test_trying_out_says_what_is_there(world: World, folder: Path) -> None:
    (folder / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "c.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "metadata.json").write_text(
        '[{"image_blob_path": "b.png", "description": "A bear."}, {"image_blob_path": "x.png", "description": "?"}]'
    )
    world.add("texts", folder)
    report = world.sources.test("texts")
    assert (report.files, report.readable, report.described) == (3, "a.txt", 1)
    assert report.undescribed == ("c.png",)
    assert ["x.png" in failure.reason for failure in report.failures] == [True]
    assert world.ingested == []


def test_trying_out_says_what_is_wrong(world: World, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (folder / "a.txt").rename(folder / "a.bin")
    (folder / "a.bin").write_bytes(bytes(range(256)))
    for name, place, reason in (("empty", tmp_path / "empty", "empty"), ("binary", folder, "unreadable")):
        world.add(name, place)
        with pytest.raises(SourceUnusableError) as caught:
            world.sources.test(name)
        assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("draft", "credential"),
    [
        ({"name": "Big Name", "path": "/x"}, None),
        ({"path": ""}, None),
        ({"path": "/x"}, CredentialKind.ACCOUNT_KEY),
        ({"path": "/x", "every": "often"}, None),
        ({"path": "/x", "index": ""}, None),
        ({"kind": SourceKind.AZURE_BLOB, "container": "photos"}, None),
        ({"kind": SourceKind.AZURE_BLOB, "account_url": "https://acme.blob.core.windows.net"}, None),
        ({"kind": SourceKind.AZURE_BLOB, "account_url": "acme", "container": "photos"}, None),
        ({"kind": SourceKind.URL, "url": "s3"}, None),
        ({"kind": SourceKind.URL, "url": "s3://b"}, CredentialKind.OPTIONS),
    ],
)
def test_a_source_with_something_missing_or_wrong_is_refused(
    world: World, draft: dict[str, object], credential: CredentialKind | None
) -> None:
    written = {"name": "photos", "kind": SourceKind.FOLDER, "index": "photos"} | draft
    opener = Credential(kind=credential, secret=Secret("no JSON")) if credential else None
    with pytest.raises(InvalidRequestError):
        world.sources.settle(SourceDraft(**written), opener)  # type: ignore[arg-type]
    assert world.sources.all() == []


def test_a_key_for_another_account_does_not_replace_the_present_one(world: World) -> None:
    first = Credential(kind=CredentialKind.CONNECTION_STRING, secret=Secret("AccountName=acme;AccountKey=eA=="))
    other = Credential(kind=CredentialKind.CONNECTION_STRING, secret=Secret("AccountName=evil;AccountKey=eA=="))
    rotated = Credential(kind=CredentialKind.CONNECTION_STRING, secret=Secret("AccountName=acme;AccountKey=eQ=="))
    draft = SourceDraft(name="blobs", kind=SourceKind.AZURE_BLOB, index="photos", container="photos")
    world.sources.add(world.sources.settle(draft, first), first)
    with pytest.raises(InvalidRequestError, match="acme"):
        world.sources.set_credential("blobs", other)
    world.sources.set_credential("blobs", rotated)
    assert world.registry.credential("blobs") == rotated


def test_a_server_runs_what_is_due_and_what_becomes_due(world: World, folder: Path) -> None:
    world.add("texts", folder, every="1h")
    ran = threading.Semaphore(0)
    with refreshing(world.sources, lambda _: ran.release(), poll_s=0.01):
        assert ran.acquire(timeout=10)
        world.clock += timedelta(hours=1)
        assert ran.acquire(timeout=10)
    world.clock += timedelta(hours=1)
    time.sleep(0.05)
    assert len(world.ingested) == 2
    assert not [t for t in threading.enumerate() if t.name in {"foveal-refresh", "foveal-source"}]


def test_a_server_that_stops_leaves_the_run_for_another_time(world: World, folder: Path) -> None:
    world.add("texts", folder, every="1h")
    begun, leaving = threading.Event(), threading.Event()

    def ingest(order: JobOrder, build: object, observe: Observer, *, job: Ingestion | None = None) -> Ingestion:
        begun.set()
        assert leaving.wait(10)
        while True:  # file after file, until told to stop
            observe(IngestionProgress(counts=IngestionCounts(), stage="understand", todo=1, done=1, bytes_done=1))

    world.sources._runs._ingest = ingest  # type: ignore[assignment]
    with refreshing(world.sources, poll_s=0.01):
        assert begun.wait(10)
        leaving.set()
    saved = world.sources.get("texts")
    assert (saved.state, saved.next_run_at) == (SourceState.INTERRUPTED, START)
