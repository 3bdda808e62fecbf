"""Runs of saved sources: the right to run one, renewed while it lasts, and how it ended, with when it is due again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Protocol

from foveal.errors import ConflictError, FovealError, StoreBusyError
from foveal.pipeline.ingest import IngestRequest
from foveal.pipeline.job_run import Observer
from foveal.ports.sources import SourceRegistry
from foveal.types.ingestions import Ingestion, IngestionState, JobKind, JobOrder
from foveal.types.sources import Schedule, SourceRun, SourceSettings, SourceState

RENEW_S = 20.0
"""Time between two renewals of a run's lease."""
WAIT_S = 15.0
"""A source whose index another ingestion writes to is tried again after so long."""


class Ingesting(Protocol):
    """Runs an ingestion as a job."""

    def __call__(
        self,
        order: JobOrder,
        request: Callable[[], IngestRequest],
        observe: Observer = ...,
        *,
        job: Ingestion | None = None,
    ) -> Ingestion:
        """`foveal.pipeline.ingest.Ingester.run_job`."""


class SourceRuns:
    """Runs sources whose right to run it got, or gets itself. Safe to use from several threads.

    Args:
        registry: Where sources and the rights to run them are kept.
        ingest: Runs an ingestion.
        request: What to ingest of a source.
        next_run: When a source is due after a moment.
        now: The time, UTC.
    """

    def __init__(
        self,
        registry: SourceRegistry,
        *,
        ingest: Ingesting,
        request: Callable[[SourceSettings], IngestRequest],
        next_run: Callable[[Schedule, datetime], datetime | None],
        now: Callable[[], datetime],
    ) -> None:
        self._registry = registry
        self._ingest = ingest
        self._request = request
        self._next_run = next_run
        self._now = now

    def begun(self, name: str, within_s: float) -> SourceRun:
        """The right to run a source; a run whose job has ended gives it back a moment later.

        Raises:
            NotFoundError: There is none of that name.
            ConflictError: It is still running after so many seconds.
        """
        deadline = time.monotonic() + within_s
        while True:
            try:
                return self._registry.begin(name)
            except ConflictError:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(0.05)

    def run(self, run: SourceRun, observe: Observer, job: Ingestion | None = None) -> Ingestion:
        """Bring the index in line with a source, and record how it went and when it is due again.

        Raises:
            FovealError: As the ingestion; so it is recorded.
            KeyboardInterrupt: Likewise; it is due at once.
        """
        state, message, due = SourceState.FAILED, "", self.next
        settings = run.source.settings
        order = job.order if job else order_of(settings)
        try:
            with self.lease(run):
                job = self._ingest(order, lambda: self._request(settings), observe, job=job)
            state, message = _STATES[job.state], job.message
        except KeyboardInterrupt:
            state, due = SourceState.INTERRUPTED, self._at_once
            raise
        except ConflictError as error:
            message, due = str(error), self._soon
            raise
        except FovealError as error:
            message = str(error)
            raise
        finally:
            self._registry.end(run.run_id, state, message=message, next_run_at=due(run))
        return job

    def _at_once(self, run: SourceRun) -> datetime | None:
        return self._now() if run.source.settings.schedule.on else None

    def _soon(self, run: SourceRun) -> datetime | None:
        return self._now() + timedelta(seconds=WAIT_S)

    def next(self, run: SourceRun) -> datetime | None:
        """When it is due: counted from the start of this run, as long as that is to come."""
        schedule, started = run.source.settings.schedule, run.source.last_started_at or self._now()
        due = self._next_run(schedule, started)
        return due if due is None or due > self._now() else self._next_run(schedule, self._now())

    @contextmanager
    def lease(self, run: SourceRun) -> Iterator[None]:
        """Renew the right to run, from a thread of its own."""
        over = threading.Event()

        def renew() -> None:
            while not over.wait(RENEW_S):
                try:
                    self._registry.renew(run.run_id)
                except StoreBusyError:
                    continue  # next time
                except FovealError:
                    return  # lost; the ingestion has a lease of its own, and the end records nothing

        thread = threading.Thread(target=renew, name="foveal-source", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def order_of(settings: SourceSettings) -> JobOrder:
    """What a refresh of a source is as a job."""
    return JobOrder(
        kind=JobKind.REFRESH,
        index=settings.index,
        source=settings.location,
        saved_source=settings.name,
        descriptions=settings.descriptions,
        groups=settings.groups,
    )


_STATES = {
    IngestionState.QUEUED: SourceState.RUNNING,
    IngestionState.RUNNING: SourceState.RUNNING,
    IngestionState.INTERRUPTED: SourceState.INTERRUPTED,
    IngestionState.CANCELLED: SourceState.CANCELLED,
    IngestionState.SUCCEEDED: SourceState.SUCCEEDED,
    IngestionState.PARTIAL: SourceState.PARTIAL,
    IngestionState.FAILED: SourceState.FAILED,
}
