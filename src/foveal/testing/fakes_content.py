"""A source in memory, and a reader of simple files: for tests of whatever reads from a source or uses a reader."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

import numpy as np

from foveal.errors import AssetLimitError, UnreadableAssetError
from foveal.types.assets import Asset, MediaKind, SourceItem
from foveal.types.content import Content, ImageContent, ImageFacts, TextContent
from foveal.types.locators import Locator
from foveal.types.vectors import Pixels

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


_PPM = re.compile(rb"P6 (\d+) (\d+) 255\n")


def ppm_of(pixels: Pixels) -> bytes:
    """An image as the binary PPM that `FakeReader` reads; every other reader of PPM does too.

    Format: netpbm, "PPM format specification", 2016.
    """
    height, width = pixels.shape[:2]
    return f"P6 {width} {height} 255\n".encode() + pixels.tobytes()


class FakeReader:
    """Plain text in UTF-8, a piece a paragraph, and images as `ppm_of` writes them.

    Bytes that are no UTF-8 and pixels that are missing are replaced, with a warning.

    Args:
        max_bytes: Longest file; a longer one is over the limit.

    Attributes:
        read_paths: Paths in the order they were read.
    """

    def __init__(self, *, max_bytes: int = 2**20) -> None:
        self._max_bytes = max_bytes
        self.read_paths: list[str] = []

    @property
    def media_types(self) -> frozenset[str]:
        """`text/plain`, `image/x-portable-anymap`."""
        return frozenset({"text/plain", "image/x-portable-anymap"})

    def read(self, asset: Asset, file: BinaryIO) -> Iterator[Content]:
        """One image, or the paragraphs of a text."""
        self.read_paths.append(asset.path)
        data = file.read(self._max_bytes + 1)
        if len(data) > self._max_bytes:
            raise AssetLimitError(f"It is over {self._max_bytes} bytes.", stage="read", remedy="Raise `max_bytes`.")
        if asset.kind is MediaKind.IMAGE:
            yield _image(data)
        else:
            yield from _paragraphs(data)


def _image(data: bytes) -> ImageContent:
    header = _PPM.match(data)
    width, height = (int(header[1]), int(header[2])) if header else (0, 0)
    if header is None or not width or not height:
        raise UnreadableAssetError("It is no PPM.", stage="read")
    size = 3 * width * height
    raw = data[header.end() :][:size]
    pixels = np.frombuffer(raw.ljust(size, b"\x80"), np.uint8).reshape(height, width, 3)
    warnings = () if len(raw) == size else ("The file ends early; what is missing is grey.",)
    return ImageContent(pixels=pixels, facts=ImageFacts(width_px=width, height_px=height), warnings=warnings)


def _paragraphs(data: bytes) -> Iterator[TextContent]:
    text = data.decode("utf-8", "replace")
    warnings = ("Some bytes are no UTF-8.",) if "\ufffd" in text else ()
    found = [match for match in re.finditer(r"\S(?:.|\n(?!\s*\n))*", text) if match[0].strip("\ufffd \n\r\t\0")]
    if not found:
        raise UnreadableAssetError("There are no words in it.", stage="read")
    for paragraph in found:
        words = paragraph[0].rstrip()
        place = Locator(start_char=paragraph.start(), end_char=paragraph.start() + len(words))
        yield TextContent(text=words, locator=place, warnings=warnings)
