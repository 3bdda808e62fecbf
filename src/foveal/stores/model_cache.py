"""Results of model calls: in a SQLite file of their own, which may be deleted at any time, or in a shared database."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock

from sqlalchemy import URL, Column, Engine, LargeBinary, MetaData, String, Table, bindparam, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateTable

from foveal.ports.stores import ModelCache
from foveal.stores.sql_engine import connect, reading, sharing, writing

_KEYS = 500
_WHAT = "The model cache"


def _table(name: str) -> Table:
    return Table(
        name, MetaData(), Column("key", String, primary_key=True), Column("value", LargeBinary, nullable=False)
    )


class SqlModelCache:
    """`foveal.ports.ModelCache`: 10,000s of values of some 10 kB, several processes at once.

    Args:
        place: A file of its own, or the engine of a database that it shares with other tables.
    """

    def __init__(self, place: Path | Engine) -> None:
        self._place = place
        self._results = _table("results" if isinstance(place, Path) else "model_results")
        self._opening = Lock()

    @cached_property
    def _engine(self) -> Engine:
        if isinstance(self._place, Path):
            self._place.parent.mkdir(parents=True, exist_ok=True)
            engine = connect(URL.create("sqlite", database=str(self._place)))
        else:
            engine = self._place
        with reading(engine, _WHAT) as connection:
            there = inspect(connection).has_table(self._results.name)
        if not there:
            with writing(engine, _WHAT) as connection:
                connection.execute(CreateTable(self._results, if_not_exists=True))
        return engine

    def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """The values that are there."""
        found: dict[str, bytes] = {}
        rows_of = self._results.c
        query = select(rows_of.key, rows_of.value).where(rows_of.key.in_(bindparam("keys", expanding=True)))
        with reading(self._opened(), _WHAT) as connection:
            for start in range(0, len(keys), _KEYS):
                rows = connection.execute(query, {"keys": list(keys[start : start + _KEYS])})
                found.update((key, value) for key, value in rows)
        return found

    def put_many(self, values: Mapping[str, bytes]) -> None:
        """Keep values. A killed process loses none of them; a power failure may lose those of the last moment."""
        if not values:
            return
        rows = [{"key": key, "value": value} for key, value in sorted(values.items())]  # one order: no deadlock
        engine = self._opened()
        insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
        put = insert(self._results)
        put = put.on_conflict_do_update(index_elements=["key"], set_={"value": put.excluded.value})
        with sharing(engine, _WHAT) as connection:
            connection.execute(put, rows)

    def _opened(self) -> Engine:
        with self._opening:
            return self._engine


class PassingModelCache:
    """`foveal.ports.ModelCache` for what strangers send: it reads what is kept, and keeps the last values in memory.

    Args:
        kept: Results of the person's own files.
        most: Values remembered.
    """

    def __init__(self, kept: ModelCache, *, most: int = 1_000) -> None:
        self._kept = kept
        self._most = most
        self._recent: OrderedDict[str, bytes] = OrderedDict()
        self._lock = Lock()

    def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """The values that are there."""
        with self._lock:
            recent = {key: self._recent[key] for key in keys if key in self._recent}
        return {**self._kept.get_many([key for key in keys if key not in recent]), **recent}

    def put_many(self, values: Mapping[str, bytes]) -> None:
        """Remember values until newer ones push them out."""
        with self._lock:
            self._recent.update(values)
            while len(self._recent) > self._most:
                self._recent.popitem(last=False)
