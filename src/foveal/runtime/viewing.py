"""Bytes for looking at: originals as they were indexed, thumbnails made once."""

from __future__ import annotations

import io

from foveal.errors import AssetError, AssetLimitError, ImageError, NotFoundError, TooLargeError
from foveal.pipeline.prepare import hash_file
from foveal.ports import ByteStore, Reader, Sniffer, Source
from foveal.types.assets import Asset, AssetId, MediaKind, SourceItem
from foveal.types.chat import ImageInput
from foveal.types.chunks import Chunk
from foveal.types.content import ImageContent

JPEG_QUALITY = 85


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
    except AssetError:
        raise NotFoundError(f"{chunk.filepath} is no longer there.", remedy="Ingest its folder again.") from None
    raise NotFoundError(f"{chunk.filepath} has changed since it was indexed.", remedy="Ingest its folder again.")


def thumbnail_bytes(derived: ByteStore, source: Source, reader: Reader, chunk: Chunk, *, long_side_px: int) -> bytes:
    """A JPEG of an image chunk, at most `long_side_px` on its long side.

    Raises:
        NotFoundError: The chunk is no image, or its file is gone.
    """
    if chunk.kind is not MediaKind.IMAGE:
        raise NotFoundError(f"{chunk.filepath} is no image, so there is no thumbnail.")
    name = f"{chunk.locator.page or 0}-{long_side_px}.jpg"
    kept = derived.get(chunk.asset_id, name)
    if kept is None:
        kept = _jpeg(_image(original_bytes(source, chunk), reader, chunk), long_side_px)
        derived.put(chunk.asset_id, name, kept)
    return kept


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
            if isinstance(content, ImageContent) and content.locator.page == chunk.locator.page:
                return content
    except AssetError as error:
        raise NotFoundError(f"{chunk.filepath} cannot be shown: {error.message}") from None
    raise NotFoundError(f"{chunk.filepath} has no page {chunk.locator.page}.")


def _jpeg(image: ImageContent, long_side_px: int) -> bytes:
    from PIL import Image

    picture = Image.fromarray(image.pixels)
    picture.thumbnail((long_side_px, long_side_px), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return out.getvalue()
