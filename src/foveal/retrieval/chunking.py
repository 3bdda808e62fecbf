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
_LINE_END = re.compile(r"\n\s*")
_BOUNDARIES = (re.compile(r"\n[ \t\r]*\n\s*"), _LINE_END, _SENTENCE_END, re.compile(r"\s+"))
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
    pieces: list[TextPiece] = []
    for content in contents:
        cutter = _Cutter(content.text, max_tokens, min(overlap_tokens, max_tokens // 2), count)
        pieces.extend(_piece(content, span) for span in cutter.spans())
    return pieces


def _piece(content: TextContent, span: Span) -> TextPiece:
    start, end = span
    offset = content.locator.start_char or 0
    return TextPiece(
        text=content.text[start:end],
        title=content.title,
        heading=content.heading,
        locator=replace(content.locator, start_char=offset + start, end_char=offset + end),
    )


@dataclass(frozen=True, slots=True)
class _Cutter:
    """Cuts one text."""

    text: str
    max_tokens: int
    overlap_tokens: int
    count: Count

    def tokens(self, start: int, end: int) -> int:
        return self.count(self.text[start:end])

    def spans(self) -> Iterator[Span]:
        """Greedy: parts are joined while they fit."""
        parts = list(self.parts((0, len(self.text)), 0))
        previous: Span | None = None
        first = 0
        while first < len(parts):
            start, end = parts[first]
            if previous and self.overlap_tokens:
                start = self.overlap_start(previous, end)
            following = self.filled(parts, first, start)
            if span := _trimmed(self.text, (start, parts[following - 1][1])):
                yield span
                previous = span
            first = following

    def filled(self, parts: list[Span], first: int, start: int) -> int:
        """Index of the first part that a piece from `start` has no room for; at least `first + 1`.

        Tokens are summed part by part, which mostly says too many; where the sum reaches the limit the exact count
        takes its place, so that a piece costs a few exact counts and not one for each part.
        """
        tokens = self.tokens(start, parts[first][1])
        following = first + 1
        while following < len(parts):
            tokens += self.tokens(*parts[following])
            if tokens > self.max_tokens:
                tokens = self.tokens(start, parts[following][1])
                if tokens > self.max_tokens:
                    break
            following += 1
        while following > first + 1 and self.tokens(start, parts[following - 1][1]) > self.max_tokens:
            following -= 1  # where a count says more of a whole than of its parts
        return following

    def overlap_start(self, previous: Span, end: int) -> int:
        """Where a piece begins whose first new part ends at `end`, with whole sentences of the piece before."""
        start, stop = previous
        best = stop
        for candidate in reversed(self.sentence_starts(start, stop)):
            if self.tokens(candidate, stop) > self.overlap_tokens or self.tokens(candidate, end) > self.max_tokens:
                break
            best = candidate
        return best

    def sentence_starts(self, start: int, end: int) -> list[int]:
        """Places after `start` where a sentence or a line begins, in order."""
        found = {m.end() for pattern in (_SENTENCE_END, _LINE_END) for m in pattern.finditer(self.text, start, end)}
        return sorted(place for place in found if start < place < end)

    def parts(self, span: Span, level: int) -> Iterator[Span]:
        """Adjoining spans that cover `span`, each within the limit, cut at the best boundaries that do it."""
        start, end = span
        if self.tokens(start, end) <= self.max_tokens:
            if end > start:
                yield span
            return
        if level == len(_BOUNDARIES):
            yield from self.runs(span)
            return
        cuts = [m.end() for m in _BOUNDARIES[level].finditer(self.text, start, end) if m.end() < end]
        for piece in zip([start, *cuts], [*cuts, end], strict=True):
            yield from self.parts(piece, level + 1)

    def runs(self, span: Span) -> Iterator[Span]:
        """Cut between characters, in steps whose cost does not grow with the length of the run."""
        start, end = span
        while start < end:
            size = 4 * self.max_tokens
            stop = _character_end(self.text, min(end, start + size), end)
            while self.tokens(start, stop) > self.max_tokens and size > 1:
                size = min(size, stop - start) // 2 or 1
                stop = _character_end(self.text, min(end, start + size), end)
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
