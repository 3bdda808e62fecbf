"""Encodings: which characters the bytes of a text file stand for.

In this order: a byte-order mark; UTF-16 or UTF-32 without one (told by where the zero bytes are); ISO 2022 by its
escapes; strict UTF-8; else an encoding from before Unicode (`foveal.readers.legacy_encodings`).
"""

from __future__ import annotations

import codecs
import unicodedata

from foveal.readers.legacy_encodings import legacy_encoding

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ESCAPES = ((b"\x1b$)C", "iso2022_kr"), (b"\x1b$", "iso2022_jp_ext"))
"""Of encodings in seven bits."""
_ALLOWED_CONTROLS = frozenset("\t\n\r\f\x1b\x1a\x08\x0b\x85")
_MOST_CONTROLS = 0.002
"""More control characters than this share: not text."""
_SAMPLE_BYTES = 65_536


def guess_encoding(data: bytes, *, complete: bool = True) -> str | None:
    """Python name of the encoding; None when the bytes are no text.

    Args:
        data: The beginning of a file, or all of it.
        complete: Whether `data` is the whole file: a beginning may end inside a character.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name if _is_text(_decoded(data, name, complete)) else None
    if b"\0" in data:
        wide = _wide_encoding(data)
        return wide if wide and _is_text(_decoded(data, wide, complete)) else None
    for escape, name in _ESCAPES:
        if escape in data and _is_text(_decoded(data, name, complete)):
            return name
    utf_8 = _decoded(data, "utf-8", complete)
    if utf_8 is not None:
        return "utf-8" if _is_text(utf_8) else None
    if _is_mostly_utf_8(data[:_SAMPLE_BYTES]):
        return "utf-8"
    if not _is_text(data[:_SAMPLE_BYTES].decode("latin-1")):
        return None  # control characters are the same in all of them
    return legacy_encoding(data, complete=complete)


def decode_text(data: bytes) -> tuple[str, str]:
    """The text and the encoding it was in; undecodable bytes become U+FFFD.

    Raises:
        ValueError: The bytes are no text.
    """
    name = guess_encoding(data)
    if name is None:
        raise ValueError("not text")
    return data.decode(name, "replace"), name


def _decoded(data: bytes, name: str, complete: bool) -> str | None:
    try:
        return codecs.getincrementaldecoder(name)("strict").decode(data, final=complete)
    except UnicodeDecodeError:
        return None


def _is_text(text: str | None) -> bool:
    if text is None or "\0" in text:
        return False
    controls = sum(1 for c in text if c < " " and c not in _ALLOWED_CONTROLS) if not text.isprintable() else 0
    return controls <= _MOST_CONTROLS * len(text)


def _wide_encoding(data: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark: in most text the high bytes are zero, the low ones hardly ever."""
    n = len(data) // 4
    if n == 0:
        return None
    zero = [data[i : 4 * n : 4].count(0) / n for i in range(4)]
    if zero[2] > 0.9 and zero[3] > 0.9 and zero[0] < 0.1:
        return "utf-32-le"
    if zero[0] > 0.9 and zero[1] > 0.9 and zero[3] < 0.1:
        return "utf-32-be"
    low, high = (zero[0] + zero[2]) / 2, (zero[1] + zero[3]) / 2
    name = "utf-16-le" if high > 10 * low else "utf-16-be" if low > 10 * high else None
    text = _decoded(data, name, complete=False) if name else None
    if text is None or sum(map(_is_assigned, text)) < len(text):
        return None
    return name


def _is_assigned(c: str) -> bool:
    return unicodedata.category(c) not in {"Cn", "Co", "Cs"}


def _is_mostly_utf_8(data: bytes) -> bool:
    """A broken byte here and there in what is otherwise UTF-8, which other encodings look like only by rare chance."""
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    return sum(1 for c in text if c > "\x7f") - broken > 5 * broken and _is_text(text)
