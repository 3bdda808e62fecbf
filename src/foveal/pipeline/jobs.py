"""Jobs of every kind: queued, run by whichever process has time, looked at, cancelled, tried again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from foveal.errors import ConflictError, FovealError, NotFoundError
from foveal.pipeline.job_run import Observer
from foveal.ports.ingestions import IngestionLog
from foveal.types.ingestions import AssetFailure, Ingestion, IngestionId, IngestionState, JobKind, JobOrder

SHARED_STAGE = "understand"
"""The stage of a job in which its items can be shared."""
MOST_RUNNING = 100
"""Latest jobs looked at to find one to help with."""

Handler = Callable[[Ingestion, Observer], Ingestion]
"""Does a job that was claimed, in a `JobRun`; gives the job back as it ended, or raises what ended it."""


Helper = Callable[[Ingestion, Observer], int]
"""Does a share of a job that another process runs; gives how many items it did."""


class Jobs:
    """The jobs of a home. Safe to use from several threads.

    Args:
        log: Where they are kept.
        handlers: What does the jobs of each kind.
        helpers: What does shares of jobs, for kinds that can be shared.
    """

    def __init__(
        self,
        log: IngestionLog,
        handlers: Mapping[JobKind, Handler],
        helpers: Mapping[JobKind, Helper] = MappingProxyType({}),
    ) -> None:
        self._log = log
        self._handlers = handlers
        self._helpers = helpers

    def recent(self, index: str | None = None, *, limit: int = 20) -> list[Ingestion]:
        """Newest first."""
        return self._log.recent(index, limit=limit)

    def get(self, ingestion_id: str) -> Ingestion:
        """One.

        Raises:
            NotFoundError: There is none.
        """
        return self._log.get(IngestionId(ingestion_id))

    def failures(self, ingestion_id: str, *, after: int = 0, limit: int = 1000) -> list[AssetFailure]:
        """What a job could not use, oldest first, without the first `after`."""
        return self._log.failures(IngestionId(ingestion_id), after=after, limit=limit)

    def cancel(self, ingestion_id: str) -> Ingestion:
        """Ask a job, of whatever process, to stop; what it has done is kept.

        Raises:
            NotFoundError: There is none.
        """
        self._log.cancel(IngestionId(ingestion_id))
        return self.get(ingestion_id)

    def enqueue(self, order: JobOrder) -> Ingestion:
        """Have whichever process runs queued jobs do this."""
        return self._log.enqueue(order)

    def retry(self, ingestion_id: str) -> Ingestion:
        """Queue another job that tries again what failed in this one: its failed items, or where it ended before its
        end, all of it, which goes on from what is done.

        Raises:
            NotFoundError: There is none.
            ConflictError: It has not ended, or nothing of it failed.
        """
        job = self.get(ingestion_id)
        if not job.final:
            raise ConflictError(f"The job {ingestion_id} has not ended.", remedy="Wait for it, or cancel it.")
        if job.state is IngestionState.SUCCEEDED:
            raise ConflictError(f"Nothing failed in the job {ingestion_id}.")
        only_failed = job.state is IngestionState.PARTIAL
        return self.enqueue(replace(job.order, retries=job.ingestion_id) if only_failed else job.order)

    def run_next(
        self, observe: Observer = lambda _: None, *, only: str | None = None, lasting: bool = False
    ) -> Ingestion | None:
        """Do the oldest job that is queued, or whose process is gone, or the one named; as it ended.

        Args:
            observe: Told of progress; a `KeyboardInterrupt` it raises stops the job.
            only: The one job to do.
            lasting: Whether a job that is stopped is queued again, for another process or another time.

        Returns:
            None when there is none that can run now.

        Raises:
            KeyboardInterrupt: It was stopped; so it is recorded.
        """
        job = self._log.claim(IngestionId(only) if only is not None else None)
        if job is None:
            return None
        try:
            if job.kind not in self._handlers:
                raise ConflictError(f"This Foveal does no jobs of the kind {job.kind}.")
            return self._handlers[job.kind](job, observe)
        except FovealError as error:
            return self._ended(job, IngestionState.FAILED, str(error))
        except BaseException as error:
            self._ended(job, IngestionState.INTERRUPTED, f"It was stopped: {error or type(error).__name__}.")
            if lasting and isinstance(error, KeyboardInterrupt):
                self.enqueue(job.order)
            raise

    def help_one(self, observe: Observer = lambda _: None, *, only: str | None = None) -> int:
        """Do a share of the oldest job, or of the one named, that another process runs and that has items left.

        Returns:
            How many items were done here; 0 when there is nothing to help with.

        Raises:
            ModelError: A model stopped answering here; others go on.
        """
        running = [self.get(only)] if only is not None else list(reversed(self.recent(limit=MOST_RUNNING)))
        for job in running:
            shared = job.stage == SHARED_STAGE and job.progress.done < job.progress.todo
            if job.state is not IngestionState.RUNNING or not shared or job.kind not in self._helpers:
                continue
            try:
                done = self._helpers[job.kind](job, observe)
            except (ConflictError, NotFoundError):  # it ended, or what it reads is not there any more
                continue
            if done:
                return done
        return 0

    def _ended(self, job: Ingestion, state: IngestionState, message: str) -> Ingestion:
        """The job as its run recorded it; where that did not come so far, as said here."""
        now = self.get(job.ingestion_id)
        if now.state is IngestionState.RUNNING:
            self._log.update(job.ingestion_id, state=state, message=message)
        return self.get(job.ingestion_id)
