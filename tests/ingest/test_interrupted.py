"""S11, S12: what is stopped, cancelled, contested or changed in between neither loses files nor says what is not so."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from sqlalchemy import update

from foveal.errors import ConflictError, IndexNotFoundError, StoreBusyError
from foveal.pipeline import job_run
from foveal.pipeline.plan import Planner
from foveal.pipeline.share import MOST_ATTEMPTS
from foveal.stores.catalog_tables import job_workers
from foveal.stores.lance import LanceChunkStore
from foveal.stores.sql_engine import writing
from foveal.stores.work_queue import SqlWorkQueue
from foveal.testing.fakes_text import FakeTextEmbedder
from foveal.testing.fakes_vision import FakeObjectDetector
from foveal.types.chunks import Generation
from foveal.types.ingestions import IngestionProgress, IngestionState, JobOrder, JobProgress
from foveal.types.work import Finished, WorkerId, WorkItem

from .conftest import INDEX, Home

Photo = Callable[..., Path]


def test_a_file_without_a_hash_is_followed_and_deleted_like_any_other(home: Home, photo: Photo) -> None:
    """Empty files and files of other types are known by their path alone."""
    photo("a.png", 1)
    (home.photos / "empty.txt").write_bytes(b"")
    (home.photos / "other.bin").write_bytes(bytes(range(256)))
    home.ingest()
    (home.photos / "empty.txt").write_text("Words after all.")
    (home.photos / "other.bin").unlink()

    job = home.ingest()

    assert job.state is IngestionState.SUCCEEDED
    assert job.counts.deleted == 1
    assert set(home.chunks()) == {"a.png#0", "empty.txt#0"}


def test_a_cancelled_ingestion_reports_no_deletion(home: Home, photo: Photo) -> None:
    gone = photo("gone.png", 99)
    home.ingest()
    gone.unlink()
    for seed in range(20):
        photo(f"{seed:02}.png", seed)

    job = home.ingester(commit_assets=1).run(home.request(), home.cancel_after(3))

    assert job.state is IngestionState.CANCELLED
    assert job.counts.deleted == 0
    assert "gone.png#0" in home.chunks()
    assert home.ingest().counts.deleted == 1


def test_an_ingestion_stopped_before_its_end_is_finished_by_the_next(
    home: Home, photo: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file was committed, so the next run has nothing to read: it must fit and optimise all the same."""
    for seed in range(3):
        photo(f"{seed}.png", seed)
    optimized: list[Generation] = []
    real = LanceChunkStore.optimize

    def stopped(self: LanceChunkStore, index: str, base: Generation) -> Generation:
        raise KeyboardInterrupt

    def counted(self: LanceChunkStore, index: str, base: Generation) -> Generation:
        optimized.append(base)
        return real(self, index, base)

    monkeypatch.setattr(LanceChunkStore, "optimize", stopped)
    with pytest.raises(KeyboardInterrupt):
        home.ingest()
    monkeypatch.setattr(LanceChunkStore, "optimize", counted)

    job = home.ingest()

    assert job.counts.unchanged == 3
    assert len(optimized) == 1
    home.ingest()
    assert len(optimized) == 1


def test_a_detector_switched_on_later_looks_at_every_image_again(home: Home, photo: Photo) -> None:
    home.detector = None
    for seed in range(4):
        photo(f"{seed}.png", seed)
    home.ingest()
    home.detector = FakeObjectDetector()

    job = home.ingest()

    assert job.counts.changed == 4
    assert home.detector.images == 4
    assert all(chunk.seen_vector is not None for chunk in home.chunks().values())


def test_the_lease_is_renewed_while_the_store_takes_long(
    home: Home, photo: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo("a.png", 1)
    monkeypatch.setattr(job_run, "LEASE_S", 0.0)
    monkeypatch.setattr(job_run, "HEARTBEAT_S", 0.02)
    seen: list[object] = []
    real = LanceChunkStore.optimize

    def slow(self: LanceChunkStore, index: str, base: Generation) -> Generation:
        for _ in range(20):
            seen.append(home.log.recent(INDEX)[0].updated_at)
            time.sleep(0.02)
        return real(self, index, base)

    monkeypatch.setattr(LanceChunkStore, "optimize", slow)
    home.ingest()

    assert len(set(seen)) > 3
    assert not [thread for thread in threading.enumerate() if thread.name == "foveal-lease"]


def test_whoever_lost_the_lease_writes_nothing_more(home: Home, photo: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(6):
        photo(f"{seed}.png", seed)

    def lose(progress: IngestionProgress) -> None:
        if progress.done == 3:
            monkeypatch.setattr("foveal.stores.process_leases.process_lives", lambda pid: False)
            home.log.start(JobOrder(index=INDEX, source="another process"))

    with pytest.raises(ConflictError, match="taken over"):
        home.ingester(commit_assets=4).run(home.request(), lose)

    assert home.chunks() == {}


def test_an_index_deleted_under_an_ingestion_ends_it_with_its_name(home: Home, photo: Photo) -> None:
    for seed in range(6):
        photo(f"{seed}.png", seed)

    def delete(progress: IngestionProgress) -> None:
        if progress.done == 3:
            home.catalog.delete_index(INDEX)
            home.store.drop(INDEX)

    with pytest.raises(IndexNotFoundError, match=INDEX):
        home.ingester(commit_assets=1).run(home.request(), delete)

    assert home.log.recent(INDEX)[0].state is IngestionState.FAILED


def test_a_plan_for_files_met_before_counts_none_twice(home: Home, photo: Photo) -> None:
    photo("a.png", 1)
    (home.photos / "other.bin").write_bytes(bytes(range(256)))
    (home.photos / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"rubbish" * 20)
    home.ingest()
    home.embedder = FakeTextEmbedder(identity="another-text-model/1")

    planner = Planner(catalog=home.catalog, log=home.log, preparer=home.preparer(), workers=1, words=home.words)
    counts = planner.plan(home.request()).counts

    assert (counts.found, counts.changed, counts.added, counts.skipped) == (3, 1, 1, 1)


def test_half_a_surrogate_pair_in_a_description_stops_nothing(home: Home, photo: Photo) -> None:
    photo("a.png", 1)
    words = json.dumps([{"image_blob_path": "a.png", "description": "a teapot \ud83d"}])
    (home.photos / "metadata.json").write_text(words)

    assert home.ingest().state is IngestionState.SUCCEEDED
    assert home.chunks()["a.png#0"].description.startswith("a teapot")


def test_what_was_committed_and_not_counted_is_counted_and_not_read_again(
    home: Home, photo: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that dies, or loses the database, between the two leaves this behind."""
    for seed in range(4):
        photo(f"{seed}.png", seed)
    real = SqlWorkQueue.settle
    failed: list[int] = []

    def settle(self: SqlWorkQueue, worker: WorkerId, finished: Sequence[Finished]) -> None:
        if not failed:
            failed.append(len(finished))
            raise StoreBusyError("The work queue is locked.")
        real(self, worker, finished)

    monkeypatch.setattr(SqlWorkQueue, "settle", settle)
    queue, order = home.queue, home.request()
    job = home.log.start(JobOrder(index=INDEX, source=str(home.photos)))
    items = [WorkItem(ordinal=n, item=item) for n, item in enumerate(order.source.items())]
    queue.fill(job.ingestion_id, items)
    home.log.update(job.ingestion_id, stage="understand", progress=JobProgress(todo=4))
    with pytest.raises(StoreBusyError):
        home.ingester().help(job)
    calls = home.model_calls

    assert failed == [4]
    assert home.ingester().help(job) == 4
    assert home.model_calls == calls
    assert home.log.get(job.ingestion_id).counts.added == 4
    assert len(home.chunks()) == len(list(home.catalog.documents(INDEX))) == 4


def test_a_file_that_processes_were_lost_with_is_given_up(home: Home, photo: Photo) -> None:
    photo("a.png", 1)
    job = home.log.start(JobOrder(index=INDEX, source=str(home.photos)))
    home.queue.fill(job.ingestion_id, [WorkItem(ordinal=0, item=next(iter(home.request().source.items())))])
    home.log.update(job.ingestion_id, stage="understand", progress=JobProgress(todo=1))
    for _ in range(MOST_ATTEMPTS):
        with writing(home.engine, "a test") as connection:
            connection.execute(update(job_workers).values(pid=2**22 + 1))
        home.queue.take(home.queue.join(job.ingestion_id), 1)
    with writing(home.engine, "a test") as connection:
        connection.execute(update(job_workers).values(pid=2**22 + 1))

    assert home.ingester().help(job) == 1
    [failure] = home.log.failures(job.ingestion_id)
    assert failure.path == "a.png"
    assert "3 processes ended" in failure.reason
    assert home.encoder.calls == 0
