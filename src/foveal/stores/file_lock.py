"""A lock between processes: a file that one of them holds at a time. The system frees it when its holder dies."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from foveal.errors import StoreBusyError, StoreError

TIMEOUT_S = 30.0
_PAUSE_S = 0.005


@contextmanager
def locked(file: Path, what: str) -> Iterator[None]:
    """Hold the lock; not for two threads of one process at once, which some systems let through.

    Raises:
        StoreBusyError: Another process holds it for more than `TIMEOUT_S`.
        StoreError: The file cannot be made.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = file.open("ab")
    except OSError as error:
        raise StoreError(
            f"{what} cannot be locked: {error.strerror}.", remedy=f"See that {file.parent} may be written."
        ) from error
    with handle:  # closing the file unlocks it
        deadline = time.monotonic() + TIMEOUT_S
        while not _take(handle.fileno()):
            if time.monotonic() > deadline:
                raise StoreBusyError(
                    f"{what} is being written by another process for more than {TIMEOUT_S:.0f} s.",
                    remedy="Wait for it to finish, or stop it, and try again.",
                )
            time.sleep(_PAUSE_S)
        yield


def _take(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
