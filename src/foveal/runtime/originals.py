"""Originals: files as they were indexed, open for reading."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from foveal.errors import AssetError, NotFoundError, SourceUnusableError, StoreError
from foveal.pipeline.prepare import hash_file
from foveal.ports.sources import Source
from foveal.stores.kept_files import KeptFiles
from foveal.types.assets import AssetId, SourceItem
from foveal.types.chunks import Chunk

_Mark = tuple[int, int, int, int]
"""Device, inode, length and time of change of a file."""
_MOST = 4096


class Originals:
    """Opens the file a chunk is from after proving that its bytes are those that were indexed.

    A file of a file system is read through once; after that its place, length and time of change tell that it is the
    same, so that a player can ask for any part of an hour of video at once. One that comes over a network is fetched
    once, and read from a copy as long as that is kept. Safe to use from several threads.

    Args:
        kept: Where copies are kept; None: nowhere.
    """

    def __init__(self, kept: KeptFiles | None = None) -> None:
        self._kept = kept
        self._proven: dict[AssetId, _Mark] = {}
        self._turns: dict[AssetId, threading.Lock] = {}
        self._lock = threading.Lock()

    def open(self, source: Source, chunk: Chunk) -> BinaryIO:
        """The file, at its beginning; the caller closes.

        Raises:
            NotFoundError: The file is gone, or its bytes have changed since.
        """
        with self._turn(chunk.asset_id):  # a player asks for several parts at once, before the first is there
            copy = self._kept.open(chunk.asset_id) if self._kept else None
            return copy or self._opened(source, chunk)

    def _opened(self, source: Source, chunk: Chunk) -> BinaryIO:
        item = SourceItem(path=chunk.filepath, size_bytes=chunk.size_bytes, version="")
        try:
            file = source.open(item)
            try:
                if self._is_proven(file, chunk.asset_id):
                    return self._copied(file, chunk.asset_id)
            except BaseException:
                file.close()
                raise
        except (AssetError, SourceUnusableError):
            raise NotFoundError(f"{chunk.filepath} is no longer there.", remedy="Ingest its folder again.") from None
        file.close()
        raise NotFoundError(f"{chunk.filepath} has changed since it was indexed.", remedy="Ingest its folder again.")

    def _copied(self, file: BinaryIO, asset_id: AssetId) -> BinaryIO:
        """A copy that is kept in place of a file that came over a network; the file itself where it is not."""
        if self._kept is None or _mark(file) is not None:
            return file
        size_bytes = file.seek(0, os.SEEK_END)
        file.seek(0)
        with suppress(StoreError):  # a full disk makes it slow, not impossible
            copy = self._kept.keep(asset_id, file, size_bytes)
            if copy is not None:
                file.close()
                return copy
        file.seek(0)
        return file

    @contextmanager
    def _turn(self, asset_id: AssetId) -> Iterator[None]:
        """One at a time for an asset."""
        with self._lock:
            turn = self._turns.setdefault(asset_id, threading.Lock())
        with turn:
            yield
        with self._lock:
            if len(self._turns) > _MOST:
                self._turns = {asset: lock for asset, lock in self._turns.items() if lock.locked()}

    def _is_proven(self, file: BinaryIO, asset_id: AssetId) -> bool:
        mark = _mark(file)
        with self._lock:
            if mark is not None and self._proven.get(asset_id) == mark:
                return True
        if hash_file(file) != asset_id:
            return False
        if mark is not None and mark == _mark(file):
            with self._lock:
                self._proven.pop(asset_id, None)
                self._proven[asset_id] = mark
                if len(self._proven) > _MOST:
                    del self._proven[next(iter(self._proven))]
        return True


def _mark(file: BinaryIO) -> _Mark | None:
    """What changes when a file of a file system does; None for one that is no such file."""
    try:
        status = os.fstat(file.fileno())
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
