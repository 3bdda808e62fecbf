"""A job under way, of whatever kind: its lease kept, its progress recorded, its end written down.

```
with JobRun(log, log.start(order), observe) as run:
    run.stage("copy", todo=len(batches))
    for batch in batches:
        ...
        run.advance(len(batch), size_bytes=…)
        if run.cancelled:
            return run.end(IngestionState.CANCELLED)
```

Left normally, the job has succeeded, or partially where items failed; left by an error, it has failed with its message.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType

from foveal.errors import FovealError, StoreBusyError
from foveal.ports.ingestions import IngestionLog
from foveal.types.ingestions import (
    AssetFailure,
    Ingestion,
    IngestionCounts,
    IngestionProgress,
    IngestionState,
    JobProgress,
)

HEARTBEAT_S = 1.0
"""Time between two records of progress, and between two looks at whether somebody asked the job to stop."""
LEASE_S = 20.0
"""Longest time without a renewal of the lease, while models or the store take long."""

Observer = Callable[[IngestionProgress], None]


class JobRun:
    """One running job of this process, for use in a `with` statement. Safe to use from several threads.

    Args:
        log: Where it is kept.
        job: As `start` or `claim` gave it.
        observe: Told of progress, from the thread that reports it.
    """

    def __init__(self, log: IngestionLog, job: Ingestion, observe: Observer = lambda _: None) -> None:
        self.log = log
        self.job = job
        self.counts = job.counts
        self.progress = job.progress
        self._shared = self._was_shared = False
        self._since = 0  # items that are through here since the last look, of a job whose items are shared
        self._shown = 0  # most items through that the observer was told
        self._told: set[str] = set()  # paths of failures that the observer knows of
        self._seen = 0  # failures looked at, of all that are kept with the job
        self._listed = 0  # those that this run kept itself
        self._stage = job.stage
        self._observe = observe
        self._state: IngestionState | None = None
        self._message = ""
        self._asked = False
        self._failures: list[AssetFailure] = []
        self._saved: tuple[object, ...] = ()
        self._saved_at = time.monotonic()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="foveal-lease", daemon=True)

    def __enter__(self) -> JobRun:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._keep_failures()
        state, message = self._ending(error)
        counts = None if self._shared else self.counts
        progress = None if self._was_shared else self.progress  # the queue of items knows better
        self.log.update(
            self.job.ingestion_id, counts, stage=self._stage, progress=progress, state=state, message=message
        )
        self.job = self.log.get(self.job.ingestion_id)

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked it to stop, as of the last look."""
        return self._asked

    def look(self) -> bool:
        """Record how far it is, renew the lease, and say whether somebody asked it to stop.

        Raises:
            ConflictError: Another process has taken over: write nothing more.
        """
        self.save()
        now = self.log.get(self.job.ingestion_id)
        if self._shared:
            self.counts, self.progress, self._since = now.counts, now.progress, 0
            self._tell_of_others()
        self._asked = self._asked or now.cancel_asked
        return self._asked

    def stage(self, name: str, *, todo: int = 0) -> None:
        """Begin a stage of so many items."""
        self._stage, self.progress, self._shown = name, JobProgress(todo=todo), 0
        self.look()
        self.tell()

    def enter(self, name: str) -> None:
        """Begin a stage that has no items of its own; how many were through before stays."""
        self._stage = name
        self.save()
        self.tell()

    def share(self) -> None:
        """From now on counts and progress are kept by the queue of items, for all processes; this run reads them."""
        self.save()
        self._seen = self._listed
        self._shared = self._was_shared = True

    def own(self, counts: IngestionCounts) -> None:
        """Every item is through: counts are this run's again."""
        self.counts, self._shared = counts, False

    def advance(self, items: int = 1, *, size_bytes: int = 0, counts: IngestionCounts | None = None) -> None:
        """So many more items are through."""
        before = self.progress
        if self._shared:
            self._since += items
        else:
            self.progress = replace(before, done=before.done + items, bytes_done=before.bytes_done + size_bytes)
        self.counts = counts or self.counts
        self.tell()

    def fail(self, failures: Sequence[AssetFailure]) -> None:
        """Keep items that could not be used with the job, from the next record on; the caller counts them."""
        if failures:
            with self._lock:
                self._failures.extend(failures)
                self._listed += len(failures)
            self.tell(failures)

    def tell(self, failures: Sequence[AssetFailure] = ()) -> None:
        """Tell the observer."""
        self._told.update(failure.path for failure in failures)
        progress = self.progress
        self._shown = max(self._shown, progress.done + self._since)
        self._observe(
            IngestionProgress(
                counts=self.counts,
                stage=self._stage,
                todo=progress.todo,
                done=self._shown,
                bytes_done=progress.bytes_done,
                failures=tuple(failures),
            )
        )

    def _tell_of_others(self) -> None:
        """What failed in other processes since the last look."""
        if self.counts.failed + self._listed <= self._seen:
            return
        new = self.log.failures(self.job.ingestion_id, after=self._seen)
        self._seen += len(new)
        others = [failure for failure in new if failure.path not in self._told]
        if others:
            self.tell(others)

    def end(self, state: IngestionState, message: str = "") -> None:
        """Say how it ends, where that is not plain from its counts."""
        self._state, self._message = state, message

    def _ending(self, error: BaseException | None) -> tuple[IngestionState, str]:
        if isinstance(error, KeyboardInterrupt):
            return IngestionState.INTERRUPTED, "Stopped by you; run it again to go on."
        if error is not None:
            return IngestionState.FAILED, str(error)
        if self._state is not None:
            return self._state, self._message
        failed = self.counts.failed or self.log.failures(self.job.ingestion_id, limit=1)
        return IngestionState.PARTIAL if failed else IngestionState.SUCCEEDED, self._message

    def _beat(self) -> None:
        while not self._over.wait(HEARTBEAT_S):
            try:
                if self._now() != self._saved or time.monotonic() - self._saved_at >= LEASE_S:
                    self.save()
                self._asked = self._asked or self.log.cancelled(self.job.ingestion_id)
            except StoreBusyError:
                continue  # next time
            except FovealError:
                return  # lost; the work meets the same error at its next look

    def _keep_failures(self) -> None:
        failures, self._failures = self._failures, []
        if failures:
            self.log.add_failures(self.job.ingestion_id, failures)

    def _now(self) -> tuple[object, ...]:
        return self.counts, self._stage, self.progress

    def save(self) -> None:
        """Record how far it is and renew the lease.

        Raises:
            ConflictError: Another process has taken over: write nothing more.
        """
        with self._lock:
            now = self._now()
            self._keep_failures()
            own = (None, None) if self._shared else (self.counts, self.progress)
            self.log.update(self.job.ingestion_id, own[0], stage=self._stage, progress=own[1])
            self._saved, self._saved_at = now, time.monotonic()
