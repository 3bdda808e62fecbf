"""LanceDB, opened: what is set before its first import, and how much of that import is needed."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from foveal.errors import StoreError

if TYPE_CHECKING:
    from lancedb.db import LanceDBConnection

_REMOTE = "lance_namespace_urllib3_client"
"""A client for catalogs over HTTP. LanceDB needs the shapes of its messages; its calls take 0.6 s to import."""


@contextmanager
def translated(what: str, *, again: str) -> Iterator[None]:
    """LanceDB raises `ValueError` for what its Rust side calls invalid, and `RuntimeError` or `OSError` otherwise.

    Args:
        what: That which cannot be used then.
        again: How its contents come back once it is deleted.

    Raises:
        StoreError: For any of them.
    """
    try:
        yield
    except (ValueError, RuntimeError, OSError) as error:
        raise StoreError(
            f"{what} cannot be used: {error}",
            remedy=f"See that the disk has room and the folder may be written; else delete the index and {again}.",
        ) from error


def connect(uri: str) -> LanceDBConnection:
    """Open a folder of tables.

    Raises:
        ValueError: LanceDB cannot; also `RuntimeError` and `OSError`.
    """
    # Without it the engine prints a warning to standard error whenever it looks at its own statistics (Lance 9).
    os.environ.setdefault("LANCE_INCLUDE_VECTOR_CENTROIDS", "false")
    # By itself it keeps two cores free for reading, which on two cores leaves one for the up to four legs of a search.
    os.environ.setdefault("LANCE_CPU_THREADS", str(max(4, (os.cpu_count() or 1) - 2)))
    _leave_out_remote_calls()
    import lancedb

    return lancedb.connect(uri)


def _leave_out_remote_calls() -> None:
    """Have that package there without running it: its `models` are still imported when asked for."""
    spec = importlib.util.find_spec(_REMOTE) if _REMOTE not in sys.modules else None
    if spec is not None:
        sys.modules[_REMOTE] = importlib.util.module_from_spec(spec)
