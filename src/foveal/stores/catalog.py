"""The catalog in a SQL database: indexes, their documents, what is kept with them."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy import Engine, String, delete, insert, inspect, literal_column, select, text, update
from sqlalchemy.engine import Connection, Row

from foveal.errors import ConflictError, IndexNotFoundError, StoreError
from foveal.stores.catalog_tables import HEAD, documents, indexes
from foveal.stores.catalog_tables import attachments as attachment_table
from foveal.stores.sql_engine import connect, reading, writing
from foveal.types.assets import AssetId, DocumentId, SourceItem
from foveal.types.chunks import Generation, IndexSchema
from foveal.types.ingestions import AssetFailure, DocumentRecord, DocumentState

_WHAT = "The catalog"
_BATCH = 500
"""Values in one IN list, rows in one page; SQLite takes 32,766 parameters in a statement."""


def open_engine(url: str) -> Engine:
    """Open the database of catalog and log, creating or migrating it first if need be.

    Several processes may open it at once: one migrates, the others wait. Alembic is imported only for that.

    Args:
        url: `sqlite:////folder/catalog.sqlite`, or `postgresql://USER:PASSWORD@HOST/DATABASE`.

    Raises:
        SettingsError: It is the URL of neither, or the driver is missing.
        StoreError: It cannot be opened, or a newer Foveal made it.
    """
    engine = connect(url)
    try:
        with reading(engine, _WHAT) as connection:
            current = _revision(connection)
        if current != HEAD:
            _migrate(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version = select(literal_column("version_num", String)).select_from(text("alembic_version"))
    return connection.execute(version).scalar()


def _migrate(engine: Engine) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    with writing(engine, _WHAT) as connection:
        if _revision(connection) == HEAD:
            return  # another process was quicker
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise StoreError(
                f"The catalog cannot be brought to version {HEAD}: {error}.",
                remedy="It was made by a newer Foveal: upgrade, or set FOVEAL_HOME to another folder.",
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlIndexRecord:
    """`foveal.ports.IndexRecord`."""

    name: str
    schema: IndexSchema
    generation: Generation
    text_model: str = ""


class SqlCatalog:
    """`foveal.ports.Catalog` over an engine made by `open_engine`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def indexes(self) -> list[SqlIndexRecord]:
        """All, by name."""
        with reading(self._engine, _WHAT) as connection:
            return [_index_record(row) for row in connection.execute(select(indexes).order_by(indexes.c.name))]

    def index(self, name: str) -> SqlIndexRecord:
        """One."""
        with reading(self._engine, _WHAT) as connection:
            return _index_record(_index_row(connection, name))

    def create_index(self, name: str, schema: IndexSchema, generation: Generation) -> SqlIndexRecord:
        """Register an index."""
        with writing(self._engine, _WHAT) as connection:
            if connection.execute(select(indexes.c.name).where(indexes.c.name == name)).first():
                raise ConflictError(f"The index {name!r} exists already.")
            connection.execute(
                insert(indexes).values(
                    name=name, text_dim=schema.text_dim, image_dim=schema.image_dim, generation=generation
                )
            )
        return SqlIndexRecord(name=name, schema=schema, generation=generation)

    def delete_index(self, name: str) -> None:
        """Forget an index and its documents; the database's foreign keys take the rest along."""
        with writing(self._engine, _WHAT) as connection:
            _index_row(connection, name)
            connection.execute(delete(indexes).where(indexes.c.name == name))

    def documents(self, index: str, source: str | None = None) -> Iterator[DocumentRecord]:
        """Ordered by source and path, as they were when the iteration began."""
        query = select(documents).where(documents.c.index_name == index)
        if source is not None:
            query = query.where(documents.c.source == source)
        query = query.order_by(documents.c.source, documents.c.path, documents.c.document_id)
        with reading(self._engine, _WHAT) as connection:
            _index_row(connection, index)
            for page in connection.execution_options(yield_per=_BATCH).execute(query).partitions():
                for row in page:
                    yield _document_record(row)

    def commit(
        self,
        index: str,
        generation: Generation,
        *,
        put: Iterable[DocumentRecord] = (),
        delete: Collection[DocumentId] = (),
        attachments: Mapping[str, bytes] = MappingProxyType({}),
        base: Generation | None = None,
    ) -> None:
        """In one transaction: the documents, the generation and what is attached."""
        rows = {record.document_id: _document_row(index, record) for record in put}
        with writing(self._engine, _WHAT) as connection:
            row = _index_row(connection, index)
            if base is not None and row.generation != base:
                raise ConflictError(
                    f"Another process has committed to the index {index!r} meanwhile.",
                    remedy="Leave it to that process.",
                )
            _delete_documents(connection, index, [*delete, *rows])
            if rows:
                connection.execute(insert(documents), list(rows.values()))
            _attach(connection, index, attachments)
            connection.execute(update(indexes).where(indexes.c.name == index).values(generation=generation))

    def find(self, index: str, document_ids: Collection[DocumentId]) -> list[DocumentRecord]:
        """Those of these documents that there are."""
        wanted, found = list(document_ids), list[DocumentRecord]()
        with reading(self._engine, _WHAT) as connection:
            _index_row(connection, index)
            for start in range(0, len(wanted), _BATCH):
                some = documents.c.document_id.in_(wanted[start : start + _BATCH])
                rows = connection.execute(select(documents).where(documents.c.index_name == index, some))
                found += [_document_record(row) for row in rows]
        return found

    def switch(
        self,
        index: str,
        schema: IndexSchema,
        generation: Generation,
        *,
        text_model: str,
        attachments: Mapping[str, bytes] = MappingProxyType({}),
    ) -> None:
        """In one transaction: what readers open, and the model it was made with."""
        values = {
            "text_dim": schema.text_dim,
            "image_dim": schema.image_dim,
            "generation": generation,
            "text_model": text_model,
        }
        with writing(self._engine, _WHAT) as connection:
            _index_row(connection, index)
            _attach(connection, index, attachments)
            connection.execute(update(indexes).where(indexes.c.name == index).values(**values))

    def attachment(self, index: str, name: str) -> bytes | None:
        """A blob kept with the index."""
        named = (attachment_table.c.index_name == index) & (attachment_table.c.name == name)
        query = select(attachment_table.c.data).where(named)
        with reading(self._engine, _WHAT) as connection:
            _index_row(connection, index)
            found: bytes | None = connection.execute(query).scalar()
            return found


def _index_row(connection: Connection, name: str) -> Row[Any]:
    row = connection.execute(select(indexes).where(indexes.c.name == name)).first()
    if row is not None:
        return row
    names = list(connection.execute(select(indexes.c.name).order_by(indexes.c.name)).scalars())
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        remedy = f"Did you mean {', '.join(near)}?"
    else:
        remedy = f"The indexes are {', '.join(names)}." if names else "Make one with `foveal ingest`."
    raise IndexNotFoundError(f"There is no index {name!r}.", remedy=remedy)


def _index_record(row: Row[Any]) -> SqlIndexRecord:
    schema = IndexSchema(text_dim=row.text_dim, image_dim=row.image_dim)
    return SqlIndexRecord(
        name=row.name, schema=schema, generation=Generation(row.generation), text_model=row.text_model
    )


def _delete_documents(connection: Connection, index: str, ids: list[DocumentId]) -> None:
    for start in range(0, len(ids), _BATCH):
        some = documents.c.document_id.in_(ids[start : start + _BATCH])
        connection.execute(delete(documents).where(documents.c.index_name == index, some))


def _attach(connection: Connection, index: str, blobs: Mapping[str, bytes]) -> None:
    for name, data in blobs.items():
        same = (attachment_table.c.index_name == index) & (attachment_table.c.name == name)
        connection.execute(delete(attachment_table).where(same))
        connection.execute(insert(attachment_table).values(index_name=index, name=name, data=data))


def _document_row(index: str, record: DocumentRecord) -> dict[str, object]:
    failure = record.failure
    return {
        "index_name": index,
        "document_id": record.document_id,
        "source": record.source,
        "path": record.item.path,
        "size_bytes": record.item.size_bytes,
        "version": record.item.version,
        "modified_at": record.item.modified_at,
        "asset_id": record.asset_id,
        "recipe": record.recipe,
        "state": record.state.value,
        "media_type": record.media_type,
        "chunk_count": record.chunk_count,
        "failure_path": failure.path if failure else None,
        "failure_stage": failure.stage if failure else None,
        "failure_code": failure.code if failure else None,
        "failure_reason": failure.reason if failure else None,
        "failure_remedy": failure.remedy if failure else None,
        "warnings": json.dumps(record.warnings),
    }


def _document_record(row: Row[Any]) -> DocumentRecord:
    return DocumentRecord(
        document_id=DocumentId(row.document_id),
        source=row.source,
        item=SourceItem(path=row.path, size_bytes=row.size_bytes, version=row.version, modified_at=row.modified_at),
        asset_id=AssetId(row.asset_id),
        recipe=row.recipe,
        state=DocumentState(row.state),
        media_type=row.media_type,
        chunk_count=row.chunk_count,
        failure=_failure(row),
        warnings=tuple(json.loads(row.warnings)),
    )


def _failure(row: Row[Any]) -> AssetFailure | None:
    if row.failure_path is None:
        return None
    return AssetFailure(
        path=row.failure_path,
        stage=row.failure_stage,
        code=row.failure_code,
        reason=row.failure_reason,
        remedy=row.failure_remedy,
    )
