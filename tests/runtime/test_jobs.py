"""S10: one queue of jobs for all processes, whatever becomes of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import foveal
from foveal.errors import ConflictError, StoreError
from foveal.pipeline.job_run import JobRun, Observer
from foveal.pipeline.jobs import Jobs
from foveal.runtime.scheduler import Worker, refreshing
from foveal.testing.fakes_stores import InMemoryIngestionLog
from foveal.types.ingestions import (
    AssetFailure,
    Ingestion,
    IngestionCounts,
    IngestionProgress,
    IngestionState,
    JobKind,
    JobOrder,
)

PHOTOS = JobOrder(index="photos", source="/photos")
BROKEN = AssetFailure(path="a.jpg", stage="read", code="unreadable", reason="Broken.", remedy="Mend it.")


@pytest.fixture
def log() -> InMemoryIngestionLog:
    return InMemoryIngestionLog()


def jobs_that(log: InMemoryIngestionLog, do: object) -> Jobs:
    """Jobs whose work is `do(run)`."""

    def handler(job: Ingestion, observe: Observer) -> Ingestion:
        with JobRun(log, job, observe) as run:
            do(run)  # type: ignore[operator]
        return run.job

    return Jobs(log, {JobKind.INGEST: handler})


def test_queued_jobs_are_done_oldest_first_until_none_is_left(log: InMemoryIngestionLog) -> None:
    done: list[str] = []
    jobs = jobs_that(log, lambda run: done.append(run.job.index))
    for index in ("a", "b"):
        jobs.enqueue(JobOrder(index=index, source="/photos"))
    assert Worker(None, jobs).run_waiting() == 2
    assert done == ["a", "b"]
    assert {job.state for job in jobs.recent()} == {IngestionState.SUCCEEDED}
    assert jobs.run_next() is None


def test_a_job_with_items_that_failed_is_partly_done_and_they_are_kept(log: InMemoryIngestionLog) -> None:
    told: list[IngestionProgress] = []

    def work(run: JobRun) -> None:
        run.stage("understand", todo=2)
        run.fail([BROKEN])
        run.advance(2, counts=IngestionCounts(found=2, added=1, failed=1))

    jobs = jobs_that(log, work)
    jobs.enqueue(PHOTOS)
    job = jobs.run_next(told.append)
    assert job is not None
    assert (job.state, job.progress.done, job.stage) == (IngestionState.PARTIAL, 2, "understand")
    assert jobs.failures(job.ingestion_id) == [BROKEN]
    assert [failure for progress in told for failure in progress.failures] == [BROKEN]
    assert jobs.retry(job.ingestion_id).retries == job.ingestion_id


def test_a_job_that_fails_is_told_and_the_next_one_goes_on(log: InMemoryIngestionLog) -> None:
    def work(run: JobRun) -> None:
        if run.job.index == "a":
            raise StoreError("The disk is full.")

    jobs = jobs_that(log, work)
    ids = [jobs.enqueue(JobOrder(index=index, source="/p")).ingestion_id for index in ("a", "b")]
    assert Worker(None, jobs).run_waiting() == 2
    assert [jobs.get(i).state for i in ids] == [IngestionState.FAILED, IngestionState.SUCCEEDED]
    assert jobs.get(ids[0]).message == "The disk is full."
    assert jobs.retry(ids[0]).order == jobs.get(ids[0]).order
    with pytest.raises(ConflictError, match="Nothing failed"):
        jobs.retry(ids[1])


def test_a_handler_that_fails_before_it_runs_leaves_no_job_running(log: InMemoryIngestionLog) -> None:
    def handler(job: Ingestion, observe: Observer) -> Ingestion:
        raise ConflictError("The source is running.")

    jobs = Jobs(log, {JobKind.REFRESH: handler})
    queued = jobs.enqueue(JobOrder(kind=JobKind.REFRESH, index="photos", source="/p"))
    other = jobs.enqueue(JobOrder(kind=JobKind.IMPORT, index="texts", source="/p"))
    assert Worker(None, jobs).run_waiting() == 2
    assert (jobs.get(queued.ingestion_id).state, jobs.get(queued.ingestion_id).message) == (
        IngestionState.FAILED,
        "The source is running.",
    )
    assert jobs.get(other.ingestion_id).state is IngestionState.FAILED


def test_a_cancelled_job_learns_of_it(log: InMemoryIngestionLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foveal.pipeline.job_run.HEARTBEAT_S", 0.01)

    def work(run: JobRun) -> None:
        jobs.cancel(run.job.ingestion_id)
        deadline = threading.Event()
        while not run.cancelled:
            assert not deadline.wait(0.01)
        run.end(IngestionState.CANCELLED)

    jobs = jobs_that(log, work)
    jobs.enqueue(PHOTOS)
    job = jobs.run_next()
    assert job is not None
    assert job.state is IngestionState.CANCELLED


def test_a_server_that_stops_queues_its_job_again(log: InMemoryIngestionLog) -> None:
    begun, leaving = threading.Event(), threading.Event()

    def work(run: JobRun) -> None:
        begun.set()
        assert leaving.wait(10)
        while True:
            run.tell()

    jobs = jobs_that(log, work)
    first = jobs.enqueue(PHOTOS)
    with refreshing(None, jobs=jobs, poll_s=0.01):
        assert begun.wait(10)
        leaving.set()
    again, stopped = jobs.recent()
    assert (stopped.ingestion_id, stopped.state) == (first.ingestion_id, IngestionState.INTERRUPTED)
    assert (again.state, again.order) == (IngestionState.QUEUED, PHOTOS)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[foveal.Foveal]:
    with foveal.open(tmp_path / "home", offline=True) as opened:
        yield opened


def test_a_job_of_a_killed_process_is_taken_over(home: foveal.Foveal, tmp_path: Path) -> None:
    queued = home.jobs.enqueue(JobOrder(index="photos", source=str(tmp_path / "photos")))
    code = (
        "import sys, time, foveal\n"
        f"with foveal.open({str(tmp_path / 'home')!r}, offline=True) as home:\n"
        "    print(home.parts.log.claim().ingestion_id, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == queued.ingestion_id
        assert home.parts.log.claim() is None
        os.kill(other.pid, signal.SIGKILL)
        other.wait(timeout=30)
    assert home.jobs.get(queued.ingestion_id).state is IngestionState.INTERRUPTED
    taken = home.parts.log.claim()
    assert taken is not None
    assert (taken.ingestion_id, taken.state) == (queued.ingestion_id, IngestionState.RUNNING)


def test_a_queued_ingestion_of_a_folder_that_is_gone_fails_with_its_name(home: foveal.Foveal, tmp_path: Path) -> None:
    home.jobs.enqueue(JobOrder(index="photos", source=str(tmp_path / "nowhere")))
    job = home.jobs.run_next()
    assert job is not None
    assert job.state is IngestionState.FAILED
    assert "nowhere" in job.message
