"""Where in a document a passage stands, and which of its sentences or rows a question is about.

A passage is what was indexed: the words of the document without its looks. It is found again by what letters and
digits it has, eight in a row: that holds for every script, whatever stands between them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from foveal.retrieval.marking import marked_lines
from foveal.retrieval.sentences import Span, sentences
from foveal.types.reading import BlockKind, ReadingBlock, Row, Run, Runs, row_text, runs_text

_GRAM = 8
_MISSED = 0.5
"""How much a letter outside of the passage speaks against a stretch, as against one inside."""
_SHARE = 0.5
_MANY = 60
"""Letters of a long block that are enough to say that part of it is the passage."""


class Passage:
    """What was found, ready to be looked for."""

    def __init__(self, text: str) -> None:
        self.letters = _letters(text)

    @cached_property
    def _grams(self) -> frozenset[str]:
        return frozenset(_grams(self.letters))

    def inside(self, text: str) -> tuple[int, int]:
        """How many letters of a text stand in the passage, and how many do not."""
        letters = _letters(text)
        if not letters or letters in self.letters:
            return len(letters), 0
        if len(letters) < _GRAM:
            return 0, len(letters)
        found = sum(gram in self._grams for gram in _grams(letters))
        return found, len(letters) - _GRAM + 1 - found


def cited_positions(texts: Sequence[str], passage: Passage) -> tuple[int, ...]:
    """Positions of the texts, near one another, that make up a passage best; none where nothing of it is there."""
    counts = [passage.inside(text) for text in texts]
    best, start, total = (0.0, 0, 0), 0, 0.0
    for position, (inside, outside) in enumerate(counts):
        if total <= 0:
            start, total = position, 0.0
        total += inside - _MISSED * outside
        if total > best[0]:
            best = (total, start, position + 1)
    return tuple(
        position
        for position in range(best[1], best[2])
        if (inside := counts[position][0]) and (inside >= _MANY or inside >= _SHARE * sum(counts[position]))
    )


def marked_blocks(blocks: Sequence[ReadingBlock], passage: str, question: str) -> tuple[ReadingBlock, ...]:
    """Blocks with what was found cited, and in it the sentences and rows marked that a question is about.

    Args:
        blocks: Of a whole document.
        passage: What was indexed of it.
        question: As asked; empty: nothing is marked.
    """
    wanted = Passage(passage)
    cited = set(cited_positions([block.text for block in blocks], wanted))
    found = [replace(block, cited=True) if place in cited else block for place, block in enumerate(blocks)]
    for place in cited:
        if found[place].rows:
            found[place] = replace(found[place], rows=_cited_rows(found[place].rows, wanted))
    units = [unit for place in sorted(cited) for unit in _units(place, found[place])]
    marks = marked_lines([unit.text for unit in units], "", question) if question else ()
    for number in marks:
        unit = units[number]
        found[unit.block] = _with_mark(found[unit.block], unit)
    return tuple(found)


def marked_rows(rows: Sequence[Row], passage: str, question: str) -> tuple[Row, ...]:
    """Rows of one large table, likewise."""
    found = list(_cited_rows(rows, Passage(passage)))
    cited = [place for place, row in enumerate(found) if row.cited and (place or len(found) == 1)]
    marks = marked_lines([row_text(found[place]) for place in cited], "", question) if question else ()
    for number in marks:
        found[cited[number]] = replace(found[cited[number]], marked=True)
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unit:
    """A sentence or a row."""

    block: int
    text: str
    span: Span | None = None
    row: int | None = None


def _units(place: int, block: ReadingBlock) -> Iterator[_Unit]:
    if block.rows:
        for number, row in enumerate(block.rows):
            if row.cited and (number or len(block.rows) == 1):  # a head says nothing by itself
                yield _Unit(block=place, text=row_text(row), row=number)
    elif block.kind not in {BlockKind.HEADING, BlockKind.PICTURE, BlockKind.RULE}:
        text = runs_text(block.runs)
        for span in sentences(text):
            yield _Unit(block=place, text=text[slice(*span)], span=span)


def _with_mark(block: ReadingBlock, unit: _Unit) -> ReadingBlock:
    if unit.row is not None:
        rows = list(block.rows)
        rows[unit.row] = replace(rows[unit.row], marked=True)
        return replace(block, rows=tuple(rows))
    return replace(block, runs=with_span(block.runs, unit.span)) if unit.span else block


def with_span(runs: Runs, span: Span) -> Runs:
    """Stretches of text with one span of it (code points) marked."""
    out: list[Run] = []
    at = 0
    for run in runs:
        end = at + len(run.text)
        cuts = sorted({at, end, *(min(max(edge, at), end) for edge in span)})
        for first, last in pairwise(cuts):
            inside = span[0] <= first and last <= span[1]
            out.append(replace(run, text=run.text[first - at : last - at], marked=run.marked or inside))
        at = end
    return tuple(out)


def _cited_rows(rows: Sequence[Row], passage: Passage) -> tuple[Row, ...]:
    cited = set(cited_positions([row_text(row) for row in rows], passage))
    return tuple(replace(row, cited=True) if place in cited else row for place, row in enumerate(rows))


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _grams(letters: str) -> Iterator[str]:
    return (letters[at : at + _GRAM] for at in range(len(letters) - _GRAM + 1))
