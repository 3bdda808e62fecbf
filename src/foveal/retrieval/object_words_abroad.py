"""The names of the object detector's classes in German, Spanish, Thai, Japanese and Chinese, and the words around them.

Everyday names of COCO's 80 classes stand in `data/object_words_abroad.txt` (the lists are ours): class, then German,
Spanish, Thai, Japanese and Chinese names. A `+` marks a plural; nouns of Thai, Japanese and Chinese have
none. German and Spanish names are looked for only in an answer that has function words of the language, since some are
words of English too ("Kind"); the others are told by their script.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Final

_FUNCTION_WORDS: Final[Mapping[str, re.Pattern[str]]] = {
    "de": re.compile(
        r"\b(?:der|das|dem|den|ein|eine|einen|einem|einer|und|ist|mit|auf|im|zwei|drei|kein|keine)\b", re.IGNORECASE
    ),
    "es": re.compile(
        r"\b(?:el|los|las|un|una|unos|unas|y|hay|del|con|en|está|están|dos|tres|ningún|sin)\b", re.IGNORECASE
    ),
}  # fmt: skip
_LANGUAGES: Final = ("de", "es", "th", "ja", "zh")
_SCRIPTS: Final[Mapping[str, re.Pattern[str]]] = {
    "th": re.compile("[\u0e00-\u0e7f]"),
    "ja": re.compile("[\u3040-\u30ff]"),
}
_HAN: Final = re.compile("[\u4e00-\u9fff]")
_REACH: Final = 48
"""Characters around a name in which its number is looked for."""

_NUMBERS: Final[Mapping[str, int]] = {
    word: number
    for number, words in enumerate(
        (("ein", "eine", "einen", "einem", "einer", "un", "una", "一", "หนึ่ง"),
         ("zwei", "beide", "beiden", "dos", "ambos", "ambas", "二", "两", "兩", "สอง"), ("drei", "tres", "三", "สาม"),
         ("vier", "cuatro", "四", "สี่"), ("fünf", "cinco", "五", "ห้า"), ("sechs", "seis", "六", "หก"),
         ("sieben", "siete", "七", "เจ็ด"), ("acht", "ocho", "八", "แปด"), ("neun", "nueve", "九", "เก้า"),
         ("zehn", "diez", "十", "สิบ")), start=1,
    )
    for word in words
}  # fmt: skip
_COUNTERS: Final = (
    "只|隻|匹|头|頭|条|條|个|個|位|名|人|张|張|辆|輛|台|本|つ|枚|把|瓶|杯|艘|架|朵|羽|冊|ตัว|คน|คัน|ลำ|ใบ|อัน|เล่ม|ลูก|ขวด"
)
"""Words between a number and what is counted."""
_ANY_NUMBER: Final = rf"({'|'.join(sorted(_NUMBERS, key=lambda word: -len(word)))}|\d{{1,3}})"
_BEFORE: Final = re.compile(
    rf"(?:\b{_ANY_NUMBER}(?:\s+[^\W\d]+){{0,2}}\s+|{_ANY_NUMBER}\s*(?:{_COUNTERS})?(?:[^\s、。，,]{{0,6}}[的の])?\s*)$",
    re.IGNORECASE,
)
"""A number, at most two adjectives, the name; in Chinese and Japanese a counter between them."""
_AFTER: Final = re.compile(rf"^\s*[がはを]?\s*{_ANY_NUMBER}\s*(?:{_COUNTERS})")
"""The name, then number and counter: Thai and Japanese."""
_ANOTHER: Final = re.compile(
    r"\b(?:otr[oa]|weitere[rns]?|andere[rns]?|zweite[rns]?|segund[oa])(?:\s+\w+){0,2}\s+$", re.IGNORECASE
)
_NONE_BEFORE: Final = re.compile(
    r"(?:\b(?:keine?[nmr]?|ohne|ning[uú]n[ao]?|sin|no hay)(?:\s+\w+)?\s*|(?:没有|沒有|无|ไม่มี)[^\s,，。]{0,4})$",
    re.IGNORECASE,
)
"""Before a name that is said not to be there; after it in Japanese."""
_NONE_AFTER: Final = re.compile(r"^(?:は|が|も)?[^\s、。]{0,3}(?:いません|いない|ありません|ない|なし)")


@lru_cache(maxsize=1)
def _names() -> Mapping[str, Mapping[str, tuple[str, bool]]]:
    """By language: the name in lower case, its class, and whether it is a plural."""
    found: dict[str, dict[str, tuple[str, bool]]] = {language: {} for language in _LANGUAGES}
    table = files("foveal.retrieval").joinpath("data", "object_words_abroad.txt").read_text("utf-8")
    for row in table.splitlines():
        label, *cells = row.split("|")
        for language, cell in zip(_LANGUAGES, cells, strict=True):
            uncounted = language not in _FUNCTION_WORDS
            for name in cell.split(","):
                found[language].setdefault(name.rstrip("+").lower(), (label, uncounted or name.endswith("+")))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A name in an answer, by code points.

    Attributes:
        count: How many are meant, None for all.
        fresh: Whether they are newly introduced.
    """

    start: int
    end: int
    label: str
    count: int | None
    fresh: bool


def named_abroad(answer: str, languages: Set[str] | None = None) -> Iterator[Named]:
    """Classes that an answer names in the languages it is written in; not those that are said to be absent.

    Args:
        languages: Those it may be written in (ISO 639-1); None: told by its words and letters.
    """
    for language in _written_in(answer) if languages is None else sorted(languages & _names().keys()):
        pattern, names = _pattern(language)
        for match in pattern.finditer(answer):
            before, after = answer[max(0, match.start() - _REACH) : match.start()], answer[match.end() :][:_REACH]
            if _NONE_BEFORE.search(before) or _NONE_AFTER.search(after):
                continue
            label, many = names[match.group().lower()]
            number = _BEFORE.search(before) or (None if language in _FUNCTION_WORDS else _AFTER.search(after))
            count = _value(next(filter(None, number.groups()))) if number else None if many else 1
            fresh = number is not None or _ANOTHER.search(before) is not None
            yield Named(start=match.start(), end=match.end(), label=label, count=count, fresh=fresh)


def _written_in(answer: str) -> Iterator[str]:
    """Languages of the table; Japanese where there is kana, else Chinese where there are Chinese characters."""
    yield from (language for language, words in _FUNCTION_WORDS.items() if words.search(answer))
    yield from (language for language, letters in _SCRIPTS.items() if letters.search(answer))
    if _HAN.search(answer) and not _SCRIPTS["ja"].search(answer):
        yield "zh"


def _value(number: str) -> int:
    return int(number) if number.isdecimal() else _NUMBERS[number.lower()]


@lru_cache(maxsize=8)
def _pattern(language: str) -> tuple[re.Pattern[str], Mapping[str, tuple[str, bool]]]:
    """A pattern for every name of a language, longest first, and what each means."""
    names = _names()[language]
    listed = "|".join(map(re.escape, sorted(names, key=lambda name: (-len(name), name))))
    edge = r"\b" if language in _FUNCTION_WORDS else ""
    return re.compile(rf"{edge}(?:{listed}){edge}", re.IGNORECASE), names


def names_of(language: str) -> Mapping[str, tuple[str, bool]]:
    """Every name of a language (ISO 639-1): its class, and whether more than one may be meant."""
    return _names()[language]
