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
from foveal.ports import IngestionLog
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
        state, message = self._ending(error)
        self._keep_failures()
        self.log.update(
            self.job.ingestion_id, self.counts, stage=self._stage, progress=self.progress, state=state, message=message
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
        self._asked = self._asked or self.log.cancelled(self.job.ingestion_id)
        return self._asked

    def stage(self, name: str, *, todo: int = 0) -> None:
        """Begin a stage of so many items."""
        self._stage, self.progress = name, JobProgress(todo=todo)
        self.look()
        self.tell()

    def enter(self, name: str) -> None:
        """Begin a stage that has no items of its own; how many were through before stays."""
        self._stage = name
        self.save()
        self.tell()

    def advance(self, items: int = 1, *, size_bytes: int = 0, counts: IngestionCounts | None = None) -> None:
        """So many more items are through."""
        before = self.progress
        self.progress = replace(before, done=before.done + items, bytes_done=before.bytes_done + size_bytes)
        self.counts = counts or self.counts
        self.tell()

    def fail(self, failures: Sequence[AssetFailure]) -> None:
        """Keep items that could not be used with the job, from the next record on; the caller counts them."""
        if failures:
            with self._lock:
                self._failures.extend(failures)
            self.tell(failures)

    def tell(self, failures: Sequence[AssetFailure] = ()) -> None:
        """Tell the observer."""
        progress = self.progress
        self._observe(
            IngestionProgress(
                counts=self.counts,
                stage=self._stage,
                todo=progress.todo,
                done=progress.done,
                bytes_done=progress.bytes_done,
                failures=tuple(failures),
            )
        )

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
        return IngestionState.PARTIAL if self.counts.failed else IngestionState.SUCCEEDED, self._message

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
            self.log.update(self.job.ingestion_id, self.counts, stage=self._stage, progress=self.progress)
            self._saved, self._saved_at = now, time.monotonic()
