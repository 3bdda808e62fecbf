"""Definitions of callers' own indexes in the database of the catalog."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.engine import Row

from foveal.errors import ConflictError, PreconditionError
from foveal.retrieval.index_definitions import read_definition
from foveal.stores.catalog_tables import search_indexes
from foveal.stores.sql_engine import reading, writing
from foveal.types.documents import SearchIndexRecord

_WHAT = "The catalog"


class SqlSearchIndexCatalog:
    """`foveal.ports.SearchIndexCatalog` over an engine made by `foveal.stores.catalog.open_engine`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self) -> list[SearchIndexRecord]:
        """By name."""
        with reading(self._engine, _WHAT) as connection:
            return [_record(row) for row in connection.execute(select(search_indexes).order_by(search_indexes.c.name))]

    def get(self, name: str) -> SearchIndexRecord | None:
        """One."""
        with reading(self._engine, _WHAT) as connection:
            row = connection.execute(select(search_indexes).where(search_indexes.c.name == name)).first()
        return None if row is None else _record(row)

    def put(self, record: SearchIndexRecord, *, replaces: SearchIndexRecord | None = None) -> None:
        """Insert, or update what is still as it was."""
        name = record.definition.name
        values = {
            "birth": record.birth,
            "etag": record.etag,
            "definition": json.dumps(dict(record.definition.wire), ensure_ascii=False),
        }
        with writing(self._engine, _WHAT) as connection:
            if replaces is not None:
                changed = connection.execute(update(search_indexes).where(_same(replaces)).values(**values))
                if changed.rowcount != 1:
                    raise _changed(name)
                return
            if connection.execute(select(search_indexes.c.name).where(search_indexes.c.name == name)).first():
                raise ConflictError(f"The index {name!r} exists already.")
            connection.execute(insert(search_indexes).values(name=name, **values))

    def remove(self, record: SearchIndexRecord) -> None:
        """Delete what is still as it was."""
        with writing(self._engine, _WHAT) as connection:
            if connection.execute(delete(search_indexes).where(_same(record))).rowcount != 1:
                raise _changed(record.definition.name)


def _same(record: SearchIndexRecord) -> Any:
    return (search_indexes.c.name == record.definition.name) & (search_indexes.c.etag == record.etag)


def _changed(name: str) -> PreconditionError:
    return PreconditionError(f"The index {name!r} was changed or removed meanwhile.", remedy="Read it again.")


def _record(row: Row[Any]) -> SearchIndexRecord:
    return SearchIndexRecord(definition=read_definition(json.loads(row.definition)), birth=row.birth, etag=row.etag)
