"""A source in memory: files as a dictionary, for tests of whatever reads from a source."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

from foveal.errors import UnreadableAssetError
from foveal.types.assets import SourceItem

_BEGINNING = datetime(2024, 1, 1, tzinfo=UTC)


class FakeSource:
    """Files that a test puts, changes and removes. Time moves on by a second with each put.

    Attributes:
        opened: Paths in the order they were opened.
    """

    def __init__(self, files: Mapping[str, bytes] | None = None, *, name: str = "fake-source") -> None:
        self._name = name
        self._files: dict[str, tuple[bytes, int]] = {}
        self._puts = 0
        self.opened: list[str] = []
        for path, data in (files or {}).items():
            self.put(path, data)

    @property
    def name(self) -> str:
        """As given."""
        return self._name

    def put(self, path: str, data: bytes) -> None:
        """Add a file, or change it; its version is new even when the bytes are the same."""
        self._puts += 1
        self._files[path] = (data, self._puts)

    def remove(self, path: str) -> None:
        """Take a file away; items listed before can no longer be opened."""
        del self._files[path]

    def items(self) -> Iterator[SourceItem]:
        """Every file, sorted by path."""
        for path, (data, put) in sorted(self._files.items()):
            yield SourceItem(
                path=path,
                size_bytes=len(data),
                version=str(put),
                modified_at=_BEGINNING + timedelta(seconds=put),
            )

    def open(self, item: SourceItem) -> BinaryIO:
        """The bytes as they are now."""
        if item.path not in self._files:
            raise UnreadableAssetError("The file is not there any more.", stage="fetch")
        self.opened.append(item.path)
        return io.BytesIO(self._files[item.path][0])
