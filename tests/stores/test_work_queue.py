from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, update

from foveal.errors import ConflictError
from foveal.ports.ingestions import IngestionLog
from foveal.ports.work import WorkQueue
from foveal.stores.catalog_tables import job_workers
from foveal.stores.ingestion_log import SqlIngestionLog
from foveal.stores.process_leases import HEARTBEAT_LIMIT
from foveal.stores.sql_engine import writing
from foveal.stores.work_queue import SqlWorkQueue
from foveal.testing.contracts.work_queue import ITEMS, WorkQueueContract, finished
from foveal.testing.fakes_stores import InMemoryIngestionLog
from foveal.testing.fakes_work import InMemoryWorkQueue
from foveal.types.ingestions import IngestionState, JobOrder
from foveal.types.work import WorkerId

PHOTOS = JobOrder(index="photos", source="/photos")
GONE_PID = 2**22 + 1
"""Above the largest process id of Linux."""


class TestSqlWorkQueue(WorkQueueContract):
    @pytest.fixture
    def log(self, engine: Engine) -> IngestionLog:
        return SqlIngestionLog(engine)

    @pytest.fixture
    def queue(self, engine: Engine) -> WorkQueue:
        return SqlWorkQueue(engine)

    @pytest.fixture
    def lose(self, engine: Engine) -> Callable[[WorkerId], None]:
        def lose(worker: WorkerId) -> None:
            with writing(engine, "a test") as connection:
                this = update(job_workers).where(job_workers.c.worker_id == worker)
                connection.execute(this.values(pid=GONE_PID))

        return lose


class TestInMemoryWorkQueue(WorkQueueContract):
    @pytest.fixture
    def log(self) -> IngestionLog:
        return InMemoryIngestionLog()

    @pytest.fixture
    def queue(self, log: IngestionLog) -> WorkQueue:
        return InMemoryWorkQueue(log)

    @pytest.fixture
    def lose(self, queue: InMemoryWorkQueue) -> Callable[[WorkerId], None]:
        return queue.lose


def test_a_worker_elsewhere_is_lost_when_its_heart_stops(engine: Engine) -> None:
    clock = [datetime(2026, 1, 1, tzinfo=UTC)]
    log, queue = SqlIngestionLog(engine), SqlWorkQueue(engine, now=lambda: clock[0])
    job = log.start(PHOTOS).ingestion_id
    queue.fill(job, ITEMS)
    far, near = queue.join(job), queue.join(job)
    with writing(engine, "a test") as connection:
        connection.execute(update(job_workers).where(job_workers.c.worker_id == far).values(host="elsewhere", pid=1))
    queue.take(far, 10)
    clock[0] += HEARTBEAT_LIMIT
    queue.beat(far, 3)
    queue.beat(near, 0)
    clock[0] += HEARTBEAT_LIMIT
    assert queue.take(near, 10) == []
    queue.beat(near, 0)
    clock[0] += HEARTBEAT_LIMIT / 10
    assert [work.ordinal for work in queue.take(near, 10)] == [0]


def test_what_is_prepared_counts_as_through_before_it_is_committed(engine: Engine) -> None:
    log, queue = SqlIngestionLog(engine), SqlWorkQueue(engine)
    job = log.start(PHOTOS).ingestion_id
    queue.fill(job, ITEMS)
    one, other = queue.join(job), queue.join(job)
    queue.take(one, 5)
    queue.beat(one, 3)
    queue.beat(other, 2)
    assert log.get(job).progress.done == 5
    done = [finished(n) for n in range(3)]
    assert queue.propose(one, done)
    queue.settle(one, done)
    assert log.get(job).progress.done == 5


def test_workers_of_a_job_that_another_took_over_are_refused(engine: Engine) -> None:
    log, queue = SqlIngestionLog(engine), SqlWorkQueue(engine)
    job = log.start(PHOTOS).ingestion_id
    queue.fill(job, ITEMS)
    worker = queue.join(job)
    queue.take(worker, 1)
    log.update(job, state=IngestionState.INTERRUPTED)
    with pytest.raises(ConflictError):
        queue.propose(worker, [finished(0)])
