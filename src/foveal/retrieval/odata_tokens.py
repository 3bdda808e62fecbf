"""Tokens of the OData filter dialect of Azure AI Search.

Source: "OData expression syntax reference for Azure AI Search" (Microsoft), rules `identifier`, `string_literal`,
`date_time_offset_literal`, `integer_literal`, `float_literal`, `geo_point`. Keywords and names are case-sensitive
there and here. Beyond it: a date may stand without a time, and a date and time without an offset; both are UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from foveal.errors import FilterError


class TokenKind(StrEnum):
    """What a token is; the values are words for messages."""

    STRING = "a string"
    GEOGRAPHY = "a geography"
    DATETIME = "a date"
    NUMBER = "a number"
    NAME = "a name"
    PUNCTUATION = "punctuation"
    END = "the end of the filter"


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Attributes:
        text: As written; of strings and geographies what the quotes hold, `''` read as `'`.
        at: 1-based character in the filter.
    """

    kind: TokenKind
    text: str
    at: int


_NOT_IN_A_WORD = r"(?![\w.])"
_PATTERN = re.compile(
    rf"""
    \s*(?:
      geography'(?P<GEOGRAPHY>[^']*)'
    | '(?P<STRING>[^']*(?:''[^']*)*)'
    | (?P<DATETIME>\d{{4}}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?){_NOT_IN_A_WORD}
    | (?P<NUMBER>[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[+-]INF){_NOT_IN_A_WORD}
    | (?P<NAME>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)
    | (?P<PUNCTUATION>[(),:/])
    | (?P<END>\Z)
    )""",
    re.VERBOSE | re.ASCII,
)


def tokens(text: str) -> Iterator[Token]:
    """Tokens in order, lazily, ending with one `END`; linear in the length of the text.

    Raises:
        FilterError: At a character with which no token starts, or at a string that is not closed.
    """
    position = 0
    while True:
        match = _PATTERN.match(text, position)
        if match is None or match.lastgroup is None:
            raise _unreadable(text, position)
        kind = TokenKind[match.lastgroup]
        content = match[match.lastgroup]
        start = match.start(match.lastgroup)
        if kind in (TokenKind.STRING, TokenKind.GEOGRAPHY):
            content = content.replace("''", "'")
            start -= 1 if kind is TokenKind.STRING else len("geography'")
        yield Token(kind, content, start + 1)
        if kind is TokenKind.END:
            return
        position = match.end()


def _unreadable(text: str, position: int) -> FilterError:
    start = position + len(text[position:]) - len(text[position:].lstrip(" \t\n\r\f\v"))
    if text[start] == "'" or text.startswith("geography'", start):
        return FilterError(
            f"The string that starts at character {start + 1} of the filter is not closed.",
            remedy="End it with a single quote; write a quote inside a string twice ('').",
        )
    word = re.split(r"[\s()',]", text[start : start + 40], maxsplit=1)[0] or text[start]
    return FilterError(f"Cannot read {word!r} at character {start + 1} of the filter.")
