"""Image headers: what decoding would cost, told without decoding.

Only the five everyday formats are looked into, by hand and by the byte: their decoders are quick and well tested, so a
sane header is enough to decode them in this process. Everything else is decoded in a process that can be killed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

_PLAIN_PIXELS = 64_000_000
_PLAIN_WORK = 400_000_000
"""Pixels times passes; about two seconds of decoding."""
_PLAIN_MEMORY_BYTES = 256 * 2**20
_PLAIN_EXIF_BYTES = 65_536
_MAX_CHUNKS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageHeader:
    """What a header declares.

    Attributes:
        width_px: Of the stored image, before any turning; of the largest frame where frames differ.
        height_px: Likewise.
        frame_count: Images in the file.
        passes: How often a decoder goes over all pixels (scans of a JPEG).
        bytes_per_pixel: What a decoder holds at its peak.
        exif_bytes: Length of the camera's metadata.
    """

    width_px: int
    height_px: int
    frame_count: int = 1
    passes: int = 1
    bytes_per_pixel: float = 5.0
    exif_bytes: int = 0

    @property
    def pixels(self) -> int:
        """Of one frame."""
        return self.width_px * self.height_px

    @property
    def memory_bytes(self) -> float:
        """What a decoder takes at its peak."""
        return self.pixels * self.bytes_per_pixel

    @property
    def is_plain(self) -> bool:
        """Whether decoding is sure to be quick and lean."""
        return (
            self.pixels <= _PLAIN_PIXELS
            and self.pixels * self.passes <= _PLAIN_WORK
            and self.memory_bytes <= _PLAIN_MEMORY_BYTES
            and self.exif_bytes <= _PLAIN_EXIF_BYTES
        )


def read_header(data: bytes, media_type: str) -> ImageHeader | None:
    """The header of a JPEG, PNG, GIF, BMP or WebP; None for other types, and where it makes no sense."""
    read = _READERS.get(media_type)
    try:
        return read(data) if read else None
    except (struct.error, IndexError):
        return None


def _jpeg(data: bytes) -> ImageHeader | None:
    """Markers up to the first scan (ITU-T T.81, annex B); the scans are counted by their markers."""
    i, exif_bytes = 2, 0
    for _ in range(_MAX_CHUNKS):
        while data[i] == 0xFF and data[i + 1] == 0xFF:
            i += 1
        if data[i] != 0xFF:
            return None
        marker, length = data[i + 1], struct.unpack_from(">H", data, i + 2)[0]
        if marker in _START_OF_FRAME:
            height, width = struct.unpack_from(">HH", data, i + 5)
            scans = data.count(b"\xff\xda", i)  # exact: inside a scan no other byte but 00 and RST may follow FF
            return ImageHeader(
                width_px=width,
                height_px=height,
                passes=max(1, scans),
                # with several scans the coefficients of three components, two bytes each, are kept until the last
                bytes_per_pixel=11.0 if scans > 1 else 5.0,
                exif_bytes=exif_bytes,
            )
        if marker == 0xE1:
            exif_bytes += length
        i += 2 + length
    return None


_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def _png(data: bytes) -> ImageHeader | None:
    """IHDR, acTL and eXIf (W3C PNG, third edition)."""
    width, height, depth, _, _, _, interlace = struct.unpack_from(">IIBBBBB", data, 16)
    frames, exif_bytes, i = 1, 0, 8
    for _ in range(_MAX_CHUNKS):
        if i + 8 > len(data):
            break
        length, kind = struct.unpack_from(">I4s", data, i)
        if kind == b"acTL":
            frames = struct.unpack_from(">I", data, i + 8)[0]
        elif kind == b"eXIf":
            exif_bytes += length
        i += 12 + length
    else:
        return None
    return ImageHeader(
        width_px=width,
        height_px=height,
        frame_count=max(1, frames),
        passes=(2 if depth == 16 else 1) + interlace,
        exif_bytes=exif_bytes,
    )


def _gif(data: bytes) -> ImageHeader | None:
    """All blocks (CompuServe GIF89a): frames are counted, and one may reach out of the canvas and enlarge it."""
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    i = 13 + _palette_bytes(flags)
    frames = padding = 0
    while i < len(data) and data[i] != 0x3B:
        if data[i] == 0x2C:
            left, top, w, h, flags = struct.unpack_from("<HHHHB", data, i + 1)
            width, height, frames = max(width, left + w), max(height, top + h), frames + 1
            i += 11 + _palette_bytes(flags)
        elif data[i] == 0x21:
            i += 2
        else:
            i += 1  # padding between blocks, which decoders pass over
            padding += 1
            if padding > _MAX_CHUNKS:
                return None
            continue
        while i < len(data) and data[i]:
            i += 1 + data[i]
        i += 1
    return ImageHeader(width_px=width, height_px=height, frame_count=max(1, frames), bytes_per_pixel=9.0)


def _palette_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _bmp(data: bytes) -> ImageHeader:
    """BITMAPCOREHEADER or BITMAPINFOHEADER (Microsoft, "Bitmap Storage")."""
    if struct.unpack_from("<I", data, 14)[0] == 12:
        width, height = struct.unpack_from("<HH", data, 18)
    else:
        width, height = struct.unpack_from("<ii", data, 18)
    return ImageHeader(width_px=abs(width), height_px=abs(height))


def _webp(data: bytes) -> ImageHeader | None:
    """VP8X, VP8 or VP8L (RFC 9649)."""
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[i : i + 3], "little") + 1 for i in (24, 27))
    elif kind == b"VP8 ":
        width, height = (v & 0x3FFF for v in struct.unpack_from("<HH", data, 26))
    elif kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        width, height = (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    else:
        return None
    exif_bytes, frames, i = 0, 0, 12
    for _ in range(_MAX_CHUNKS):
        if i + 8 > len(data):
            break
        name, length = struct.unpack_from("<4sI", data, i)
        exif_bytes += length if name == b"EXIF" else 0
        frames += name == b"ANMF"
        i += 8 + length + length % 2
    # two canvases, the bytes handed over and the image made of them, four bytes a pixel each
    return ImageHeader(
        width_px=width, height_px=height, frame_count=max(1, frames), bytes_per_pixel=16.0, exif_bytes=exif_bytes
    )


_READERS: dict[str, Callable[[bytes], ImageHeader | None]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/gif": _gif,
    "image/bmp": _bmp,
    "image/webp": _webp,
}
