"""A local folder, or a single file, as a source."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from foveal.errors import InvalidRequestError, UnreadableAssetError
from foveal.types.assets import SourceItem

_JUNK = frozenset(
    {
        "thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "icon\r",
        "@eadir",
        "$recycle.bin",
        "system volume information",
        "__macosx",
        "lost+found",
    }
)
"""What operating systems and storage boxes leave behind, lower case."""


class FolderSource:
    """Every file below a folder, or one file; see `foveal.ports.Source`.

    Hidden files and folders are left out. A link to a file is followed. A link to a folder is followed once, and not
    when the folder lies below the root anyway, so a circle of links ends. Bytes of a name that are no UTF-8 are shown
    as `%XX`. A file's version is its modification time and length; what changes bytes and keeps both goes unnoticed.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    @property
    def name(self) -> str:
        """The absolute path."""
        return _shown(str(self._root))

    def items(self) -> Iterator[SourceItem]:
        """Files in code-point order of their paths.

        Raises:
            InvalidRequestError: There is no such folder or file, or it may not be listed.
        """
        try:
            status = self._root.stat()
            if stat.S_ISREG(status.st_mode):
                yield _item(_shown(self._root.name), status)
                return
            entries = _listed(str(self._root))
        except OSError as error:
            raise InvalidRequestError(
                f"{self.name} cannot be listed: {error.strerror or error}.",
                remedy="Name a folder or file that exists and that you may read.",
            ) from None
        yield from self._below("", entries, {os.path.realpath(self._root)})

    def open(self, item: SourceItem) -> BinaryIO:
        """The bytes of one item.

        Raises:
            UnreadableAssetError: It vanished, may not be read, or is no place inside the source.
        """
        try:
            place = self._place(item.path)
            if not place.is_file():
                raise FileNotFoundError
            return place.open("rb")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not there any more"
            raise UnreadableAssetError(f"The file cannot be opened: {reason}.", stage="fetch") from None

    def _below(self, prefix: str, entries: list[os.DirEntry[str]], seen: set[str]) -> Iterator[SourceItem]:
        for entry in entries:
            path = prefix + _shown(entry.name)
            try:
                if entry.is_dir():
                    if entry.is_symlink() and not self._may_follow(entry, seen):
                        continue
                    yield from self._below(f"{path}/", _listed(entry.path), seen)
                elif entry.is_file():
                    yield _item(path, entry.stat())
            except OSError:
                continue  # may not be listed, or went while we looked

    def _may_follow(self, entry: os.DirEntry[str], seen: set[str]) -> bool:
        target = os.path.realpath(entry.path)
        inside = Path(target).is_relative_to(os.path.realpath(self._root))
        if inside or target in seen or any(Path(other).is_relative_to(target) for other in seen):
            return False
        seen.add(target)
        return True

    def _place(self, path: str) -> Path:
        if self._root.is_file():
            return self._root if path == _shown(self._root.name) else self._root / path
        place = self._root
        for part in path.split("/"):
            if part in {"", ".", ".."}:
                raise ValueError(path)
            place = _child(place, part)
        return place


def _listed(folder: str) -> list[os.DirEntry[str]]:
    """Entries worth looking at, such that going down in this order gives whole paths in code-point order."""
    with os.scandir(folder) as found:
        kept = [e for e in found if not e.name.startswith(".") and not e.name.startswith("~$")]
    kept = [e for e in kept if e.name.lower() not in _JUNK]
    return sorted(kept, key=lambda e: _shown(e.name) + ("/" if _is_folder(e) else ""))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _shown(name: str) -> str:
    """A name without lone surrogates, which stand for bytes that are no UTF-8 and cannot be stored."""
    return "".join(f"%{ord(c) - 0xDC00:02X}" if "\udc80" <= c <= "\udcff" else c for c in name)


def _child(folder: Path, shown: str) -> Path:
    place = folder / shown
    if "%" not in shown or place.exists():
        return place
    with os.scandir(folder) as found:
        return next((Path(e.path) for e in found if _shown(e.name) == shown), place)


def _item(path: str, status: os.stat_result) -> SourceItem:
    try:
        modified_at = datetime.fromtimestamp(status.st_mtime, tz=UTC)
    except (OverflowError, ValueError, OSError):  # file systems allow years that datetime does not
        modified_at = None
    return SourceItem(
        path=path,
        size_bytes=status.st_size,
        version=f"{status.st_mtime_ns}-{status.st_size}",
        modified_at=modified_at,
    )
