"""What every `IngestionLog` must do. Subclass it in your tests and give the fixture `log`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from foveal.errors import ConflictError, NotFoundError
from foveal.ports.ingestions import IngestionLog
from foveal.types.ingestions import (
    AssetFailure,
    Ingestion,
    IngestionCounts,
    IngestionId,
    IngestionState,
    JobKind,
    JobOrder,
    JobProgress,
)

COUNTS = IngestionCounts(found=8, added=1, changed=2, moved=3, deleted=4, unchanged=5, failed=6, skipped=7)
PHOTOS = JobOrder(index="photos", source="/photos")
OTHER = JobOrder(index="other", source="/photos")
WHOLE = JobOrder(
    kind=JobKind.REFRESH,
    index="photos",
    source="https://acme.blob/photos",
    saved_source="photos",
    descriptions="/words.json",
    groups=("staff", "press"),
    options=(("model", "e5"), ("from", "a = b, c")),
    retries=IngestionId("an earlier one"),
)
FINAL = [state for state in IngestionState if state not in {IngestionState.RUNNING, IngestionState.QUEUED}]
FAILURES = [
    AssetFailure(path=f"{n}.jpg", stage="read", code="unreadable", reason=f"Broken {n}.", remedy="Mend it.")
    for n in range(5)
]


class IngestionLogContract:
    """The specification of `foveal.ports.IngestionLog` as tests."""

    @pytest.fixture
    def log(self) -> IngestionLog:
        """The log under test, empty."""
        raise pytest.UsageError("a subclass of IngestionLogContract gives the fixture `log`")

    def test_a_new_job_runs_and_has_done_nothing(self, log: IngestionLog) -> None:
        """And is listed."""
        job = log.start(PHOTOS)
        assert (job.index, job.source, job.state) == ("photos", "/photos", IngestionState.RUNNING)
        assert job.counts == IngestionCounts()
        assert job.started_at.tzinfo is not None
        assert log.recent() == [job]

    def test_a_second_writer_of_an_index_is_refused(self, log: IngestionLog) -> None:
        """Whatever its source; other indexes are free."""
        log.start(PHOTOS)
        with pytest.raises(ConflictError, match="photos"):
            log.start(replace(PHOTOS, source="/other"))
        log.start(OTHER)
        assert len(log.recent()) == 2

    def test_of_many_that_start_at_once_one_wins(self, log: IngestionLog) -> None:
        """Threads race for the lease."""

        def attempt(_: int) -> Ingestion | None:
            try:
                return log.start(PHOTOS)
            except ConflictError:
                return None

        with ThreadPoolExecutor(8) as pool:
            assert sum(job is not None for job in pool.map(attempt, range(16))) == 1

    @pytest.mark.parametrize("state", FINAL)
    def test_a_final_state_releases_the_index(self, log: IngestionLog, state: IngestionState) -> None:
        """And is kept with its counts and message."""
        job = log.start(PHOTOS)
        log.update(job.ingestion_id, COUNTS, state=state, message="the end")
        [found] = log.recent()
        assert (found.state, found.counts, found.message) == (state, COUNTS, "the end")
        assert found.finished_at is not None
        assert found.finished_at >= found.started_at
        log.start(PHOTOS)

    def test_progress_is_recorded_and_keeps_the_lease(self, log: IngestionLog) -> None:
        """While it runs there is no end."""
        job = log.start(PHOTOS)
        log.update(job.ingestion_id, COUNTS)
        [found] = log.recent()
        assert (found.state, found.counts, found.finished_at) == (IngestionState.RUNNING, COUNTS, None)
        assert found.updated_at >= job.updated_at
        with pytest.raises(ConflictError):
            log.start(PHOTOS)

    def test_a_job_learns_that_it_was_cancelled(self, log: IngestionLog) -> None:
        """Only the one that was meant; asking twice is fine."""
        one, other = log.start(PHOTOS), log.start(OTHER)
        assert not log.cancelled(one.ingestion_id)
        for _ in range(2):
            log.cancel(one.ingestion_id)
        log.update(one.ingestion_id, COUNTS)
        assert log.cancelled(one.ingestion_id)
        assert not log.cancelled(other.ingestion_id)

    def test_recent_is_newest_first_limited_and_by_index(self, log: IngestionLog) -> None:
        """All indexes without a name."""
        started = []
        for number in range(6):
            job = log.start(JobOrder(index="even" if number % 2 == 0 else "odd", source=f"/{number}"))
            log.update(job.ingestion_id, COUNTS, state=IngestionState.SUCCEEDED)
            started.append(job.ingestion_id)
        assert len(set(started)) == 6
        assert [job.source for job in log.recent()] == ["/5", "/4", "/3", "/2", "/1", "/0"]
        assert [job.source for job in log.recent("even", limit=2)] == ["/4", "/2"]
        assert log.recent("none") == []

    def test_a_job_keeps_the_whole_order(self, log: IngestionLog) -> None:
        """So that any process can do it, and do it again."""
        job = log.enqueue(WHOLE)
        assert job.order == WHOLE
        assert log.get(job.ingestion_id) == job
        assert (job.state, job.final, job.option("from"), job.option("none", "-")) == (
            IngestionState.QUEUED,
            False,
            "a = b, c",
            "-",
        )

    def test_an_equal_order_that_waits_is_not_queued_twice(self, log: IngestionLog) -> None:
        """But is when the first one runs."""
        first = log.enqueue(PHOTOS)
        assert log.enqueue(PHOTOS) == first
        assert log.enqueue(replace(PHOTOS, groups=("staff",))) != first
        assert log.claim(first.ingestion_id) is not None
        assert log.enqueue(PHOTOS).ingestion_id != first.ingestion_id

    def test_queued_jobs_are_claimed_oldest_first_one_an_index(self, log: IngestionLog) -> None:
        """A job whose index is written to waits, and those behind it go before."""
        one, two, other = (log.enqueue(o) for o in (PHOTOS, replace(PHOTOS, source="/more"), OTHER))
        claimed = [log.claim(), log.claim(), log.claim()]
        assert [job and job.ingestion_id for job in claimed] == [one.ingestion_id, other.ingestion_id, None]
        assert [job and job.state for job in claimed[:2]] == [IngestionState.RUNNING] * 2
        with pytest.raises(ConflictError):
            log.start(PHOTOS)
        log.update(one.ingestion_id, state=IngestionState.SUCCEEDED)
        last = log.claim()
        assert last is not None
        assert last.ingestion_id == two.ingestion_id

    def test_of_many_that_claim_at_once_each_gets_another(self, log: IngestionLog) -> None:
        """Threads race for the queue."""
        for number in range(4):
            log.enqueue(JobOrder(index=f"i{number}", source="/photos"))
        with ThreadPoolExecutor(8) as pool:
            got = [job.ingestion_id for job in pool.map(lambda _: log.claim(), range(12)) if job]
        assert len(got) == len(set(got)) == 4

    def test_a_job_is_claimed_by_its_name(self, log: IngestionLog) -> None:
        """As somebody who waits for it does."""
        log.enqueue(OTHER)
        mine = log.enqueue(PHOTOS)
        claimed = log.claim(mine.ingestion_id)
        assert claimed is not None
        assert claimed.ingestion_id == mine.ingestion_id
        assert log.claim(mine.ingestion_id) is None

    def test_stages_and_progress_are_kept_apart_from_counts(self, log: IngestionLog) -> None:
        """What is not given stays; a stage has its own beginning, which the rate is reckoned from."""
        job = log.start(PHOTOS)
        log.update(job.ingestion_id, COUNTS)
        log.update(job.ingestion_id, stage="understand", progress=JobProgress(todo=10, done=0, bytes_done=0))
        began = log.get(job.ingestion_id).stage_at
        log.update(job.ingestion_id, stage="understand", progress=JobProgress(todo=10, done=4, bytes_done=400))
        found = log.get(job.ingestion_id)
        assert (found.counts, found.stage, found.stage_at) == (COUNTS, "understand", began)
        assert found.progress == JobProgress(todo=10, done=4, bytes_done=400)
        assert found.items_per_second is not None
        assert found.seconds_left == pytest.approx(6 / found.items_per_second)
        log.update(job.ingestion_id, state=IngestionState.SUCCEEDED)
        ended = log.get(job.ingestion_id)
        assert (ended.progress.done, ended.seconds_left, ended.final) == (4, None, True)

    def test_what_could_not_be_used_is_kept_with_the_job_in_order(self, log: IngestionLog) -> None:
        """And of no other job."""
        job, other = log.start(PHOTOS), log.start(OTHER)
        log.add_failures(job.ingestion_id, FAILURES[:2])
        log.add_failures(job.ingestion_id, [])
        log.add_failures(job.ingestion_id, FAILURES[2:])
        assert log.failures(job.ingestion_id) == FAILURES
        assert log.failures(job.ingestion_id, after=1, limit=2) == FAILURES[1:3]
        assert log.failures(other.ingestion_id) == []

    def test_a_queued_job_is_cancelled_at_once_and_an_ended_one_never(self, log: IngestionLog) -> None:
        """There is nobody to ask."""
        queued, ended = log.enqueue(PHOTOS), log.start(OTHER)
        log.update(ended.ingestion_id, state=IngestionState.SUCCEEDED)
        for job in (queued, ended):
            log.cancel(job.ingestion_id)
        assert log.get(queued.ingestion_id).state is IngestionState.CANCELLED
        assert log.get(ended.ingestion_id).state is IngestionState.SUCCEEDED
        assert log.claim() is None

    def test_an_unknown_job_is_not_found(self, log: IngestionLog) -> None:
        """Whatever is asked of it."""
        nobody = IngestionId("nobody")
        for ask in (log.get, log.cancel, log.cancelled, log.update):
            with pytest.raises(NotFoundError, match="nobody"):
                ask(nobody)
        assert log.claim(nobody) is None
