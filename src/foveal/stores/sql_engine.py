"""SQL databases: opened, and their errors turned into ours.

SQLite is used as several processes need it: write-ahead log, so that readers never wait for a writer; write
transactions that take the lock when they begin, so that they wait for one another instead of failing half-way;
foreign keys that mean something.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import URL, DateTime, Dialect, Engine, TypeDecorator, create_engine, event
from sqlalchemy.engine import Connection
from sqlalchemy.engine.url import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from foveal.errors import InvalidRequestError, StoreBusyError, StoreCorruptError, StoreError

BUSY_TIMEOUT_S = 30.0
"""How long a write waits for the writes of others before it gives up."""

_WRITES = "foveal_writes"
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class UtcTime(TypeDecorator[datetime]):
    """Aware times, kept in UTC to the microsecond whatever the database knows of zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; SQLite gets it without the zone it would drop."""
        if value is None:
            return None
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def connect(url: str | URL) -> Engine:
    """An engine for a database; a SQLite file is made when there is none.

    Raises:
        StoreError: The URL names no database SQLAlchemy can open.
    """
    with translated(f"The database {url}"):
        parts = make_url(url)
        if parts.get_backend_name() != "sqlite":
            return create_engine(parts)
        engine = create_engine(parts, connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver's own idea of when transactions begin is switched off; `_begin_sqlite` says it.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def reading(engine: Engine, what: str) -> Iterator[Connection]:
    """A transaction that sees one state and changes nothing."""
    with translated(what), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine, what: str) -> Iterator[Connection]:
    """A transaction that holds the write lock from its beginning; all or nothing."""
    with translated(what), engine.execution_options(**{_WRITES: True}).begin() as connection:
        yield connection


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Database errors become `StoreError`, told apart by SQLite's result codes."""
    try:
        yield
    except SQLAlchemyError as error:
        raise _store_error(what, error) from error
    except UnicodeEncodeError as error:  # half of a surrogate pair, as a terminal or JSON can give it
        raise InvalidRequestError(
            f"{what} cannot keep a name that is no valid Unicode: {error.object!r}.", remedy="Give another name."
        ) from None


def _store_error(what: str, error: SQLAlchemyError) -> StoreError:
    cause: Any = error.orig if isinstance(error, DBAPIError) else error
    code = (getattr(cause, "sqlite_errorcode", None) or 0) & 0xFF  # the primary result code
    if code in _BUSY:
        return StoreBusyError(
            f"{what} is locked by another process for more than {BUSY_TIMEOUT_S:.0f} s.",
            remedy="Wait for it to finish, or stop it, and try again.",
        )
    if code in _CORRUPT:
        return StoreCorruptError(
            f"{what} is damaged: {cause}.",
            remedy="Put a backup in its place; or move the file away and ingest again.",
        )
    return StoreError(
        f"{what} cannot be used: {cause}.",
        remedy="See that the disk has room and the file and its folder may be written.",
    )
