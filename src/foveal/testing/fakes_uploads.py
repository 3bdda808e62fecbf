"""Uploads in memory, of one process."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import BinaryIO

from foveal.errors import ConflictError, NotFoundError, UnreadableAssetError
from foveal.pipeline.saved_sources import SavedSources
from foveal.pipeline.uploads import UploadLimits, Uploads
from foveal.ports.uploads import UploadStore
from foveal.readers.sniffing import sniff
from foveal.retrieval.upload_names import free_name
from foveal.runtime.uploading import read_words
from foveal.testing.fakes_stores import InMemoryByteStore, InMemoryCatalog
from foveal.types.assets import AssetId
from foveal.types.uploads import Fate, FileId, Received, Unfinished, UploadDraft, UploadedFile, UploadId


class InMemoryUploadStore:
    """`foveal.ports.UploadStore` over dictionaries; ids are numbers of 32 digits."""

    def __init__(self, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._arriving: dict[UploadId, tuple[Unfinished, bytes]] = {}
        self._files: dict[FileId, UploadedFile] = {}
        self._bytes: dict[AssetId, bytes] = {}
        self._count = 0
        self._lock = RLock()

    def begin(self, draft: UploadDraft) -> Unfinished:
        """Make room for a file."""
        with self._lock:
            upload_id = UploadId(self._next())
            begun = Unfinished(upload_id=upload_id, draft=draft, offset=0, touched_at=self._now())
            self._arriving[upload_id] = begun, b""
            return begun

    def unfinished(self, upload_id: UploadId) -> Unfinished:
        """How far it is."""
        return self._one(upload_id)[0]

    def append(self, upload_id: UploadId, offset: int, data: bytes) -> int:
        """Keep its next bytes."""
        with self._lock:
            begun, before = self._one(upload_id)
            if begun.offset != offset:
                raise ConflictError(f"The upload {upload_id} has {begun.offset} bytes, not {offset}.")
            now = replace(begun, offset=offset + len(data), touched_at=self._now())
            self._arriving[upload_id] = now, before + data
            return now.offset

    def read(self, upload_id: UploadId) -> BinaryIO:
        """What has arrived."""
        return io.BytesIO(self._one(upload_id)[1])

    def abandon(self, upload_id: UploadId) -> None:
        """Give it up."""
        with self._lock:
            self._arriving.pop(upload_id, None)

    def abandon_before(self, moment: datetime) -> int:
        """Give up what is old."""
        with self._lock:
            old = [upload_id for upload_id, (begun, _) in self._arriving.items() if begun.touched_at < moment]
            for upload_id in old:
                self.abandon(upload_id)
            return len(old)

    def keep(self, upload_id: UploadId, draft: UploadDraft, *, asset_id: AssetId, media_type: str) -> Received:
        """Make a file of what has arrived."""
        with self._lock:
            _, data = self._one(upload_id)
            self.abandon(upload_id)
            self._bytes[asset_id] = data
            there = self.files(draft.source)
            twin = next((file for file in there if file.asset_id == asset_id), None)
            if twin is not None:
                kept = replace(twin, description=twin.description or draft.description)
                fate = Fate.DUPLICATE
            else:
                taken = self.find(draft.source, draft.path)
                fate = Fate.REPLACED if taken and draft.replace else Fate.ADDED
                old = taken if taken and draft.replace else None
                now = self._now()
                kept = UploadedFile(
                    file_id=old.file_id if old else FileId(self._next()),
                    source=draft.source,
                    path=old.path if old else free_name(draft.path, {file.path for file in there}),
                    asset_id=asset_id,
                    size_bytes=len(data),
                    media_type=media_type,
                    description=draft.description or (old.description if old else ""),
                    created_at=old.created_at if old else now,
                    changed_at=now,
                )
            self._files[kept.file_id] = kept
            self.sweep()
            return Received(file=kept, fate=fate)

    def files(self, source: str) -> list[UploadedFile]:
        """Every file of a source."""
        with self._lock:
            return sorted((f for f in self._files.values() if f.source == source), key=lambda file: file.path)

    def find(self, source: str, path: str) -> UploadedFile | None:
        """The file of that name."""
        return next((file for file in self.files(source) if file.path == path), None)

    def file(self, file_id: FileId) -> UploadedFile:
        """One."""
        with self._lock:
            if file_id not in self._files:
                raise NotFoundError(f"There is no uploaded file {file_id!r}.")
            return self._files[file_id]

    def describe(self, words: Mapping[FileId, str]) -> None:
        """Keep descriptions."""
        with self._lock:
            for file_id in words.keys() & self._files.keys():
                self._files[file_id] = replace(self._files[file_id], description=words[file_id])

    def remove(self, file_ids: Collection[FileId]) -> None:
        """Delete files."""
        with self._lock:
            for file_id in file_ids:
                self._files.pop(file_id, None)
            self.sweep()

    def open(self, asset_id: AssetId) -> BinaryIO:
        """The bytes of a file."""
        if asset_id not in self._bytes:
            raise UnreadableAssetError("The upload was deleted.", stage="fetch")
        return io.BytesIO(self._bytes[asset_id])

    def sweep(self) -> int:
        """Delete bytes that no file has."""
        with self._lock:
            used = {file.asset_id for file in self._files.values()}
            unused = self._bytes.keys() - used
            for asset_id in unused:
                del self._bytes[asset_id]
            return len(unused)

    def _one(self, upload_id: UploadId) -> tuple[Unfinished, bytes]:
        with self._lock:
            if upload_id not in self._arriving:
                raise NotFoundError(f"There is no unfinished upload {upload_id!r}.")
            return self._arriving[upload_id]

    def _next(self) -> str:
        self._count += 1
        return f"{self._count:032d}"


def fake_uploads(store: UploadStore, sources: SavedSources, *, limits: UploadLimits | None = None) -> Uploads:
    """What is done with uploads over stores in memory; an image may have 100,000 bytes, a document 1,000,000."""
    return Uploads(
        store,
        sources,
        derived=InMemoryByteStore(),
        catalog=InMemoryCatalog(),
        sniff=sniff,
        limits=limits
        or UploadLimits(
            image_bytes=100_000, document_bytes=1_000_000, file_bytes=1_000_000, kept_for=timedelta(hours=1)
        ),
        read_words=read_words,
    )
