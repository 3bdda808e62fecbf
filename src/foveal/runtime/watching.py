"""Watched folders: read as soon as something in them changes, beside their schedule.

The system tells of changes (inotify, FSEvents, ReadDirectoryChangesW); those of a moment are one. A change queues a
refresh of the source, and queued refreshes of one source are one, so there are never two runs at once, in whatever
process. A new watch begins with a refresh, for what changed while nobody watched.

Where there are no events (a folder that is not there yet, a limit of the system, a file system that has none and says
so), the source falls back to its schedule, or without one is read every `FALLBACK_S`; watching is tried again as often.
Network file systems often give no events and do not say so: give those a schedule.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from foveal.errors import FovealError
from foveal.pipeline.saved_sources import SavedSources
from foveal.types.sources import SavedSource

LOOK_S = 2.0
"""Time between two looks at which sources are to be watched."""
STEP_MS = 200
"""Changes are taken together until nothing changes for so long…"""
DEBOUNCE_MS = 1600
"""…or for so long since the first."""
LISTEN_MS = 500
"""Longest wait for events between two looks at whether the folder is there."""
FALLBACK_S = 60.0

Teller = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Watch:
    """A folder under watch."""

    folder: str
    over: threading.Event
    thread: threading.Thread


class Watcher:
    """Watches folders of saved sources until it is stopped.

    Args:
        sources: Whose.
        tell: Told in a sentence where a folder cannot be watched.
        only: Names of the sources to watch; None: all that are set to be watched.
        fallback_s: Time between two reads where there are neither events nor a schedule.
    """

    def __init__(
        self,
        sources: SavedSources,
        *,
        tell: Teller = lambda _: None,
        only: Collection[str] | None = None,
        fallback_s: float = FALLBACK_S,
    ) -> None:
        self._sources = sources
        self._tell = tell
        self._only = only
        self._fallback_s = fallback_s
        self._watches: dict[str, _Watch] = {}

    def run(self, over: threading.Event, *, look_s: float = LOOK_S) -> None:
        """Keep up with which sources are to be watched, until `over`."""
        try:
            while not over.is_set():
                with suppress(FovealError):  # the database is busy or away; it may be back at the next look
                    self._follow({s.settings.name: s for s in self._sources.all() if self._wanted(s)})
                over.wait(look_s)
        finally:
            for name in list(self._watches):
                self._end(name)

    def _wanted(self, saved: SavedSource) -> bool:
        return saved.settings.watch if self._only is None else saved.settings.name in self._only

    def _follow(self, wanted: dict[str, SavedSource]) -> None:
        for name, watch in list(self._watches.items()):
            if name not in wanted or wanted[name].settings.location != watch.folder:
                self._end(name)
        for name, saved in wanted.items():
            if name not in self._watches:
                self._begin(saved)

    def _begin(self, saved: SavedSource) -> None:
        name, over = saved.settings.name, threading.Event()
        thread = threading.Thread(target=self._watch, args=(saved, over), name=f"foveal-watch-{name}", daemon=True)
        self._watches[name] = _Watch(folder=saved.settings.location, over=over, thread=thread)
        thread.start()

    def _end(self, name: str) -> None:
        watch = self._watches.pop(name)
        watch.over.set()
        watch.thread.join()

    def _watch(self, saved: SavedSource, over: threading.Event) -> None:
        """One folder, in a thread of its own."""
        name, told = saved.settings.name, ""
        while not over.is_set():
            try:
                for _ in _changes(Path(saved.settings.location), over):
                    self._ask(name)
                return
            except (OSError, RuntimeError) as error:  # what the watching library raises, its own error among them
                if str(error) != told:
                    told = str(error)
                    self._tell(f"The folder of the source {name} cannot be watched ({error}); it is read as scheduled.")
            if not over.wait(self._fallback_s) and not saved.settings.schedule.on:
                self._ask(name)

    def _ask(self, name: str) -> None:
        with suppress(FovealError):  # the source is gone, or the database away; the next change asks again
            self._sources.ask_again(name)


@contextmanager
def watching(
    sources: SavedSources, tell: Teller = lambda _: None, *, only: Collection[str] | None = None
) -> Iterator[None]:
    """Watch from a thread of its own while the block runs."""
    over = threading.Event()
    watcher = Watcher(sources, tell=tell, only=only)
    thread = threading.Thread(target=watcher.run, args=(over,), name="foveal-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _changes(folder: Path, over: threading.Event) -> Iterator[None]:
    """One when the watch stands, and one for each burst of changes.

    Raises:
        OSError: The folder is not there, or may not be watched.
        RuntimeError: The system cannot watch it.
    """
    from watchfiles import watch

    if not folder.exists():
        raise FileNotFoundError(f"{folder} is not there")
    bursts = watch(
        folder,
        watch_filter=lambda _, path: _is_seen(folder, path),
        debounce=DEBOUNCE_MS,
        step=STEP_MS,
        stop_event=over,
        rust_timeout=LISTEN_MS,
        yield_on_timeout=True,
        raise_interrupt=False,
        ignore_permission_denied=True,
    )
    first = True  # the watch stands now: what changed while nobody watched
    for burst in bursts:
        if not folder.exists():
            raise FileNotFoundError(f"{folder} is gone")
        if burst or first:
            yield
        first = False


def _is_seen(folder: Path, path: str) -> bool:
    """Whether a folder source lists it: nothing hidden below the folder, and no file that a program is writing."""
    try:
        parts = Path(path).relative_to(folder).parts
    except ValueError:
        return True
    return not any(part.startswith((".", "~$")) for part in parts)
