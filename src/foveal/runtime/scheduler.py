"""Refreshes of due sources beside a running server.

Any number of processes may do this on one home: a lease in the database sees to it that each source is run by one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from foveal.errors import FovealError
from foveal.pipeline.saved_sources import Refreshed, SavedSources
from foveal.types.ingestions import IngestionProgress

POLL_S = 1.0
"""Time between two looks at what is due, each one small read of the database."""


@contextmanager
def refreshing(
    sources: SavedSources, tell: Callable[[Refreshed], None] = lambda _: None, *, poll_s: float = POLL_S
) -> Iterator[None]:
    """Run what is due, one source after another, from a thread of its own.

    On leaving, a run under way stops at its next file, keeps what it did, and is due again.

    Args:
        sources: Whose.
        tell: Told what became of each, from that thread.
        poll_s: Time between two looks.
    """
    over = threading.Event()

    def stop_when_over(_: IngestionProgress) -> None:
        if over.is_set():
            raise KeyboardInterrupt  # what an ingestion takes for "stop here, go on another time"

    def run() -> None:
        while not over.wait(poll_s):
            try:
                for done in sources.refresh_due(stop_when_over):
                    tell(done)
                    if over.is_set():
                        return
            except FovealError:
                continue  # the database is busy or away; it may be back at the next look
            except KeyboardInterrupt:
                return

    thread = threading.Thread(target=run, name="foveal-refresh", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
