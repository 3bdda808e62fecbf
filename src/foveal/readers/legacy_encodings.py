"""Encodings from before Unicode, told apart by how much what they make of the bytes looks like words.

A multi-byte encoding of East Asia is one when all bytes are valid and the characters are everyday ones. A single-byte
code page is judged once for each language written in it, by the letters of that language: a text misread in another
page mixes letters of several, puts signs inside of words, or capitals after small letters.
"""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Callable
from functools import cache

_SAMPLE_BYTES = 16_384
_LEAST_SHARE = 0.75
"""Of characters that must be everyday ones before a multi-byte encoding is believed."""
_SURE_CHARS = 4
_FEW_FIT = 0.3
"""Share of letters under which no code page explains so few bytes."""
_INNER_SIGNS = frozenset("’'·­")
_SIGNS = frozenset("‘’“”„–—…•€£°§©®«»")

_FINALS = frozenset("ךםןףץς")
"""Letters that end words."""

_CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
_LANGUAGES: tuple[tuple[str, str], ...] = (
    ("cp1252", "äöüß"),
    ("cp1252", "àâæçéèêëîïôœùûü"),
    ("cp1252", "áéíñóúü¿¡ªº"),
    ("cp1252", "àáâãçéêíóôõúü"),
    ("cp1252", "åäöæøéü"),
    ("cp1252", "àèéìòóù"),
    ("cp1252", "áàéèëïíóòöüç"),
    ("cp1250", "ąćęłńóśźż"),
    ("cp1250", "áčďéěíňóřšťúůýž"),
    ("cp1250", "áäčďéíĺľňóôŕšťúýž"),
    ("cp1250", "áéíóöőúüű"),
    ("cp1250", "ăâîşţ"),
    ("cp1250", "čćđšž"),
    ("cp1254", "çğıöşüâîûİ"),
    ("cp1257", "ąčęėįšųūž"),
    ("cp1257", "āčēģīķļņšūž"),
    ("cp1257", "äõöüšž"),
    ("cp1258", "àáâãèéêìíòóôõùúýăđơư\u0300\u0301\u0303\u0309\u0323"),
    ("cp1252", "áæðéíóöúýþ"),
    ("cp1255", "אבגדהוזחטיךכלםמןנסעףפץצקרשת\u05b0\u05b1\u05b4\u05b5\u05b6\u05b7\u05b8\u05b9\u05bc"),
    ("cp1251", _CYRILLIC + "ё"),
    ("cp1251", _CYRILLIC + "ґєії"),
    ("cp1251", _CYRILLIC + "ўёі"),
    ("cp1251", "абвгдђежзијклљмнњопрстћуфхцчџш"),
    ("koi8-r", _CYRILLIC + "ё"),
    ("koi8-u", _CYRILLIC + "ґєії"),
    ("cp866", _CYRILLIC + "ё"),
    ("iso8859_5", _CYRILLIC + "ё"),
    ("iso8859_5", "абвгдђежзијклљмнњопрстћуфхцчџш"),
    ("mac_cyrillic", _CYRILLIC + "ёґєії"),
    ("cp1253", "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ"),
    ("cp1256", "ءآأؤإئابةتثجحخدذرزسشصضطظعغـفقكلمنهوىي،؛؟پچژگ\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652"),
    ("iso8859_6", "ءآأؤإئابةتثجحخدذرزسشصضطظعغـفقكلمنهوىي،؛؟\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652"),
    ("iso8859_2", "ąćęłńóśźż"),
    ("iso8859_2", "áčďéěíňóřšťúůýžäĺľôŕ"),
    ("cp850", "äöüß"),
    ("cp850", "àâæçéèêëîïôùûü"),
    ("cp850", "áéíñóúü¿¡ªº"),
    ("mac_roman", "äöüß"),
    ("mac_roman", "àâæçéèêëîïôœùûü"),
    ("mac_roman", "áéíñóúü¿¡ªº"),
)
"""Code pages with the letters of a language that are not ASCII. Of equals the first is taken."""
_RARE = {"cp850": 0.6, "mac_roman": 0.6, "iso8859_2": 0.9, "mac_cyrillic": 0.98}
"""Weights of pages in which little is written: quotation marks of cp1252 are letters of French and Spanish in them."""


def legacy_encoding(data: bytes, *, complete: bool) -> str:
    """Python name of the likeliest encoding of bytes that are no Unicode.

    Args:
        data: The beginning of a file, or all of it.
        complete: Whether `data` is the whole file: a beginning may end inside a character.
    """
    sample = data[:_SAMPLE_BYTES]
    complete = complete and len(sample) == len(data)
    around = _around(sample)
    letters = max(1, sum(around.values()))
    many, share, chars = max((_multi_byte(sample, name, complete) for name in _COMMON), key=lambda found: found[1])
    if _thai_share(around, letters) > max(share, _LEAST_SHARE):
        return "cp874"
    if share > _LEAST_SHARE and chars >= _SURE_CHARS:
        return many
    page, fit = max(((page, _fit(page, own, around)) for page, own in _LANGUAGES), key=lambda pair: pair[1])
    return many if share > _LEAST_SHARE and fit <= _FEW_FIT * letters else page


def _around(data: bytes) -> Counter[tuple[int, int, int]]:
    """Bytes above ASCII with those before and after, counted."""
    padded = b" " + data + b" "
    triples = zip(padded, data, padded[2:], strict=False)
    return Counter(triple for triple in triples if triple[1] > 0x7F)


@cache
def _characters(page: str) -> str:
    """What each byte stands for; U+FFFD for none."""
    return "".join(bytes([byte]).decode(page, "replace") for byte in range(256))


def _fit(page: str, own: str, around: Counter[tuple[int, int, int]]) -> float:
    """How many of the bytes are letters of a language, less those that cannot be."""
    characters = _characters(page)
    letters = frozenset(own + own.upper())
    plain = own[0] < "\u0250"  # the alphabet is Latin: its other letters are ASCII
    score = sum(
        count * _worth(characters[before], characters[byte], characters[after], letters, plain=plain)
        for (before, byte, after), count in around.items()
    )
    return score * _RARE.get(page, 1.0) if score > 0 else score


def _worth(before: str, c: str, after: str, letters: frozenset[str], *, plain: bool) -> float:
    if c == "\ufffd" or "\x80" <= c <= "\x9f":
        return -4.0
    if c not in letters:
        if c.isalpha():
            return -1.0
        inside = before.isalpha() and after.isalpha() and c not in _INNER_SIGNS
        return -0.5 if inside else 0.5 if c in _SIGNS else 0.0
    if (before.islower() and c.isupper()) or (c in _FINALS and after in letters):
        return -1.0
    if plain:
        return 1.0 if before.isalpha() or after.isalpha() else 0.3
    if _is_latin(before) or _is_latin(after):
        return -1.0  # words of another script stand in it wholly
    return (0.7 if c.isupper() and before.isupper() else 1.0) if before in letters or after in letters else 0.0


def _is_latin(c: str) -> bool:
    return c.isascii() and c.isalpha()


def _thai_share(around: Counter[tuple[int, int, int]], letters: int) -> float:
    """Share of the bytes that are Thai where they stand: vowels and tones are written on a consonant."""
    characters = _characters("cp874")
    worth = sum(
        count * _thai(characters[before], characters[byte], characters[after])
        for (before, byte, after), count in around.items()
    )
    return worth / letters


def _thai(before: str, c: str, after: str) -> float:
    if not "\u0e01" <= c <= "\u0e5b":
        return 0.0 if c in _SIGNS else -2.0
    if _is_latin(before) or _is_latin(after):
        return -1.0
    bearing = "\u0e01" <= before <= "\u0e2e" or before in _THAI_MARKS
    if c in _THAI_MARKS or c in "ะาำ":
        return 1.0 if bearing else -2.0
    if before in _THAI_FIRST:
        return 1.0 if "\u0e01" <= c <= "\u0e2e" else -2.0
    return 0.3 if c in "ฃฅฆฌฎฏฐฑฒฤฦฬฮๅ" else 1.0


_THAI_MARKS = frozenset("\u0e31\u0e34\u0e35\u0e36\u0e37\u0e38\u0e39\u0e3a\u0e47\u0e48\u0e49\u0e4a\u0e4b\u0e4c\u0e4d")
_THAI_FIRST = frozenset("เแโใไ")
"""Vowels written before their consonant."""


def _multi_byte(data: bytes, name: str, complete: bool) -> tuple[str, float, int]:
    """The encoding, the share of everyday characters among those above ASCII (0 when invalid), and their number."""
    try:
        text = codecs.getincrementaldecoder(name)("strict").decode(data, final=complete)
    except UnicodeDecodeError:
        return name, 0.0, 0
    foreign = [c for c in text if c > "\x7f"]
    pairs = sum(1 for byte in data if byte > 0x7F) / 2
    if not foreign or len(foreign) > 1.6 * pairs:
        return name, 0.0, 0  # half-width katakana and lone bytes: a single-byte text misread
    return name, sum(map(_COMMON[name], foreign)) / len(foreign), len(foreign)


def _punctuation(c: str) -> bool:
    return "\u3000" <= c <= "\u303f" or "\uff01" <= c <= "\uff5e"


def _japanese(c: str) -> float:
    # JIS level 1 holds the 2,965 everyday kanji, rows 16 to 47 (JIS X 0208).
    if "\u3040" <= c <= "\u30ff":
        return 1.0
    if _punctuation(c):
        return 0.9
    row = _lead(c, "euc_jp") - 0xA0
    return 0.93 if 16 <= row <= 47 else 0.5 if "\u4e00" <= c <= "\u9fff" or "\u2460" <= c <= "\u2473" else 0.0


def _simplified(c: str) -> float:
    # GB 2312 level 1 holds the 3,755 everyday characters, rows 16 to 55 (GB/T 2312-1980).
    row = _lead(c, "gb2312") - 0xA0
    return 0.95 if 16 <= row <= 55 or row in {1, 3} else 0.3 if row > 0 else 0.0


def _traditional(c: str) -> float:
    # Big5 level 1 holds the 5,401 everyday characters, lead bytes A4 to C6 (Institute for Information Industry, 1984).
    lead = _lead(c, "big5")
    return 0.95 if 0xA1 <= lead <= 0xC6 else 0.3 if lead else 0.0


def _korean(c: str) -> float:
    # KS X 1001 holds the 2,350 everyday syllables of all 11,172, lead bytes B0 to C8; Python spells out the others.
    if "\uac00" <= c <= "\ud7a3":
        return 1.0 if 0xB0 <= _lead(c, "euc_kr") <= 0xC8 else 0.3
    return 0.8 if _punctuation(c) else 0.1


@cache
def _lead(c: str, name: str) -> int:
    """First byte of a character in an encoding; 0 when it has none."""
    try:
        return c.encode(name)[0]
    except UnicodeEncodeError:
        return 0


_COMMON: dict[str, Callable[[str], float]] = {
    "cp932": _japanese,
    "euc_jp": _japanese,
    "euc_jis_2004": _japanese,
    "gb18030": _simplified,
    "cp949": _korean,
    "big5hkscs": _traditional,
}
"""The widest form of each: what Windows added to Shift-JIS (characters of names, circled numbers) is in daily use."""
