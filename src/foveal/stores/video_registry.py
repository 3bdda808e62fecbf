"""Video indexes in the database of the catalog: values as JSON beside the columns that are looked for.

Addresses that are still to be fetched are kept as Fernet tokens, like credentials of sources (`source_registry`).
"""

from __future__ import annotations

import base64
import os
import uuid
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.engine import Connection, Row

from foveal.errors import ConflictError, IndexNotFoundError, PreconditionError, StoreCorruptError
from foveal.stores.catalog_tables import video_documents, video_indexes, video_ingestions
from foveal.stores.process_leases import holder_lives, host_name
from foveal.stores.sql_engine import reading, writing
from foveal.stores.video_records import (
    document_json,
    index_json,
    ingestion_json,
    read_document,
    read_index,
    read_ingestion,
    read_tasks,
    tasks_json,
)
from foveal.types.videos import VideoDocument, VideoIndex, VideoIngestion, VideoRun, VideoTask

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

_WHAT = "The catalog"
_NO_LEASE = {"run_id": None, "run_host": None, "run_pid": None, "heartbeat_at": None}


class SqlVideoRegistry:
    """`foveal.ports.VideoRegistry` over an engine made by `foveal.stores.catalog.open_engine`.

    Args:
        engine: The database.
        key: Gives the 32 bytes that addresses are encrypted with.
    """

    def __init__(
        self, engine: Engine, key: Callable[[], bytes], *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._engine = engine
        self._key = key
        self._now = now

    def put_index(self, index: VideoIndex, *, replaces: VideoIndex | None = None) -> None:
        """Insert, or update what is still as it was."""
        table, values = video_indexes, {"etag": index.etag, "body": index_json(index)}
        with writing(self._engine, _WHAT) as connection:
            if replaces is not None:
                same = (table.c.name == index.name) & (table.c.etag == replaces.etag)
                if connection.execute(update(table).where(same).values(**values)).rowcount != 1:
                    raise PreconditionError(
                        f"The index {index.name!r} was changed or removed meanwhile.", remedy="Read it again."
                    )
                return
            if connection.execute(select(table.c.name).where(table.c.name == index.name)).first():
                raise ConflictError(f"The index {index.name!r} exists already.")
            connection.execute(insert(table).values(name=index.name, **values))

    def index(self, name: str) -> VideoIndex | None:
        """One."""
        with reading(self._engine, _WHAT) as connection:
            row = connection.execute(select(video_indexes).where(video_indexes.c.name == name)).first()
        return None if row is None else read_index(row.body)

    def indexes(self) -> list[VideoIndex]:
        """By name."""
        with reading(self._engine, _WHAT) as connection:
            rows = connection.execute(select(video_indexes.c.body).order_by(video_indexes.c.name)).all()
        return [read_index(row.body) for row in rows]

    def remove_index(self, name: str) -> None:
        """With everything that hangs on it."""
        with writing(self._engine, _WHAT) as connection:
            for table in (video_documents, video_ingestions):
                connection.execute(delete(table).where(table.c.index_name == name))
            connection.execute(delete(video_indexes).where(video_indexes.c.name == name))

    def put_document(self, index: str, document: VideoDocument) -> None:
        """Delete and insert."""
        table = video_documents
        same = (table.c.index_name == index) & (table.c.document_id == document.document_id)
        with writing(self._engine, _WHAT) as connection:
            _check_index(connection, index)
            connection.execute(delete(table).where(same))
            values = {"document_id": document.document_id, "body": document_json(document)}
            connection.execute(insert(table).values(index_name=index, **values))

    def remove_documents(self, index: str, document_ids: Collection[str]) -> None:
        """By id."""
        table = video_documents
        with writing(self._engine, _WHAT) as connection:
            for document_id in document_ids:
                same = (table.c.index_name == index) & (table.c.document_id == document_id)
                connection.execute(delete(table).where(same))

    def documents(self, index: str) -> list[VideoDocument]:
        """By id."""
        table = video_documents
        with reading(self._engine, _WHAT) as connection:
            asked = select(table.c.body).where(table.c.index_name == index).order_by(table.c.document_id)
            return [read_document(row.body) for row in connection.execute(asked)]

    def add_ingestion(self, ingestion: VideoIngestion, tasks: Sequence[VideoTask]) -> None:
        """Insert."""
        table, index, name = video_ingestions, ingestion.index, ingestion.name
        with writing(self._engine, _WHAT) as connection:
            _check_index(connection, index)
            if connection.execute(select(table).where((table.c.index_name == index) & (table.c.name == name))).first():
                raise ConflictError(f"The index {index!r} has an ingestion {name!r} already.", remedy="Name another.")
            values = {"body": ingestion_json(ingestion), "tasks": self._fernet().encrypt(tasks_json(tasks).encode())}
            connection.execute(insert(table).values(index_name=index, name=name, is_over=False, **values))

    def ingestions(self, index: str) -> list[VideoIngestion]:
        """Newest first."""
        table = video_ingestions
        asked = select(table.c.body).where(table.c.index_name == index).order_by(table.c.number.desc())
        with reading(self._engine, _WHAT) as connection:
            return [read_ingestion(row.body) for row in connection.execute(asked)]

    def claim(self) -> VideoRun | None:
        """The oldest that is free."""
        waiting = select(video_ingestions).where(video_ingestions.c.is_over.is_(False))
        waiting = waiting.order_by(video_ingestions.c.number)
        with reading(self._engine, _WHAT) as connection:  # a look costs no write lock while nothing is to do
            if connection.execute(waiting).first() is None:
                return None
        with writing(self._engine, _WHAT) as connection:
            free = (row for row in connection.execute(waiting).all() if not self._runs(row))
            row = next(free, None)
            return None if row is None else self._take(connection, row)

    def report(self, run_id: str, ingestion: VideoIngestion) -> None:
        """Update, and renew or end the lease."""
        over = ingestion.state.is_over
        values: dict[str, object] = {"body": ingestion_json(ingestion), "heartbeat_at": self._now()}
        if over:
            values |= {"is_over": True, "tasks": b"", **_NO_LEASE}
        with writing(self._engine, _WHAT) as connection:
            mine = update(video_ingestions).where(video_ingestions.c.run_id == run_id)
            if not connection.execute(mine.values(**values)).rowcount:
                raise ConflictError(
                    "Another process has taken over that ingestion, or its index was removed.",
                    remedy="Leave it to that process.",
                )

    def release(self, run_id: str) -> None:
        """End the lease."""
        with writing(self._engine, _WHAT) as connection:
            mine = update(video_ingestions).where(video_ingestions.c.run_id == run_id)
            connection.execute(mine.values(**_NO_LEASE))

    def _take(self, connection: Connection, row: Row[Any]) -> VideoRun:
        run_id = uuid.uuid4().hex
        lease = {"run_id": run_id, "run_host": host_name(), "run_pid": os.getpid(), "heartbeat_at": self._now()}
        taken = update(video_ingestions).where(video_ingestions.c.number == row.number)
        connection.execute(taken.values(**lease))
        return VideoRun(run_id=run_id, ingestion=read_ingestion(row.body), tasks=self._tasks(row))

    def _runs(self, row: Row[Any]) -> bool:
        held = row.run_id is not None
        return held and holder_lives(row.run_host, row.run_pid, row.heartbeat_at, self._now())

    def _tasks(self, row: Row[Any]) -> tuple[VideoTask, ...]:
        from cryptography.fernet import InvalidToken

        try:
            return read_tasks(self._fernet().decrypt(row.tasks).decode())
        except InvalidToken:
            raise StoreCorruptError(
                f"What the ingestion {row.name} fetches was encrypted with another key than the one in the home.",
                remedy="Send it again under another name.",
            ) from None

    def _fernet(self) -> Fernet:
        from cryptography.fernet import Fernet

        return Fernet(base64.urlsafe_b64encode(self._key()))


def _check_index(connection: Connection, name: str) -> None:
    if connection.execute(select(video_indexes.c.name).where(video_indexes.c.name == name)).first() is None:
        raise IndexNotFoundError(f"There is no video index {name!r}.")
