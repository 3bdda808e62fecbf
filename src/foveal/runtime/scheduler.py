"""Queued jobs and refreshes of due sources, run by a process that has time: `foveal work`, and a thread of a server.

Any number of processes may do this on one home: leases in the database see to it that each is run by one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from foveal.errors import FovealError
from foveal.pipeline.jobs import Jobs
from foveal.pipeline.saved_sources import Refreshed, SavedSources
from foveal.types.ingestions import IngestionProgress

POLL_S = 1.0
"""Time between two looks at what there is to do, each two small reads of the database."""

Teller = Callable[[Refreshed], None]


class Worker:
    """Runs what there is to run, one after another, until it is stopped.

    Args:
        sources: Whose due ones are refreshed; None: none are.
        jobs: Whose queued ones are done; None: none are.
        helps: Whether it does shares of jobs that other processes run.
        tell: Told what became of each.
        observe: Told of progress.
    """

    def __init__(
        self,
        sources: SavedSources | None,
        jobs: Jobs | None,
        *,
        helps: bool = False,
        tell: Teller = lambda _: None,
        observe: Callable[[IngestionProgress], None] = lambda _: None,
    ) -> None:
        self._sources = sources
        self._jobs = jobs
        self._helps = helps
        self._tell = tell
        self._observe = observe
        self._over = threading.Event()

    def stop(self) -> None:
        """Have `run` return; a job under way stops at its next file, keeps what it did, and is run another time."""
        self._over.set()

    def run(self, *, poll_s: float = POLL_S) -> None:
        """Until stopped."""
        while not self._over.wait(poll_s):
            try:
                self.run_waiting()
            except FovealError:
                continue  # the database is busy or away; it may be back at the next look
            except KeyboardInterrupt:
                if self._over.is_set():
                    return
                raise

    def run_waiting(self) -> int:
        """What there is to do now; how many jobs were done."""
        done = 0
        while self._jobs and self._helps and self._jobs.help_one(self._watch):
            pass
        while self._jobs and (job := self._jobs.run_next(self._watch, lasting=True)) is not None:
            self._tell(Refreshed(name=job.saved_source, job=job))
            done += 1
        for refreshed in self._sources.refresh_due(self._watch) if self._sources else ():
            self._tell(refreshed)
            done += 1
        return done

    def _watch(self, progress: IngestionProgress) -> None:
        if self._over.is_set():
            raise KeyboardInterrupt  # what an ingestion takes for "stop here, go on another time"
        self._observe(progress)


@contextmanager
def refreshing(
    sources: SavedSources | None, tell: Teller = lambda _: None, *, jobs: Jobs | None = None, poll_s: float = POLL_S
) -> Iterator[None]:
    """Run what there is to run, from a thread of its own.

    On leaving, a run under way stops at its next file, keeps what it did, and is due again.
    """
    worker = Worker(sources, jobs, tell=tell)
    thread = threading.Thread(target=worker.run, kwargs={"poll_s": poll_s}, name="foveal-refresh", daemon=True)
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join()
