"""Encodings: which characters the bytes of a text file stand for.

In this order: a byte-order mark; UTF-16 or UTF-32 without one (told by where the zero bytes are); strict UTF-8; an
East Asian multi-byte encoding all of whose bytes are valid and whose characters are common ones; else a single-byte
code page, chosen by how much its letters look like words.
"""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Callable

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MULTI_BYTE = ("shift_jis", "euc_jp", "gb18030", "euc_kr", "big5")
_SINGLE_BYTE = ("cp1252", "cp1250", "cp1251", "koi8-r", "cp1253", "cp1255", "cp1256", "cp874")
_ALLOWED_CONTROLS = frozenset("\t\n\r\f\x1b\x1a\x08\x0b\x85")
_MOST_CONTROLS = 0.002
"""More control characters than this share: not text."""
_SAMPLE_BYTES = 65_536
_WORD_SCRIPTS = {
    "cp1251": "CYRILLIC",
    "koi8-r": "CYRILLIC",
    "cp1253": "GREEK",
    "cp1255": "HEBREW",
    "cp1256": "ARABIC",
    "cp874": "THAI",
}
_COMMON_LATIN = frozenset("äöüßéèêëàâáãåæçñóòôõøœúùûíìîïÄÖÜÉÅØÑÇ")
_COMMON_SIGNS = frozenset("‘’“”–—…•€£°§©®«»")
_COMMON_CENTRAL = frozenset("ąćęłńóśźżčďěňřšťůžőűășțţşđĄĆĘŁŃÓŚŹŻČĎĚŇŘŠŤŮŽŐŰĂ")


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
    utf_8 = _decoded(data, "utf-8", complete)
    if utf_8 is not None:
        return "utf-8" if _is_text(utf_8) else None
    sample = data[:_SAMPLE_BYTES]
    if _is_mostly_utf_8(sample):
        return "utf-8"
    return _legacy_encoding(sample, complete=complete and len(sample) == len(data))


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


def _legacy_encoding(data: bytes, *, complete: bool) -> str | None:
    if _single_byte_score(data, "cp874") > 0.75 * sum(1 for byte in data if byte > 0x7F):
        return "cp874"  # all Thai; its pairs of bytes are mostly valid Chinese too
    scored = [(score, name) for name in _MULTI_BYTE if (score := _multi_byte_score(data, name, complete)) > 0.75]
    if scored:
        return max(scored, key=lambda pair: pair[0])[1]
    best = max(_SINGLE_BYTE, key=lambda name: _single_byte_score(data, name))
    return best if _is_text(data.decode(best, "replace")) else None


def _multi_byte_score(data: bytes, name: str, complete: bool) -> float:
    """Share of the non-ASCII characters that are common in the language the encoding is for; 0 when invalid."""
    text = _decoded(data, name, complete)
    if text is None:
        return 0.0
    foreign = [c for c in text if c > "\x7f"]
    pairs = sum(1 for byte in data if byte > 0x7F) / 2
    if len(foreign) < 4 or len(foreign) > 1.6 * pairs:
        return 0.0  # half-width katakana and lone bytes: a single-byte text misread
    return sum(map(_COMMON[name], foreign)) / len(foreign)


def _single_byte_score(data: bytes, name: str) -> float:
    text = data.decode(name, "replace")
    script = _WORD_SCRIPTS.get(name)
    pairs = zip(" " + text, text, strict=False)
    return sum(_letter_score(before, c, script, name) for before, c in pairs if c > "\x7f")


def _letter_score(before: str, c: str, script: str | None, name: str) -> float:
    """How much a character above ASCII, after the one before it, speaks for a code page."""
    if c == "\ufffd" or "\x80" <= c <= "\x9f":
        return -4.0
    if script is None:
        if c in _COMMON_SIGNS:
            return 0.5
        common = _COMMON_CENTRAL if name == "cp1250" else _COMMON_LATIN
        if c not in common:
            return -0.5 if c.isalpha() else 0.0
        # Accented letters stand among plain ones; a run of them is a word of another script, misread.
        return -0.5 if before > "\x7f" else 0.9 if name == "cp1250" else 1.0
    if not c.isalpha() and unicodedata.category(c) != "Mn":
        return 0.0
    # Words of another script stand in it wholly: a letter of it next to a Latin one is a misreading.
    if not unicodedata.name(c, "").startswith(script) or (before.isascii() and before.isalpha()):
        return -1.0
    if before.islower() and c.isupper():  # how koi8-r and cp1251 look when read as each other
        return -1.0
    return 1.0 if before > "\x7f" and before.isalpha() else 0.0


def _is_japanese(c: str) -> bool:
    return (
        "\u3040" <= c <= "\u30ff" or "\u4e00" <= c <= "\u9fff" or "\u3000" <= c <= "\u303f" or "\uff01" <= c <= "\uff5e"
    )


def _japanese(c: str) -> float:
    return 1.0 if "\u3040" <= c <= "\u30ff" else 0.85 if _is_japanese(c) else 0.0


def _simplified(c: str) -> float:
    # GB 2312 level 1 holds the 3,755 everyday characters, rows 16 to 55 (GB/T 2312-1980).
    try:
        row = c.encode("gb2312")[0] - 0xA0
    except UnicodeEncodeError:
        return 0.0
    return 0.95 if 16 <= row <= 55 or row in {1, 3} else 0.3


def _traditional(c: str) -> float:
    # Big5 level 1 holds the 5,401 everyday characters, lead bytes A4 to C6 (Institute for Information Industry, 1984).
    try:
        lead = c.encode("big5")[0]
    except UnicodeEncodeError:
        return 0.0
    return 0.97 if 0xA1 <= lead <= 0xC6 else 0.3


def _korean(c: str) -> float:
    return 1.0 if "\uac00" <= c <= "\ud7a3" else 0.8 if "\u3000" <= c <= "\u303f" or "\uff01" <= c <= "\uff5e" else 0.1


_COMMON: dict[str, Callable[[str], float]] = {
    "shift_jis": _japanese,
    "euc_jp": _japanese,
    "gb18030": _simplified,
    "euc_kr": _korean,
    "big5": _traditional,
}
