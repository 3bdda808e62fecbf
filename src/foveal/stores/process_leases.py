"""Leases of processes: who holds one, and whether that process is still there.

A lease is free when its process is gone: on the same host a process id that does not exist, anywhere a heartbeat
older than `HEARTBEAT_LIMIT`.
"""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta

HEARTBEAT_LIMIT = timedelta(seconds=120)
"""A holder renews its lease every second or so; a commit and its optimising may hold it up for long."""


def host_name() -> str:
    """What a lease says of this machine."""
    return socket.gethostname()


def holder_lives(host: str, pid: int, heartbeat_at: datetime, now: datetime) -> bool:
    """Whether the holder of a lease is still there."""
    if now - heartbeat_at > HEARTBEAT_LIMIT:
        return False
    return host != host_name() or process_lives(pid)


def process_lives(pid: int) -> bool:
    """Whether there is such a process on this machine; where that cannot be told, it is believed."""
    if os.name != "posix":
        return True  # signal 0 means something else there; the heartbeat decides
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    return True
