"""What every `IngestionLog` must do. Subclass it in your tests and give the fixture `log`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from foveal.errors import ConflictError
from foveal.ports import IngestionLog
from foveal.types.ingestions import Ingestion, IngestionCounts, IngestionState

COUNTS = IngestionCounts(found=8, added=1, changed=2, moved=3, deleted=4, unchanged=5, failed=6, skipped=7)
FINAL = [state for state in IngestionState if state is not IngestionState.RUNNING]


class IngestionLogContract:
    """The specification of `foveal.ports.IngestionLog` as tests."""

    @pytest.fixture
    def log(self) -> IngestionLog:
        """The log under test, empty."""
        raise pytest.UsageError("a subclass of IngestionLogContract gives the fixture `log`")

    def test_a_new_job_runs_and_has_done_nothing(self, log: IngestionLog) -> None:
        """And is listed."""
        job = log.start("photos", "/photos")
        assert (job.index, job.source, job.state) == ("photos", "/photos", IngestionState.RUNNING)
        assert job.counts == IngestionCounts()
        assert job.started_at.tzinfo is not None
        assert log.recent() == [job]

    def test_a_second_writer_of_an_index_is_refused(self, log: IngestionLog) -> None:
        """Whatever its source; other indexes are free."""
        log.start("photos", "/photos")
        with pytest.raises(ConflictError, match="photos"):
            log.start("photos", "/other")
        log.start("other", "/photos")
        assert len(log.recent()) == 2

    def test_of_many_that_start_at_once_one_wins(self, log: IngestionLog) -> None:
        """Threads race for the lease."""

        def attempt(_: int) -> Ingestion | None:
            try:
                return log.start("photos", "/photos")
            except ConflictError:
                return None

        with ThreadPoolExecutor(8) as pool:
            assert sum(job is not None for job in pool.map(attempt, range(16))) == 1

    @pytest.mark.parametrize("state", FINAL)
    def test_a_final_state_releases_the_index(self, log: IngestionLog, state: IngestionState) -> None:
        """And is kept with its counts and message."""
        job = log.start("photos", "/photos")
        log.update(job.ingestion_id, COUNTS, state=state, message="the end")
        [found] = log.recent()
        assert (found.state, found.counts, found.message) == (state, COUNTS, "the end")
        assert found.finished_at is not None
        assert found.finished_at >= found.started_at
        log.start("photos", "/photos")

    def test_progress_is_recorded_and_keeps_the_lease(self, log: IngestionLog) -> None:
        """While it runs there is no end."""
        job = log.start("photos", "/photos")
        log.update(job.ingestion_id, COUNTS)
        [found] = log.recent()
        assert (found.state, found.counts, found.finished_at) == (IngestionState.RUNNING, COUNTS, None)
        assert found.updated_at >= job.updated_at
        with pytest.raises(ConflictError):
            log.start("photos", "/photos")

    def test_a_job_learns_that_it_was_cancelled(self, log: IngestionLog) -> None:
        """Only the one that was meant; asking twice is fine."""
        one, other = log.start("photos", "/photos"), log.start("other", "/photos")
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
            job = log.start("even" if number % 2 == 0 else "odd", f"/{number}")
            log.update(job.ingestion_id, COUNTS, state=IngestionState.SUCCEEDED)
            started.append(job.ingestion_id)
        assert len(set(started)) == 6
        assert [job.source for job in log.recent()] == ["/5", "/4", "/3", "/2", "/1", "/0"]
        assert [job.source for job in log.recent("even", limit=2)] == ["/4", "/2"]
        assert log.recent("none") == []
