"""Derived bytes in files: `ab/cd/<asset id>/<name>`."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from foveal.errors import StoreError
from foveal.types.assets import AssetId

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class FileByteStore:
    """`foveal.ports.ByteStore` under one folder; any number of processes.

    Args:
        root: The folder.
        delete_beside: Told of assets that are deleted here, to delete what it keeps of them.
    """

    def __init__(self, root: Path, delete_beside: Callable[[Collection[AssetId]], None] = lambda _: None) -> None:
        self._root = root
        self._delete_beside = delete_beside

    def get(self, asset_id: AssetId, name: str) -> bytes | None:
        """The bytes."""
        path = self._path(asset_id, name)
        with _translated(path):
            try:
                return path.read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None

    def put(self, asset_id: AssetId, name: str, data: bytes) -> None:
        """Keep bytes: written beside, then moved into place, so that readers see all of them or none."""
        path = self._path(asset_id, name)
        with _translated(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".part", delete=False) as file:
                try:
                    file.write(data)
                    file.close()
                    os.replace(file.name, path)
                except OSError:
                    Path(file.name).unlink(missing_ok=True)
                    raise

    def delete(self, asset_ids: Collection[AssetId]) -> None:
        """Remove everything derived from these assets; the folders above stay."""
        self._delete_beside(asset_ids)
        for asset_id in asset_ids:
            folder = self._folder(asset_id)
            with _translated(folder):
                try:
                    shutil.rmtree(folder)
                except FileNotFoundError:
                    continue

    def assets(self) -> Iterator[AssetId]:
        """Every asset that something is kept of."""
        with _translated(self._root):
            for folder in self._root.glob("??/??/*") if self._root.is_dir() else ():
                yield AssetId(folder.name)

    def _folder(self, asset_id: AssetId) -> Path:
        if not _NAME.fullmatch(asset_id):
            raise StoreError(f"{asset_id!r} is no asset id.")
        return self._root / asset_id[:2] / asset_id[2:4] / asset_id

    def _path(self, asset_id: AssetId, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise StoreError(f"{name!r} is no name for derived bytes.")
        return self._folder(asset_id) / name


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{path} cannot be used: {error.strerror}.",
            remedy="See that the disk has room and the folder may be written.",
        ) from error
