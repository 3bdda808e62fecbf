"""Uploaded files as a source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from foveal.errors import UnreadableAssetError
from foveal.ports.uploads import UploadStore
from foveal.types.assets import SourceItem

SCHEME = "uploads://"


def location_of(source: str) -> str:
    """Where the files of a saved source are said to be; its name is unique."""
    return f"{SCHEME}{source}"


class UploadsSource:
    """The uploaded files of one saved source; see `foveal.ports.Source`. A file's version is the hash of its bytes.

    Args:
        source: Name of the saved source.
        store: Where they are kept.
    """

    def __init__(self, source: str, store: UploadStore) -> None:
        self._source = source
        self._store = store

    @property
    def name(self) -> str:
        """`uploads://NAME`."""
        return location_of(self._source)

    def items(self) -> Iterator[SourceItem]:
        """Every file there is now."""
        for file in self._store.files(self._source):
            yield SourceItem(
                path=file.path, size_bytes=file.size_bytes, version=file.asset_id, modified_at=file.changed_at
            )

    def open(self, item: SourceItem) -> BinaryIO:
        """The bytes of one item, as they are now.

        Raises:
            UnreadableAssetError: It was deleted.
        """
        kept = self._store.find(self._source, item.path)
        if kept is None:
            raise UnreadableAssetError("The upload was deleted.", stage="fetch")
        return self._store.open(kept.asset_id)
