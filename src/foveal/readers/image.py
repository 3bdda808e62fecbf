"""Reader of images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from foveal.errors import AssetLimitError, UnreadableAssetError
from foveal.readers.headers import read_header
from foveal.readers.limits import Limits, bytes_within
from foveal.readers.sniffing import IMAGE_TYPES
from foveal.types.assets import Asset
from foveal.types.content import ImageContent
from foveal.types.locators import Locator

if TYPE_CHECKING:
    from foveal.readers.decoding import DecodedImage


class ImageReader:
    """Reads one image of a file, or every page of a TIFF; see `foveal.ports.Reader`.

    Everyday formats with a sane header are decoded here, everything else in processes of their own that obey the
    limits on memory and time and take a crash with them.
    """

    def __init__(self, limits: Limits) -> None:
        from foveal.readers.decoding_process import DecodingProcesses

        self._limits = limits
        self._processes = DecodingProcesses(limits)

    @property
    def media_types(self) -> frozenset[str]:
        """JPEG, PNG, GIF, BMP, TIFF, WebP, HEIC, AVIF; JPEG 2000, ICO, PNM and DDS come with them."""
        return IMAGE_TYPES

    def read(self, asset: Asset, file: BinaryIO) -> Iterator[ImageContent]:
        """Yield each image, reduced and upright, with its facts.

        Raises:
            UnreadableAssetError: Nothing can be saved of it.
            AssetLimitError: It is over a limit.
        """
        from foveal.readers.image_facts import image_facts

        for image in self._decode(self._bytes(asset, file), asset.media_type):
            facts = image_facts(
                image.pixels,
                width_px=image.width_px,
                height_px=image.height_px,
                exif=image.exif,
                frame_count=image.frame_count,
            )
            yield ImageContent(
                pixels=image.pixels, facts=facts, locator=Locator(page=image.page), warnings=image.warnings
            )

    def _bytes(self, asset: Asset, file: BinaryIO) -> bytes:
        remedy = "Save it smaller, or raise limits.image_bytes."
        data = bytes_within(asset, file, self._limits.max_image_bytes, kind="an image", remedy=remedy)
        if not data:
            raise UnreadableAssetError("The file is empty.")
        return data

    def _decode(self, data: bytes, media_type: str) -> Iterator[DecodedImage]:
        from foveal.readers.decoding import decode_images

        header = read_header(data, media_type)
        if header and header.pixels > self._limits.max_pixels:
            raise AssetLimitError(
                f"Its header says {header.width_px} x {header.height_px} pixels; the limit is "
                f"{self._limits.max_pixels / 1e6:g} million.",
                remedy="Save it smaller, or raise limits.pixels.",
            )
        if header and header.memory_bytes > self._limits.max_memory_bytes:
            raise AssetLimitError(
                f"Decoding its {header.width_px} x {header.height_px} pixels would take more memory than the limit.",
                remedy="Save it smaller, or as a JPEG.",
            )
        if header and header.is_plain:
            return decode_images(data, media_type, self._limits)
        return self._processes.decode(data, media_type)
