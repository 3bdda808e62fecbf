"""A font without shapes: only how wide characters are, for laying out lines that a browser then draws with fonts of
its own.

Slides name fonts that no server has, and a server may have none at all. Latin letters have the widths of Helvetica
(Adobe's font metrics, which Arial shares), those of other scripts what is usual for them: a full square in Chinese,
Japanese and Korean, nothing for marks over and under a letter. Tables are those of the OpenType specification 1.9; the
character map is of format 13, many characters to one glyph.
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Iterator

_EM = 1000
_ASCENT, _DESCENT = 905, -212
_ASCII = (
    *(278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278),
    *(556,) * 10,
    *(278, 278, 584, 584, 584, 556, 1015),
    *(667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667),
    *(944, 667, 667, 611, 278, 278, 278, 469, 556, 333),
    *(556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500),
    *(722, 500, 500, 500, 334, 260, 334, 584),
)
"""Widths of U+0020 to U+007E."""
_ARABIC, _WIDE, _CAPITAL, _OTHER = 450, 1000, 690, 560
_BOLDER = 1.06
"""How much wider the bold cut of Helvetica is, on the average of running text."""
_RANGES = ((0x20, 0xD800), (0xF900, 0x10000), (0x1F000, 0x1FB00))
"""Characters that have a width of their own here; all others are as wide as a letter."""


def metrics_font(*, bold: bool = False) -> bytes:
    """A TrueType file."""
    runs = list(_runs(_BOLDER if bold else 1.0))
    widths = sorted({width for _, _, width in runs})
    glyphs = {width: number for number, width in enumerate(widths, start=1)}
    groups = b"".join(struct.pack(">III", first, last, glyphs[width]) for first, last, width in runs)
    mapping = struct.pack(">HHIII", 13, 0, 16 + len(groups), 0, len(runs)) + groups
    advances = b"".join(struct.pack(">Hh", width, 0) for width in (round(_OTHER * _BOLDER), *widths))
    return _file(
        {
            b"OS/2": _os2(bold),
            b"cmap": struct.pack(">HHHHI", 0, 1, 3, 10, 12) + mapping,
            b"head": struct.pack(
                ">IIIIHHQQhhhhHHhhh",
                *(0x10000, 0x10000, 0, 0x5F0F3CF5, 0, _EM, 0, 0, 0, _DESCENT, _EM, _ASCENT),
                *(int(bold), 8, 2, 0, 0),
            ),
            b"hhea": struct.pack(
                ">IhhhHhhhhhhhhhhhH", 0x10000, _ASCENT, _DESCENT, 33, 1015, *(0,) * 3, 1, *(0,) * 7, len(widths) + 1
            ),
            b"hmtx": advances,
            b"maxp": struct.pack(">IH26x", 0x10000, len(widths) + 1),
            b"post": struct.pack(">IIhhIIIII", 0x30000, 0, -100, 50, 0, 0, 0, 0, 0),
        }
    )


def width_of(character: str) -> int:
    """Thousandths of the font size; of a letter with an accent, those of the letter."""
    point = ord(character)
    if 0x20 <= point < 0x7F:
        return _ASCII[point - 0x20]
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    if unicodedata.east_asian_width(character) in {"W", "F"}:
        return _WIDE
    base = unicodedata.normalize("NFD", character)[0]
    if base != character:
        return width_of(base)
    if unicodedata.bidirectional(character) == "AL":
        return _ARABIC
    return _CAPITAL if unicodedata.category(character) == "Lu" else _OTHER


def _runs(scale: float) -> Iterator[tuple[int, int, int]]:
    """Stretches of characters of one width: first, last, width."""
    for first, stop in _RANGES:
        start, width = first, round(width_of(chr(first)) * scale)
        for point in range(first + 1, stop):
            following = round(width_of(chr(point)) * scale)
            if following != width:
                yield start, point - 1, width
                start, width = point, following
        yield start, stop - 1, width


def _os2(bold: bool) -> bytes:
    weight, selection = (700, 0x20) if bold else (400, 0x40)
    head = struct.pack(">HhHHH", 4, 500, weight, 5, 0) + bytes(20) + bytes(2) + bytes(10) + bytes(16) + b"FOVL"
    sizes = struct.pack(">HHHhhhHH", selection, 0x20, 0xFFFF, _ASCENT, _DESCENT, 33, _ASCENT, -_DESCENT)
    return head + sizes + bytes(8) + struct.pack(">hhHHH", 519, 716, 0, 0x20, 1)


def _file(tables: dict[bytes, bytes]) -> bytes:
    place = 12 + 16 * len(tables)
    directory, body = b"", b""
    for tag, data in tables.items():
        padded = data + bytes(-len(data) % 4)
        total = sum(struct.unpack(f">{len(padded) // 4}I", padded)) & 0xFFFFFFFF
        directory += tag + struct.pack(">III", total, place + len(body), len(data))
        body += padded
    count = len(tables)
    power = count.bit_length() - 1
    return struct.pack(">IHHHH", 0x10000, count, 16 << power, power, 16 * (count - (1 << power))) + directory + body
