"""Uploads: what is known of each file in the catalog's database, bytes in files of the home."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.engine import Connection, Row

from foveal.errors import NotFoundError
from foveal.retrieval.upload_names import free_name
from foveal.stores.catalog_tables import uploads
from foveal.stores.sql_engine import reading, writing
from foveal.stores.upload_files import UploadFiles
from foveal.types.assets import AssetId
from foveal.types.uploads import Fate, FileId, Received, Unfinished, UploadDraft, UploadedFile, UploadId

_WHAT = "The table of uploads"


class SqlUploadStore:
    """`foveal.ports.UploadStore` over an engine made by `foveal.stores.catalog.open_engine`.

    Args:
        engine: The database.
        root: Folder of the bytes.
    """

    def __init__(self, engine: Engine, root: Path, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._engine = engine
        self._files = UploadFiles(root)
        self._now = now

    def begin(self, draft: UploadDraft) -> Unfinished:
        """Make room for a file."""
        return self._files.begin(draft)

    def unfinished(self, upload_id: UploadId) -> Unfinished:
        """How far it is."""
        return self._files.unfinished(upload_id)

    def append(self, upload_id: UploadId, offset: int, data: bytes) -> int:
        """Keep its next bytes."""
        return self._files.append(upload_id, offset, data)

    def read(self, upload_id: UploadId) -> BinaryIO:
        """What has arrived."""
        return self._files.read(upload_id)

    def abandon(self, upload_id: UploadId) -> None:
        """Give it up."""
        self._files.abandon(upload_id)

    def abandon_before(self, moment: datetime) -> int:
        """Give up what is old."""
        return self._files.abandon_before(moment)

    def keep(self, upload_id: UploadId, draft: UploadDraft, *, asset_id: AssetId, media_type: str) -> Received:
        """Make a file of what has arrived: its bytes first, then the row that names them."""
        with self._files.alone():
            values = {
                "asset_id": asset_id,
                "size_bytes": self._files.unfinished(upload_id).offset,
                "media_type": media_type,
                "changed_at": self._now(),
            }
            self._files.keep(upload_id, asset_id)
            with writing(self._engine, _WHAT) as connection:
                received, unused = self._settled(connection, draft, values)
            self._drop_unused(unused)
        return received

    def files(self, source: str) -> list[UploadedFile]:
        """Every file of a source."""
        query = select(uploads).where(uploads.c.source == source)
        with reading(self._engine, _WHAT) as connection:
            found = [_file(row) for row in connection.execute(query)]
        return sorted(found, key=lambda file: file.path)  # code points, whatever the database's collation is

    def find(self, source: str, path: str) -> UploadedFile | None:
        """The file of that name."""
        named = select(uploads).where(uploads.c.source == source, uploads.c.path == path)
        with reading(self._engine, _WHAT) as connection:
            row = connection.execute(named).first()
        return None if row is None else _file(row)

    def file(self, file_id: FileId) -> UploadedFile:
        """One."""
        with reading(self._engine, _WHAT) as connection:
            row = connection.execute(select(uploads).where(uploads.c.file_id == file_id)).first()
        if row is None:
            raise NotFoundError(f"There is no uploaded file {file_id[:32]!r}.", remedy="It may have been deleted.")
        return _file(row)

    def describe(self, words: Mapping[FileId, str]) -> None:
        """Keep descriptions."""
        with writing(self._engine, _WHAT) as connection:
            for file_id, description in words.items():
                this = update(uploads).where(uploads.c.file_id == file_id)
                connection.execute(this.values(description=description))

    def remove(self, file_ids: Collection[FileId]) -> None:
        """Delete files: the rows first, so that what is left by a process that dies is bytes without a name."""
        with self._files.alone():
            with writing(self._engine, _WHAT) as connection:
                gone: set[AssetId] = set()
                for file_id in file_ids:
                    this = delete(uploads).where(uploads.c.file_id == file_id).returning(uploads.c.asset_id)
                    gone.update(AssetId(row.asset_id) for row in connection.execute(this))
            self._drop_unused(gone)

    def open(self, asset_id: AssetId) -> BinaryIO:
        """The bytes of a file."""
        return self._files.open(asset_id)

    def sweep(self) -> int:
        """Delete bytes that no file has."""
        with self._files.alone():
            return self._drop_unused(set(self._files.assets()))

    def _drop_unused(self, asset_ids: set[AssetId]) -> int:
        used = select(uploads.c.asset_id).distinct()
        with reading(self._engine, _WHAT) as connection:
            kept = {row.asset_id for row in connection.execute(used)}
        self._files.delete(asset_ids - kept)
        return len(asset_ids - kept)

    def _settled(
        self, connection: Connection, draft: UploadDraft, values: dict[str, object]
    ) -> tuple[Received, set[AssetId]]:
        """What becomes of the bytes in `values`, and the bytes whose file they took the place of."""
        of_source = select(uploads).where(uploads.c.source == draft.source)
        twin = connection.execute(of_source.where(uploads.c.asset_id == values["asset_id"])).first()
        if twin is not None:
            return Received(file=_described(connection, twin, draft), fate=Fate.DUPLICATE), set()
        taken = connection.execute(of_source.where(uploads.c.path == draft.path)).first()
        if taken is not None and draft.replace:
            replaced = _replace(connection, taken, values, draft)
            return Received(file=_file(replaced), fate=Fate.REPLACED), {AssetId(taken.asset_id)}
        path = draft.path
        if taken is not None:
            names = select(uploads.c.path).where(uploads.c.source == draft.source)
            path = free_name(path, {row.path for row in connection.execute(names)})
        return Received(file=_file(_add(connection, draft, values, path)), fate=Fate.ADDED), set()


def _add(connection: Connection, draft: UploadDraft, values: dict[str, object], path: str) -> Row[Any]:
    new = {
        **values,
        "file_id": uuid.uuid4().hex,
        "source": draft.source,
        "path": path,
        "description": draft.description,
        "created_at": values["changed_at"],
    }
    return connection.execute(insert(uploads).values(**new).returning(uploads)).one()


def _replace(connection: Connection, taken: Row[Any], values: dict[str, object], draft: UploadDraft) -> Row[Any]:
    changed = {**values, "description": draft.description or taken.description}
    this = update(uploads).where(uploads.c.file_id == taken.file_id)
    return connection.execute(this.values(**changed).returning(uploads)).one()


def _described(connection: Connection, twin: Row[Any], draft: UploadDraft) -> UploadedFile:
    if twin.description or not draft.description:
        return _file(twin)
    this = update(uploads).where(uploads.c.file_id == twin.file_id)
    return _file(connection.execute(this.values(description=draft.description).returning(uploads)).one())


def _file(row: Row[Any]) -> UploadedFile:
    return UploadedFile(
        file_id=FileId(row.file_id),
        source=row.source,
        path=row.path,
        asset_id=AssetId(row.asset_id),
        size_bytes=row.size_bytes,
        media_type=row.media_type,
        description=row.description,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )
