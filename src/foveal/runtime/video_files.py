"""Files of video indexes: a folder an index below the home, as an ordinary source."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from foveal.errors import StoreError
from foveal.ports.sources import Source
from foveal.sources.folder import FolderSource

_UNFINISHED = ".part"
"""Hidden from the source while it is written: the name begins with it."""


class VideoFiles:
    """Files by index and path.

    Args:
        root: Where the folders are.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def place(self, index: str) -> str:
        """Name of the source that an index's files are."""
        return self.source(index, make=False).name

    def source(self, index: str, *, make: bool = True) -> Source:
        """The files of an index as a source."""
        folder = self._folder(index)
        if make:
            folder.mkdir(parents=True, exist_ok=True)
        return FolderSource(folder)

    def keep(self, index: str, path: str, write: Callable[[BinaryIO], object]) -> None:
        """Write a file, all of it or nothing.

        Raises:
            StoreError: The disk is full, or may not be written.
        """
        place = self._folder(index) / path
        beside = place.with_name(f"{_UNFINISHED}-{uuid.uuid4().hex}")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                with beside.open("wb") as file:
                    write(file)
                beside.replace(place)
            finally:
                beside.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(
                f"A video cannot be kept in {self._root}: {error.strerror or error}.",
                remedy="Free some space there; Foveal keeps the videos of video indexes to show moments of them.",
            ) from None

    def holds(self, index: str, path: str) -> bool:
        """Whether a file is there."""
        return (self._folder(index) / path).is_file()

    def discard(self, index: str, path: str) -> None:
        """Remove a file, silently where it is not there."""
        place = self._folder(index) / path
        with suppress(OSError):
            place.unlink(missing_ok=True)
            place.parent.rmdir()  # as long as it is empty

    def drop(self, index: str) -> None:
        """Remove all files of an index."""
        shutil.rmtree(self._folder(index), ignore_errors=True)

    def _folder(self, index: str) -> Path:
        name = quote(index, safe="")
        return self._root / (f"_{name}" if name.startswith(".") else name)
