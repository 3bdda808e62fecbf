"""Copies of files that come over a network, kept as long as there is room: the one opened longest ago goes first."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO

from foveal.errors import StoreError
from foveal.types.assets import AssetId

_ASSET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_PIECE_BYTES = 2**20


class KeptFiles:
    """Whole files by asset, under one folder; any number of processes.

    Args:
        root: The folder.
        most_bytes: All of them together; a file that is larger is not kept.
    """

    def __init__(self, root: Path, most_bytes: int) -> None:
        self._root = root
        self._most_bytes = most_bytes
        self._lock = threading.Lock()

    def open(self, asset_id: AssetId) -> BinaryIO | None:
        """The copy, at its beginning; None where there is none. The caller closes."""
        path = self._path(asset_id)
        try:
            file = path.open("rb")
        except OSError:
            return None
        with suppress(OSError):
            os.utime(path)
        return file

    def keep(self, asset_id: AssetId, file: BinaryIO, size_bytes: int) -> BinaryIO | None:
        """Copy a file from where it stands, and open the copy; None where it does not fit. Readers see all or nothing.

        Raises:
            StoreError: The disk is full, or may not be written. Nothing was kept.
        """
        if size_bytes > self._most_bytes:
            return None
        path = self._path(asset_id)
        try:
            self._make_room(size_bytes)
            path.parent.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".part", delete=False) as beside:
                try:
                    shutil.copyfileobj(file, beside, _PIECE_BYTES)
                    beside.close()
                    os.replace(beside.name, path)
                except BaseException:
                    Path(beside.name).unlink(missing_ok=True)
                    raise
        except OSError as error:
            raise StoreError(
                f"{path} cannot be written: {error.strerror}.",
                remedy="See that the disk has room and the folder may be written.",
            ) from error
        return self.open(asset_id)

    def delete(self, asset_ids: Collection[AssetId]) -> None:
        """Remove the copies of these assets, silently where there is none."""
        for asset_id in asset_ids:
            with suppress(OSError):
                self._path(asset_id).unlink()

    def assets(self) -> Iterator[AssetId]:
        """Every asset that a copy is kept of."""
        for path in self._root.iterdir() if self._root.is_dir() else ():
            if not path.name.startswith("."):
                yield AssetId(path.name)

    def _make_room(self, size_bytes: int) -> None:
        with self._lock:
            kept = [(status.st_mtime_ns, status.st_size, path) for path, status in self._statuses()]
            total = sum(size for _, size, _ in kept)
            for _, size, path in sorted(kept, key=lambda one: one[0]):
                if total + size_bytes <= self._most_bytes:
                    return
                path.unlink(missing_ok=True)  # whoever has it open reads it to its end
                total -= size

    def _statuses(self) -> Iterator[tuple[Path, os.stat_result]]:
        for path in self._root.iterdir() if self._root.is_dir() else ():
            with suppress(OSError):  # another process was quicker
                yield path, path.stat()

    def _path(self, asset_id: AssetId) -> Path:
        if not _ASSET.fullmatch(asset_id):
            raise StoreError(f"{asset_id!r} is no asset id.")
        return self._root / asset_id
