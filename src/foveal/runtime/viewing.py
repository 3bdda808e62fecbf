"""Bytes for looking at: originals as they were indexed, thumbnails made once."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from foveal.errors import (
    AssetError,
    AssetLimitError,
    ImageError,
    NotFoundError,
    SourceUnusableError,
    TooLargeError,
)
from foveal.pipeline.prepare import hash_file
from foveal.ports.sources import Reader, Sniffer, Source
from foveal.ports.stores import ByteStore
from foveal.types.assets import Asset, AssetId, MediaKind, SourceItem
from foveal.types.chat import ImageInput
from foveal.types.chunks import Chunk
from foveal.types.content import ImageContent
from foveal.types.locators import Box, Polygon
from foveal.types.vectors import Pixels

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

JPEG_QUALITY = 85
SMALL_PX = 320
BOX_COLOR = (255, 64, 0)
"""sRGB, between two dark lines: it stands out on bright and dark pictures."""
BOX_EDGE_COLOR = (20, 20, 20)


def open_image(data: bytes, reader: Reader, sniff: Sniffer) -> ImageInput:
    """Decode an image that came with a request.

    Raises:
        ImageError: It is no image Foveal reads, or it is broken.
        TooLargeError: It is over a limit.
    """
    sniffed = sniff("image", data[:4096], len(data))
    if sniffed.kind is not MediaKind.IMAGE:
        raise ImageError(sniffed.reason or "The image's bytes are of no image type that is read.")
    asset = Asset(
        asset_id=AssetId(""),
        path="image",
        media_type=sniffed.media_type,
        kind=MediaKind.IMAGE,
        size_bytes=len(data),
    )
    try:
        content = next(iter(reader.read(asset, io.BytesIO(data))))
    except AssetLimitError as error:
        raise TooLargeError(error.message, remedy=error.remedy) from None
    except AssetError as error:
        raise ImageError(error.message, remedy=error.remedy) from None
    if not isinstance(content, ImageContent):
        raise ImageError("The image's bytes are of no image type that is read.")
    return ImageInput(data=data, media_type=sniffed.media_type, pixels=content.pixels, facts=content.facts)


def original_bytes(source: Source, chunk: Chunk) -> bytes:
    """The file a chunk is from, exactly as it was indexed.

    Raises:
        NotFoundError: The file is gone, or its bytes have changed since.
    """
    item = SourceItem(path=chunk.filepath, size_bytes=chunk.size_bytes, version="")
    try:
        with source.open(item) as file:
            if hash_file(file) == chunk.asset_id:
                return file.read()
    except (AssetError, SourceUnusableError):
        raise NotFoundError(f"{chunk.filepath} is no longer there.", remedy="Ingest its folder again.") from None
    raise NotFoundError(f"{chunk.filepath} has changed since it was indexed.", remedy="Ingest its folder again.")


def thumbnail_bytes(derived: ByteStore, source: Source, reader: Reader, chunk: Chunk, *, long_side_px: int) -> bytes:
    """A JPEG of an image chunk, at most `long_side_px` on its long side.

    Raises:
        NotFoundError: The chunk is no image, or its file is gone.
    """
    if chunk.kind is not MediaKind.IMAGE:
        raise NotFoundError(f"{chunk.filepath} is no image, so there is no thumbnail.")
    name = f"{chunk.picture[:32] or chunk.locator.page or 0}-{long_side_px}.jpg"
    return kept_jpeg(derived, chunk, name, lambda: _image(original_bytes(source, chunk), reader, chunk), long_side_px)


def kept_jpeg(
    derived: ByteStore, chunk: Chunk, name: str, image: Callable[[], ImageContent], long_side_px: int
) -> bytes:
    """The JPEG of that name, made of the image when it is not kept yet; at most `long_side_px` on its long side."""
    kept = derived.get(chunk.asset_id, name)
    if kept is None:
        kept = _jpeg(image(), long_side_px)
        derived.put(chunk.asset_id, name, kept)
    return kept


def jpeg_pixels(jpeg: bytes) -> Pixels:
    """uint8 [h, w, 3] of a JPEG."""
    from PIL import Image

    with Image.open(io.BytesIO(jpeg)) as picture:
        return np.asarray(picture.convert("RGB"), dtype=np.uint8)


def boxed(jpeg: bytes, boxes: Sequence[Box]) -> bytes:
    """A JPEG with boxes drawn on it."""
    from PIL import Image

    with Image.open(io.BytesIO(jpeg)) as picture:
        drawn = picture.convert("RGB")
    for box in boxes:
        right, bottom = box.x + box.width, box.y + box.height
        outline(drawn, ((box.x, box.y), (right, box.y), (right, bottom), (box.x, bottom)))
    out = io.BytesIO()
    drawn.save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue()


def outline(picture: PillowImage, polygon: Polygon) -> None:
    """Draw a polygon on a picture, in place; lines as thick as 1/160 of its long side, at least 2 pixels."""
    from PIL import ImageDraw

    width = max(2, round(max(picture.size) / 160))
    last_x, last_y = picture.width - 1, picture.height - 1
    corners = [(min(max(x, 0), 1) * last_x, min(max(y, 0), 1) * last_y) for x, y in polygon]
    draw = ImageDraw.Draw(picture)
    closed = [*corners, *corners[:2]]
    draw.line(closed, fill=BOX_EDGE_COLOR, width=2 * width, joint="curve")
    draw.line(closed, fill=BOX_COLOR, width=width, joint="curve")


def label(picture: PillowImage, name: str, at: tuple[float, float]) -> None:
    """Write a name on a picture, in place, inside the corner at these fractions."""
    from PIL import ImageDraw, ImageFont

    size = max(10, round(max(picture.size) / 45))
    font = ImageFont.load_default(size)
    draw = ImageDraw.Draw(picture)
    place = (at[0] * picture.width + size / 4, at[1] * picture.height + size / 4)
    draw.rectangle(draw.textbbox(place, name, font=font), fill=BOX_EDGE_COLOR)
    draw.text(place, name, fill=BOX_COLOR, font=font)


def _image(data: bytes, reader: Reader, chunk: Chunk) -> ImageContent:
    asset = Asset(
        asset_id=chunk.asset_id,
        path=chunk.filepath,
        media_type=chunk.media_type,
        kind=chunk.kind,
        size_bytes=len(data),
    )
    try:
        for content in reader.read(asset, io.BytesIO(data)):
            if isinstance(content, ImageContent) and _is_of(content, chunk):
                return content
    except AssetError as error:
        raise NotFoundError(f"{chunk.filepath} cannot be shown: {error.message}") from None
    raise NotFoundError(f"{chunk.filepath} has no page {chunk.locator.page}.")


def _is_of(image: ImageContent, chunk: Chunk) -> bool:
    return image.picture == chunk.picture and (bool(chunk.picture) or image.locator.page == chunk.locator.page)


def _jpeg(image: ImageContent, long_side_px: int) -> bytes:
    from PIL import Image

    picture = Image.fromarray(image.pixels)
    picture.thumbnail((long_side_px, long_side_px), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return out.getvalue()
