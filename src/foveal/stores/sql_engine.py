"""SQL databases: opened and used as several processes need it. Their errors are turned into ours by `sql_errors`.

Every write transaction holds a lock from its beginning, so that what it reads is still so when it writes, and writers
wait for one another instead of failing half-way:

- SQLite: `BEGIN IMMEDIATE`, the one write lock of the file. Write-ahead log, so that readers never wait for a writer.
- PostgreSQL: `pg_advisory_xact_lock` with a number for each group of tables that belong together. Chosen over
  serializable transactions, which have to be run again when they fail and so cannot be a `with` block, and over row
  locks, which do not keep a row away that is not there yet (a second job of an index, a second key of a name).
  Transactions are short; work items, which many workers take at once, are claimed row by row without the lock
  (`FOR UPDATE SKIP LOCKED`).
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import URL, DateTime, Dialect, Engine, String, TypeDecorator, create_engine, event
from sqlalchemy.engine import Connection
from sqlalchemy.engine.url import make_url
from sqlalchemy.exc import ArgumentError

from foveal.errors import SettingsError
from foveal.stores.sql_errors import BUSY_TIMEOUT_S, translated

CONNECT_TIMEOUT_S = "10"
POOL = 5
"""Connections kept open by a process to a database server."""
MORE_CONNECTIONS = 15
"""Opened beside them while many threads ask at once."""

Name = String().with_variant(String(collation="C"), "postgresql")
"""A text whose order is that of its bytes, in every database; PostgreSQL else sorts as people of its country do."""

_WRITES = "foveal_writes"
_LOCKS = "foveal_locks"
_POSTGRES = {"postgres", "postgresql", "postgresql+psycopg"}


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
        SettingsError: The URL is none of SQLite or PostgreSQL, or the driver is not installed.
        StoreError: The database cannot be used.
    """
    parts = database_url(url)
    with translated(f"The database {shown(parts)}"):
        return _sqlite(parts) if parts.get_backend_name() == "sqlite" else _postgresql(parts)


def database_url(url: str | URL) -> URL:
    """A URL with the driver that is used.

    Raises:
        SettingsError: It is none, or of another kind of database. Nothing of it is repeated: it may hold a password.
    """
    try:
        parts = make_url(url)
    except (ArgumentError, ValueError):
        raise SettingsError("The database is not given as a URL.", remedy=_FORM) from None
    if parts.drivername in _POSTGRES:
        return parts.set(drivername="postgresql+psycopg")
    if parts.get_backend_name() != "sqlite":
        raise SettingsError(f"Databases of the kind {parts.drivername} are not used.", remedy=_FORM)
    return parts


_FORM = "Write postgresql://USER:PASSWORD@HOST:5432/DATABASE, or leave it empty for SQLite in the home."


def shown(url: URL) -> str:
    """A URL as it may be printed: without its password and its parameters, which may hold another."""
    return url.set(query={}).render_as_string(hide_password=True)


def _sqlite(url: URL) -> Engine:
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False})
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


def _postgresql(url: URL) -> Engine:
    given = {"connect_timeout": CONNECT_TIMEOUT_S, "application_name": "foveal", **url.query}
    try:
        engine = create_engine(url.set(query=given), pool_size=POOL, max_overflow=MORE_CONNECTIONS, pool_pre_ping=True)
    except ModuleNotFoundError:
        raise SettingsError(
            "PostgreSQL is read through psycopg, which is not installed.", remedy="pip install 'foveal[postgres]'"
        ) from None
    event.listen(engine, "begin", _begin_postgresql)
    return engine


def _begin_postgresql(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get(_WRITES, False):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return
    # Read committed: what is read behind the lock is what the last holder left, not what was there before it.
    connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE")
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{BUSY_TIMEOUT_S * 1000:.0f}ms'")
    lock = options.get(_LOCKS)
    if lock is not None:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({lock})")


@contextmanager
def reading(engine: Engine, what: str) -> Iterator[Connection]:
    """A transaction that sees one state and changes nothing."""
    with translated(what), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine, what: str) -> Iterator[Connection]:
    """A transaction that holds the write lock of what it is about from its beginning; all or nothing."""
    options = {_WRITES: True, _LOCKS: _lock_number(what)}
    with translated(what), engine.execution_options(**options).begin() as connection:
        yield connection


@contextmanager
def sharing(engine: Engine, what: str) -> Iterator[Connection]:
    """A transaction that writes beside others, each locking only the rows it changes, where the database can.

    Rows that several may change are to be named in one order by all, or `FOR UPDATE SKIP LOCKED`.
    """
    with translated(what), engine.execution_options(**{_WRITES: True}).begin() as connection:
        yield connection


def _lock_number(what: str) -> int:
    """Of 64 bits, signed, as PostgreSQL's advisory locks are numbered; the same in every process."""
    return int.from_bytes(hashlib.sha256(f"foveal: {what}".encode()).digest()[:8], "big", signed=True)
