"""What readers of documents share: the bytes within the limit, and what a document without words gives."""

from __future__ import annotations

from typing import BinaryIO

from foveal.errors import UnreadableAssetError
from foveal.readers.limits import Limits, bytes_within
from foveal.types.assets import Asset
from foveal.types.content import TextContent


def document_bytes(asset: Asset, file: BinaryIO, limits: Limits) -> bytes:
    """All bytes of a document.

    Raises:
        UnreadableAssetError: There are none.
        AssetLimitError: There are more than the limit.
    """
    remedy = "Cut it into several files, or raise limits.document_bytes."
    data = bytes_within(asset, file, limits.max_document_bytes, kind="a document", remedy=remedy)
    if not data:
        raise UnreadableAssetError("The file is empty.")
    return data


def nothing_but_a_name(title: str) -> TextContent:
    """Content of a document on which there is nothing: it can be found by its title."""
    return TextContent(text=title, title=title, warnings=("There is nothing on its pages.",))
