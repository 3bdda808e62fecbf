"""Pictures inside documents, whatever the document."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from foveal.errors import AssetError
from foveal.readers.exif import ExifFacts
from foveal.readers.image_facts import image_facts
from foveal.readers.sniffing import IMAGE_TYPES, sniff
from foveal.types.assets import Asset, AssetId, MediaKind
from foveal.types.content import ImageContent
from foveal.types.locators import Locator

if TYPE_CHECKING:
    from foveal.readers.image import ImageReader
    from foveal.readers.limits import Limits
    from foveal.types.vectors import Pixels

_NO_WORDS = re.compile(
    r"\.\w{2,4}$|automatically generated|AI-generated|AI 生成|^(?:image|picture|grafik|bild|imagen|immagine)\s*\d*$",
    re.IGNORECASE,
)


def picture_id(pixels: Pixels) -> str:
    """Identity of a picture by its shape and pixels: SHA-256, in hex. The same logo is the same in every file."""
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()


def picture_content(
    pixels: Pixels, *, width_px: int, height_px: int, locator: Locator, title: str, identity: str = ""
) -> ImageContent:
    """Content of a picture without a file of its own.

    Args:
        pixels: uint8 [h, w, 3].
        width_px: Width before reduction.
        height_px: Height likewise.
        locator: Where in the document.
        title: The document's.
        identity: What is the same of it wherever it occurs; empty for that of its pixels.
    """
    facts = image_facts(pixels, width_px=width_px, height_px=height_px, exif=ExifFacts(), frame_count=1)
    return ImageContent(
        pixels=pixels, facts=facts, locator=locator, picture=identity or picture_id(pixels), title=title
    )


def alternative_text(words: str) -> str:
    """What a person wrote of a picture; empty for file names and for what a program wrote."""
    words = " ".join(words.split())
    return "" if len(words) < 4 or _NO_WORDS.search(words) else words


class PictureFiles:
    """Reads image files that lie inside other files.

    Args:
        images: Decodes them.
        limits: Says which are too small to look at.
    """

    def __init__(self, images: ImageReader, limits: Limits) -> None:
        self._images = images
        self._limits = limits

    def read(self, data: bytes, *, locator: Locator, title: str, words: str) -> Iterator[ImageContent]:
        """The first image of a file; nothing for one that is tiny, broken, over a limit or of a type that is not read.

        Args:
            data: The file inside the document.
            locator: Where in the document.
            title: The document's.
            words: Its alternative text.
        """
        media_type = sniff("picture", data[:4096], len(data)).media_type
        if media_type not in IMAGE_TYPES:
            return
        asset = Asset(
            asset_id=AssetId(""), path="picture", media_type=media_type, kind=MediaKind.IMAGE, size_bytes=len(data)
        )
        try:
            content = next(self._images.read(asset, io.BytesIO(data)), None)
        except AssetError:
            return  # the document's words are worth having without it
        if content is None or self._limits.is_tiny(content.facts.width_px, content.facts.height_px):
            return
        yield replace(
            content,
            locator=locator,
            picture=picture_id(content.pixels),
            title=title,
            description=alternative_text(words),
            warnings=(),
        )
