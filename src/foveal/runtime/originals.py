"""Originals: files as they were indexed, open for reading."""

from __future__ import annotations

import os
import threading
from typing import BinaryIO

from foveal.errors import AssetError, NotFoundError, SourceUnusableError
from foveal.pipeline.prepare import hash_file
from foveal.ports.sources import Source
from foveal.types.assets import AssetId, SourceItem
from foveal.types.chunks import Chunk

_Mark = tuple[int, int, int, int]
"""Device, inode, length and time of change of a file."""
_MOST = 4096


class Originals:
    """Opens the file a chunk is from after proving that its bytes are those that were indexed.

    A file of a file system is read through once; after that its place, length and time of change tell that it is the
    same, so that a player can ask for any part of an hour of video at once. Safe to use from several threads.
    """

    def __init__(self) -> None:
        self._proven: dict[AssetId, _Mark] = {}
        self._lock = threading.Lock()

    def open(self, source: Source, chunk: Chunk) -> BinaryIO:
        """The file, at its beginning; the caller closes.

        Raises:
            NotFoundError: The file is gone, or its bytes have changed since.
        """
        item = SourceItem(path=chunk.filepath, size_bytes=chunk.size_bytes, version="")
        try:
            file = source.open(item)
            try:
                if self._is_proven(file, chunk.asset_id):
                    return file
            except BaseException:
                file.close()
                raise
        except (AssetError, SourceUnusableError):
            raise NotFoundError(f"{chunk.filepath} is no longer there.", remedy="Ingest its folder again.") from None
        file.close()
        raise NotFoundError(f"{chunk.filepath} has changed since it was indexed.", remedy="Ingest its folder again.")

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
