"""Errors of SQL databases, turned into ours by code: SQLite's result codes, PostgreSQL's SQLSTATE.

Sources: https://sqlite.org/rescode.html; https://www.postgresql.org/docs/current/errcodes-appendix.html.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from foveal.errors import FovealError, InvalidRequestError, StoreBusyError, StoreCorruptError, StoreError

BUSY_TIMEOUT_S = 30.0
"""How long a write waits for the writes of others before it gives up."""

_SQLITE_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_SQLITE_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

_BUSY = {"55P03", "40001", "40P01", "53300", "57P03"}
"""Lock not available, serialization failure, deadlock, too many connections, still starting."""
_GRANT = "Give the user the right: GRANT CREATE, USAGE ON SCHEMA public TO USER."
_REMEDIES = {
    "42501": _GRANT,
    "3F000": _GRANT,
    "25006": "That server is a read-only replica: name the primary.",
    "53100": "The disk of the database server is full: make room.",
}


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Database errors become `StoreError`, or `InvalidRequestError` where a text cannot be kept."""
    try:
        yield
    except SQLAlchemyError as error:
        raise _translation(what, error) from error
    except UnicodeEncodeError as error:  # half of a surrogate pair, as a terminal or JSON can give it
        raise InvalidRequestError(
            f"{what} cannot keep a name that is no valid Unicode: {error.object!r}.", remedy="Give another name."
        ) from None


def _translation(what: str, error: SQLAlchemyError) -> FovealError:
    cause: Any = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(error, PoolTimeoutError):
        return _busy(what)
    if isinstance(cause, sqlite3.Error):
        return _of_sqlite(what, cause)
    if isinstance(error, DBAPIError):
        return _of_postgresql(what, cause)
    return StoreError(f"{what} cannot be used: {cause}.", remedy="See that the database is there and may be used.")


def _busy(what: str) -> StoreBusyError:
    return StoreBusyError(
        f"{what} is locked by another process for more than {BUSY_TIMEOUT_S:.0f} s.",
        remedy="Wait for it to finish, or stop it, and try again.",
    )


def _of_sqlite(what: str, cause: sqlite3.Error) -> FovealError:
    code = (getattr(cause, "sqlite_errorcode", None) or 0) & 0xFF  # the primary result code
    if code in _SQLITE_BUSY:
        return _busy(what)
    if code in _SQLITE_CORRUPT:
        return StoreCorruptError(
            f"{what} is damaged: {cause}.",
            remedy="Put a backup in its place; or move the file away and ingest again.",
        )
    return StoreError(
        f"{what} cannot be used: {cause}.",
        remedy="See that the disk has room and the file and its folder may be written.",
    )


def _of_postgresql(what: str, cause: Any) -> FovealError:
    state = getattr(cause, "sqlstate", None) or ""
    said = " ".join(str(cause).split()).rstrip(".")  # the server's words; it never repeats a password
    if state in _BUSY:
        return _busy(what)
    if state.startswith("XX00"):
        return StoreCorruptError(f"{what} is damaged: {said}.", remedy="Restore a backup of the database.")
    if state.startswith("22") or type(cause).__name__ == "DataError":  # a NUL, or a number too large
        return InvalidRequestError(f"{what} cannot keep a value: {said}.", remedy="Give another one.")
    if not state or state.startswith(("08", "57P")):  # refusals while connecting come without a code
        return StoreError(
            f"{what} cannot be reached: {said}.",
            remedy="See that the server runs and has that database and user (`createdb`), and check FOVEAL_DATABASE.",
        )
    return StoreError(f"{what} cannot be used: {said}.", remedy=_REMEDIES.get(state, "See the log of the database."))
