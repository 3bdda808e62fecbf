from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, update

from foveal.errors import ConflictError, NotFoundError
from foveal.ports.ingestions import IngestionLog
from foveal.stores.catalog_tables import leases
from foveal.stores.ingestion_log import SqlIngestionLog
from foveal.stores.process_leases import HEARTBEAT_LIMIT
from foveal.stores.sql_engine import writing
from foveal.testing.contracts.ingestion_log import COUNTS, FAILURES, PHOTOS, IngestionLogContract
from foveal.types.ingestions import IngestionId, IngestionState


class TestSqlIngestionLog(IngestionLogContract):
    @pytest.fixture
    def log(self, engine: Engine) -> IngestionLog:
        return SqlIngestionLog(engine)


def _start_elsewhere(url: str) -> subprocess.Popen[str]:
    """Another process that holds the lease of `photos` until it is killed."""
    code = (
        "import sys, time; from foveal.stores.catalog import open_engine;"
        "from foveal.stores.ingestion_log import SqlIngestionLog; from foveal.types.ingestions import JobOrder;"
        f"log = SqlIngestionLog(open_engine({url!r})); order = JobOrder(index='photos', source='/photos');"
        "print(log.start(order).ingestion_id, flush=True);"
        "time.sleep(60)"
    )
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def test_a_live_process_keeps_its_index_and_a_killed_one_frees_it(engine: Engine, catalog_url: str) -> None:
    log = SqlIngestionLog(engine)
    with _start_elsewhere(catalog_url) as other:
        assert other.stdout is not None
        theirs = IngestionId(other.stdout.readline().strip())
        with pytest.raises(ConflictError, match=str(other.pid)):
            log.start(PHOTOS)
        assert [job.state for job in log.recent()] == [IngestionState.RUNNING]
        os.kill(other.pid, signal.SIGKILL)
        other.wait(timeout=30)
    assert [job.state for job in log.recent()] == [IngestionState.INTERRUPTED]
    mine = log.start(PHOTOS)
    newest, oldest = log.recent()
    assert (newest.ingestion_id, newest.state) == (mine.ingestion_id, IngestionState.RUNNING)
    assert (oldest.ingestion_id, oldest.state) == (theirs, IngestionState.INTERRUPTED)
    assert oldest.finished_at is not None


def test_a_process_elsewhere_loses_its_lease_when_its_heart_stops(engine: Engine) -> None:
    hours = [datetime(2024, 1, 1, tzinfo=UTC)]
    log = SqlIngestionLog(engine, now=lambda: hours[0])
    job = log.start(PHOTOS)
    with writing(engine, "a test") as connection:
        connection.execute(update(leases).values(host="another-host", pid=1))
    hours[0] += HEARTBEAT_LIMIT - timedelta(seconds=1)
    with pytest.raises(ConflictError, match="another-host"):
        log.start(PHOTOS)
    log.update(job.ingestion_id, COUNTS)
    hours[0] += HEARTBEAT_LIMIT - timedelta(seconds=1)
    with pytest.raises(ConflictError):
        log.start(PHOTOS)
    hours[0] += timedelta(seconds=2)
    log.start(PHOTOS)


def test_who_lost_the_lease_is_told_and_changes_nothing(engine: Engine) -> None:
    hours = [datetime(2024, 1, 1, tzinfo=UTC)]
    log = SqlIngestionLog(engine, now=lambda: hours[0])
    sleeper = log.start(PHOTOS)
    hours[0] += 2 * HEARTBEAT_LIMIT
    winner = log.start(PHOTOS)
    for state in (IngestionState.RUNNING, IngestionState.SUCCEEDED):
        with pytest.raises(ConflictError, match="taken over"):
            log.update(sleeper.ingestion_id, COUNTS, state=state)
    newest, oldest = log.recent()
    assert (newest.ingestion_id, newest.state) == (winner.ingestion_id, IngestionState.RUNNING)
    assert oldest.state is IngestionState.INTERRUPTED
    log.update(winner.ingestion_id, COUNTS, state=IngestionState.SUCCEEDED)


def test_an_unknown_job_is_named(engine: Engine) -> None:
    with pytest.raises(NotFoundError, match="nothing"):
        SqlIngestionLog(engine).cancel(IngestionId("nothing"))


def test_a_job_whose_process_is_gone_can_be_cancelled(engine: Engine, catalog_url: str) -> None:
    log = SqlIngestionLog(engine)
    with _start_elsewhere(catalog_url) as other:
        assert other.stdout is not None
        theirs = IngestionId(other.stdout.readline().strip())
        os.kill(other.pid, signal.SIGKILL)
        other.wait(timeout=30)
    log.cancel(theirs)
    assert log.get(theirs).state is IngestionState.CANCELLED
    with pytest.raises(ConflictError, match="taken over"):
        log.update(theirs, COUNTS)


def test_words_with_a_nul_are_kept_whatever_the_database(engine: Engine) -> None:
    log = SqlIngestionLog(engine)
    job = log.start(PHOTOS)
    log.add_failures(job.ingestion_id, [replace(FAILURES[0], reason="a\0b")])
    assert log.failures(job.ingestion_id)[0].reason == "a\ufffdb"
