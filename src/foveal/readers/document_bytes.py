"""What readers of documents share: the bytes within the limit, and what a document without words gives."""

from __future__ import annotations

from typing import BinaryIO

from foveal.errors import AssetLimitError, UnreadableAssetError
from foveal.readers.limits import MIB, Limits
from foveal.types.assets import Asset
from foveal.types.content import TextContent


def document_bytes(asset: Asset, file: BinaryIO, limits: Limits) -> bytes:
    """All bytes of a document.

    Raises:
        UnreadableAssetError: There are none.
        AssetLimitError: There are more than the limit.
    """
    most = limits.max_document_bytes
    data = b"" if asset.size_bytes > most else file.read(most + 1)
    if asset.size_bytes > most or len(data) > most:
        raise AssetLimitError(
            f"The file has {asset.size_bytes / MIB:.1f} MiB; the limit for a document is {most / MIB:g} MiB.",
            remedy="Cut it into several files, or raise limits.document_bytes.",
        )
    if not data:
        raise UnreadableAssetError("The file is empty.")
    return data


def nothing_but_a_name(title: str) -> TextContent:
    """Content of a document on which there is nothing: it can be found by its title."""
    return TextContent(text=title, title=title, warnings=("There is nothing on its pages.",))
