"""What people wrote on files, in the catalog's database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from sqlalchemy import Engine, and_, delete, insert, select

from foveal.stores.catalog_tables import written_words as table
from foveal.stores.conversations import plain
from foveal.stores.sql_engine import reading, writing
from foveal.types.conversations import PersonId

_WHAT = "The table of written words"


class SqlWrittenWords:
    """`foveal.ports.WrittenWords` over an engine made by `foveal.stores.catalog.open_engine`."""

    def __init__(self, engine: Engine, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._engine = engine
        self._now = now

    def of(self, index: str, source: str) -> Mapping[str, str]:
        """Words by path."""
        wanted = select(table.c.path, table.c.words).where(table.c.index == index, table.c.source == source)
        with reading(self._engine, _WHAT) as connection:
            return {row.path: row.words for row in connection.execute(wanted)}

    def write(self, index: str, source: str, path: str, words: str, *, by: PersonId) -> None:
        """Keep them, or none."""
        same = and_(table.c.index == index, table.c.source == source, table.c.path == path)
        values = {"index": index, "source": source, "path": path, "person": by, "at": self._now()}
        with writing(self._engine, _WHAT) as connection:
            connection.execute(delete(table).where(same))
            if words:
                connection.execute(insert(table).values(**values, words=plain(words)))

    def forget(self, index: str) -> None:
        """All of an index."""
        with writing(self._engine, _WHAT) as connection:
            connection.execute(delete(table).where(table.c.index == index))
