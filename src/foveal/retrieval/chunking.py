"""Chunking: text is cut into pieces of at most so many tokens, at the best boundary there is.

Boundaries, best first: blank lines, line ends, sentence ends (of many scripts; Thai writes a blank between sentences),
blanks, and between characters, never between a letter and its marks. A piece never reaches over two contents, so its
heading and locator are exact.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from foveal.types.content import TextContent
from foveal.types.locators import Locator

Count = Callable[[str], int]

_SENTENCE_END = re.compile(
    r"""[.!?…]+["'”’»)\]]*(?=\s)\s*      # Latin, Greek, Cyrillic: a mark and a blank
    |[。！？｡]+["'”’」』）]*\s*           # Chinese, Japanese: no blank follows
    |[।॥؟۔။។]+\s*                         # Devanagari, Arabic, Urdu, Burmese, Khmer
    |(?<=[\u0e00-\u0e7f])[ ]+(?=[\u0e00-\u0e7f])  # Thai: a blank
    """,
    re.VERBOSE,
)
_BOUNDARIES = (re.compile(r"\n[ \t\r]*\n\s*"), re.compile(r"\n\s*"), _SENTENCE_END, re.compile(r"\s+"))
_JOINERS = frozenset("\u200d\ufe0e\ufe0f")

Span = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPiece:
    """A stretch of one content.

    Attributes:
        text: Exactly the characters `locator.start_char` to `locator.end_char` of the asset's decoded text.
    """

    text: str
    title: str
    heading: tuple[str, ...]
    locator: Locator


def chunk_text(
    contents: Sequence[TextContent],
    *,
    max_tokens: int = 1024,
    overlap_tokens: int = 128,
    count: Count,
) -> list[TextPiece]:
    """Cut texts into pieces, in order; every character but blanks at a piece's ends is in at least one.

    Args:
        contents: Texts with their places.
        max_tokens: Most tokens of a piece, the overlap included. Only a single character may have more.
        overlap_tokens: Whole sentences of at most so many tokens are repeated from the piece before.
        count: Tokens of a text.
    """
    return [
        _piece(content, span)
        for content in contents
        for span in _spans(content.text, max_tokens, min(overlap_tokens, max_tokens // 2), count)
    ]


def _piece(content: TextContent, span: Span) -> TextPiece:
    start, end = span
    offset = content.locator.start_char or 0
    return TextPiece(
        text=content.text[start:end],
        title=content.title,
        heading=content.heading,
        locator=replace(content.locator, start_char=offset + start, end_char=offset + end),
    )


def _spans(text: str, max_tokens: int, overlap_tokens: int, count: Count) -> Iterator[Span]:
    """Greedy: parts are joined while they fit."""
    previous: Span | None = None
    start = end = 0
    tokens = 0
    for part in _parts(text, (0, len(text)), 0, max_tokens, count):
        size = count(text[part[0] : part[1]])
        # The sum is a quick bound; the exact count, which it rarely differs from, decides near the limit.
        if end > start and (tokens + size > max_tokens or count(text[start : part[1]]) > max_tokens):
            if span := _trimmed(text, (start, end)):
                yield span
                previous = span
            start, tokens = part[0], 0
            if previous and overlap_tokens:
                start = _overlap_start(text, previous, part[1], (max_tokens, overlap_tokens), count)
                tokens = count(text[start : part[0]]) if start < part[0] else 0
        end = part[1]
        tokens += size
    if span := _trimmed(text, (start, end)):
        yield span


def _overlap_start(text: str, previous: Span, end: int, budget: tuple[int, int], count: Count) -> int:
    """Where the piece that ends at `end` (so far) begins, with whole sentences of the one before."""
    max_tokens, overlap_tokens = budget
    start, stop = previous
    ends = [match.end() for match in _SENTENCE_END.finditer(text, start, stop)]
    ends += [match.end() for match in _BOUNDARIES[1].finditer(text, start, stop)]
    best = stop
    for candidate in sorted({e for e in ends if start < e < stop}, reverse=True):
        if count(text[candidate:stop]) > overlap_tokens or count(text[candidate:end]) > max_tokens:
            break
        best = candidate
    return best


def _parts(text: str, span: Span, level: int, max_tokens: int, count: Count) -> Iterator[Span]:
    """Adjoining spans that cover `span`, each of at most `max_tokens`, cut at the best boundaries that do it."""
    start, end = span
    if count(text[start:end]) <= max_tokens:
        if end > start:
            yield span
        return
    if level == len(_BOUNDARIES):
        yield from _runs(text, span, max_tokens, count)
        return
    cuts = [match.end() for match in _BOUNDARIES[level].finditer(text, start, end) if match.end() < end]
    for first, last in zip([start, *cuts], [*cuts, end], strict=True):
        yield from _parts(text, (first, last), level + 1, max_tokens, count)


def _runs(text: str, span: Span, max_tokens: int, count: Count) -> Iterator[Span]:
    """Cut between characters, in steps whose cost does not grow with the length of the run."""
    start, end = span
    while start < end:
        size = 4 * max_tokens
        stop = _character_end(text, min(end, start + size), end)
        while count(text[start:stop]) > max_tokens and size > 1:
            size = min(size, stop - start) // 2 or 1
            stop = _character_end(text, min(end, start + size), end)
        yield start, stop
        start = stop


def _character_end(text: str, at: int, end: int) -> int:
    """The first place at or after `at` where no mark, joiner or joined character would be torn off."""
    while at < end and (
        unicodedata.category(text[at]) in {"Mn", "Mc", "Me"} or text[at] in _JOINERS or text[at - 1] == "\u200d"
    ):
        at += 1
    return at


def _trimmed(text: str, span: Span) -> Span | None:
    start, end = span
    body = text[start:end]
    start += len(body) - len(body.lstrip())
    end -= len(body) - len(body.rstrip())
    return (start, end) if start < end else None
