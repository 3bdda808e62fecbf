"""What every `WorkQueue` must do. Subclass it in your tests and give the fixtures `log`, `queue` and `lose`."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from foveal.errors import ConflictError
from foveal.ports.ingestions import IngestionLog
from foveal.ports.work import WorkQueue
from foveal.types.assets import AssetId, DocumentId, SourceItem
from foveal.types.ingestions import AssetFailure, IngestionId, IngestionState, JobOrder, JobProgress
from foveal.types.work import Finished, GoneDocument, Outcome, WorkerId, WorkItem

FAILURE = AssetFailure(path="3.jpg", stage="read", code="unreadable", reason="Broken.", remedy="Mend it.")
ITEMS = [
    WorkItem(
        ordinal=n,
        item=SourceItem(
            path=f"{n}.jpg", size_bytes=10**10 + n, version=f"v{n}", modified_at=datetime(2024, 1, 1, tzinfo=UTC)
        ),
        subtitles=SourceItem(path="a.srt", size_bytes=1, version="v", modified_at=datetime(2024, 1, 1, tzinfo=UTC))
        if n == 3
        else None,
        description=f"word {n} \ud83d 日本",
    )
    for n in range(10)
]


def finished(ordinal: int, outcome: Outcome = Outcome.ADDED, *, asset: str = "") -> Finished:
    """What became of one item."""
    failure = FAILURE if outcome is Outcome.FAILED else None
    return Finished(
        ordinal=ordinal, outcome=outcome, asset_id=AssetId(asset or f"asset {ordinal}"), size_bytes=5, failure=failure
    )


class WorkQueueContract:
    """The specification of `foveal.ports.WorkQueue` as tests."""

    @pytest.fixture
    def log(self) -> IngestionLog:
        """The log whose jobs are shared."""
        raise pytest.UsageError("a subclass of WorkQueueContract gives the fixture `log`")

    @pytest.fixture
    def queue(self) -> WorkQueue:
        """The queue under test, empty."""
        raise pytest.UsageError("a subclass of WorkQueueContract gives the fixture `queue`")

    @pytest.fixture
    def lose(self) -> Callable[[WorkerId], None]:
        """Makes it look as if the process of a worker were gone."""
        raise pytest.UsageError("a subclass of WorkQueueContract gives the fixture `lose`")

    @pytest.fixture
    def job(self, log: IngestionLog, queue: WorkQueue) -> IngestionId:
        """A running job with ten items."""
        started = log.start(JobOrder(index="photos", source="/photos"))
        log.update(started.ingestion_id, progress=JobProgress(todo=len(ITEMS)))
        queue.fill(started.ingestion_id, ITEMS)
        return started.ingestion_id

    def test_items_are_taken_in_order_once_and_whole(self, queue: WorkQueue, job: IngestionId) -> None:
        """By whoever asks."""
        one, other = queue.join(job), queue.join(job)
        assert queue.take(one, 4) == ITEMS[:4]
        assert queue.take(other, 4) == ITEMS[4:8]
        assert queue.take(one, 4) == ITEMS[8:]
        assert queue.take(other, 4) == []
        assert queue.open_items(job) == 10

    def test_of_many_that_take_at_once_each_gets_others(self, queue: WorkQueue, job: IngestionId) -> None:
        """Threads race for the items."""
        workers = [queue.join(job) for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            taken = [w.ordinal for some in pool.map(lambda n: queue.take(workers[n % 4], 1), range(20)) for w in some]
        assert sorted(taken) == list(range(10))

    def test_what_is_settled_is_counted_with_its_failures(
        self, queue: WorkQueue, log: IngestionLog, job: IngestionId
    ) -> None:
        """And is open no more."""
        worker = queue.join(job)
        queue.take(worker, 5)
        outcomes = [Outcome.ADDED, Outcome.CHANGED, Outcome.UNCHANGED, Outcome.FAILED, Outcome.SKIPPED]
        done = [finished(n, outcome) for n, outcome in enumerate(outcomes)]
        assert queue.propose(worker, done)
        queue.settle(worker, done)
        kept = log.get(job)
        counts = kept.counts
        assert (counts.added, counts.changed, counts.unchanged, counts.failed, counts.skipped) == (1, 1, 1, 1, 1)
        assert (kept.progress.todo, kept.progress.done, kept.progress.bytes_done) == (10, 5, 25)
        assert log.failures(job) == [FAILURE]
        assert queue.open_items(job) == 5

    def test_nothing_is_counted_twice(self, queue: WorkQueue, log: IngestionLog, job: IngestionId) -> None:
        """Whoever settles again is refused."""
        worker = queue.join(job)
        queue.take(worker, 1)
        assert queue.propose(worker, [finished(0)])
        queue.settle(worker, [finished(0)])
        with pytest.raises(ConflictError):
            queue.settle(worker, [finished(0)])
        with pytest.raises(ConflictError):
            queue.propose(worker, [finished(5)])
        assert log.get(job).counts.added == 1

    def test_one_worker_commits_at_a_time(self, queue: WorkQueue, job: IngestionId) -> None:
        """The next when that is settled."""
        one, other = queue.join(job), queue.join(job)
        queue.take(one, 1)
        queue.take(other, 1)
        assert queue.propose(one, [finished(0)])
        assert not queue.propose(other, [finished(1)])
        queue.settle(one, [finished(0)])
        assert queue.propose(other, [finished(1)])

    def test_items_of_a_lost_worker_are_given_to_others_one_at_a_time(
        self, queue: WorkQueue, job: IngestionId, lose: Callable[[WorkerId], None]
    ) -> None:
        """With how often they were taken, and what was to be committed; the lost one is refused from then on."""
        lost, worker = queue.join(job), queue.join(job)
        queue.take(lost, 3)
        assert queue.propose(lost, [finished(0, Outcome.CHANGED)])
        assert len(queue.take(worker, 10)) == 7
        assert queue.others(worker) == 1
        lose(lost)
        assert queue.others(worker) == 0
        taken = [queue.take(worker, 10) for _ in range(4)]
        assert [[w.ordinal for w in some] for some in taken] == [[0], [1], [2], []]
        assert {(w.attempts, w.item) for some in taken for w in some} == {(1, work.item) for work in ITEMS[:3]}
        assert taken[0][0].outcome is Outcome.CHANGED
        assert queue.propose(worker, [finished(0, Outcome.CHANGED)])
        for refused in (
            lambda: queue.take(lost, 1),
            lambda: queue.beat(lost, 0),
            lambda: queue.propose(lost, [finished(1)]),
            lambda: queue.settle(lost, [finished(0)]),
        ):
            with pytest.raises(ConflictError):
                refused()

    def test_a_worker_that_leaves_gives_its_items_back_as_they_were(self, queue: WorkQueue, job: IngestionId) -> None:
        """It did not fail on them."""
        one, other = queue.join(job), queue.join(job)
        queue.take(one, 2)
        queue.leave(one)
        queue.leave(one)
        assert queue.take(other, 3) == ITEMS[:3]

    def test_a_file_that_was_moved_counts_once_for_each_that_is_gone(
        self, queue: WorkQueue, log: IngestionLog, job: IngestionId
    ) -> None:
        """Further copies of it are added; what is gone is deleted all the same."""
        gone = [GoneDocument(document_id=DocumentId(f"d{n}"), path=f"old{n}", asset_id=AssetId("x")) for n in range(2)]
        gone.append(GoneDocument(document_id=DocumentId("d2"), path="old2", asset_id=AssetId("")))
        queue.fill(job, ITEMS, gone)
        worker = queue.join(job)
        queue.take(worker, 10)
        done = [finished(n, asset="x" if n < 3 else "") for n in range(10)]
        for some in (done[:2], done[2:]):
            assert queue.propose(worker, some)
            queue.settle(worker, some)
        assert (log.get(job).counts.moved, log.get(job).counts.added) == (2, 8)
        assert queue.gone(job) == gone
        assert queue.open_items(job) == 0

    def test_a_cleared_job_has_no_items_and_no_workers(self, queue: WorkQueue, job: IngestionId) -> None:
        """Whoever still works on it is refused."""
        worker = queue.join(job)
        queue.take(worker, 1)
        queue.clear(job)
        assert (queue.open_items(job), queue.gone(job)) == (0, [])
        with pytest.raises(ConflictError):
            queue.propose(worker, [finished(0)])

    def test_jobs_do_not_share_items(self, queue: WorkQueue, log: IngestionLog, job: IngestionId) -> None:
        """Nor the right to commit."""
        other = log.start(JobOrder(index="other", source="/photos")).ingestion_id
        queue.fill(other, ITEMS[:1])
        one, two = queue.join(job), queue.join(other)
        queue.take(one, 1)
        assert queue.take(two, 5) == ITEMS[:1]
        assert queue.propose(one, [finished(0)])
        assert queue.propose(two, [finished(0)])
        queue.settle(two, [finished(0)])
        assert (log.get(job).counts.added, log.get(other).counts.added) == (0, 1)
        log.update(other, state=IngestionState.SUCCEEDED)
