"""Layout: lines with their places on pages become headings, paragraphs and lists in reading order.

Pure: whoever reads a page gives its lines. What a page says of itself is used before anything is guessed: lines keep
the order in which they were written unless that order jumps about the page.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from foveal.readers.blocks import HEADING_MAX_CHARS, MOST_LEVELS, Block, table_rows

CELL = "\t"
"""Stands between the cells of a line that is a row of a table."""
EDGE_LINES = 3
"""Lines at the top and at the bottom of a page among which running heads and feet are looked for."""
_SIGN = re.compile(r"[•◦▪▫‣⁃●○■□–—*·➢✓❖]\s")
_BULLET = re.compile(r"(?:[•◦▪▫‣⁃●○■□–—*·➢✓❖o]|\d{1,3}[.)]|\(?[a-zA-Z][.)])\s+\S")
_SENTENCE_END = re.compile(r"[.!?:;。！？]['\"”’)\]]*$")
_LEADERS = re.compile(r"\.{4,}|(?:\. ){4,}|…{2,}")
_HYPHENS = frozenset("-‐\xad\ufffe")
"""Signs of a word that goes on in the next line; the last is PDFium's."""
_NUMBER = re.compile(r"\d+|\b[ivxlc]+\b", re.IGNORECASE)
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a page.

    Attributes:
        left: Left edge, a fraction of the page's width from its left side; likewise `right`.
        top: Upper edge, a fraction of the page's height from its upper side; likewise `bottom`.
        size: Height of its letters, in points.
        bold: Whether they are heavy.
    """

    text: str
    left: float
    top: float
    right: float
    bottom: float
    size: float
    bold: bool


def blocks_of(pages: Sequence[tuple[int, Sequence[Line]]]) -> list[Block]:
    """Blocks of a document, in reading order.

    Args:
        pages: Page numbers with the lines of each, in the order in which they were written.
    """
    running = _running(pages)
    kept = [(number, in_reading_order(_without(lines, running))) for number, lines in pages]
    levels = _heading_levels([line for _, lines in kept for line in lines])
    words = Counter(
        word.strip(".,;:()")
        for _, lines in kept
        for line in lines
        if "-" in line.text
        for word in line.text.casefold().split()
        if "-" in word
    )
    return [block for number, lines in kept for block in _paragraphs(number, lines, levels, words)]


def in_reading_order(lines: Sequence[Line]) -> list[Line]:
    """The lines as written; where that goes back up the page without going on to the right, as they stand on it."""
    for before, after in pairwise(lines):
        goes_up = after.bottom < before.top - (before.bottom - before.top) / 2
        if goes_up and after.left < before.right - 0.01:
            return _cut_up(list(lines))
    return list(lines)


def _cut_up(lines: list[Line]) -> list[Line]:
    """Recursive cuts along white space (Nagy and Seth, 1984): bands first, then columns, then from top to bottom."""
    if len(lines) < 2:
        return lines
    height = median(line.bottom - line.top for line in lines)
    for start, end, least in (("top", "bottom", 1.2 * height), ("left", "right", 0.02)):
        groups = _groups(lines, start, end, least)
        if len(groups) > 1:
            return [line for group in groups for line in _cut_up(group)]
    return sorted(lines, key=lambda line: (round(line.top / max(height, 1e-6)), line.left))


def _groups(lines: list[Line], start: str, end: str, least: float) -> list[list[Line]]:
    """Lines on either side of every empty stripe that is at least so wide."""
    groups: list[list[Line]] = []
    reach = -1.0
    for line in sorted(lines, key=lambda one: float(getattr(one, start))):
        if not groups or getattr(line, start) - reach > least:
            groups.append([])
        groups[-1].append(line)
        reach = max(reach, getattr(line, end))
    return groups


def _without(lines: Sequence[Line], running: set[Mark]) -> Sequence[Line]:
    """The lines without running heads and feet; all of them where there would be none."""
    if not running:
        return lines
    return [line for line in lines if not (_is_at_edge(line) and _mark(line) in running)] or lines


def _is_at_edge(line: Line) -> bool:
    return line.top < 0.15 or line.bottom > 0.85


Mark = tuple[str, int]


def _mark(line: Line) -> Mark:
    """What stays the same of a running head or foot: its words without numbers, and its height on the page."""
    return _NUMBER.sub("#", line.text.casefold()).strip(), round(line.top * 40)


def _running(pages: Sequence[tuple[int, Sequence[Line]]]) -> set[Mark]:
    """Marks found at the edge of at least three pages and of half of them."""
    seen: Counter[Mark] = Counter()
    for _, lines in pages:
        ordered = sorted(lines, key=lambda line: line.top)
        edges = {*ordered[:EDGE_LINES], *ordered[-EDGE_LINES:]}
        seen.update({_mark(line) for line in edges if _is_at_edge(line)})
    least = max(3, len(pages) / 2)
    return {mark for mark, count in seen.items() if count >= least}


Look = tuple[float, bool]


def _look(line: Line) -> Look:
    return round(2 * line.size) / 2, line.bold


def _heading_levels(lines: Sequence[Line]) -> dict[Look, int]:
    """Levels of the looks that headings have: larger than most of the text, or as large and bolder."""
    if not lines:
        return {}
    letters: Counter[Look] = Counter()
    for line in lines:
        letters[_look(line)] += len(line.text)
    (size, bold), _ = letters.most_common(1)[0]
    total = sum(letters.values())
    found = [
        look
        for look, count in letters.items()
        if (look[0] >= 1.12 * size or (look[1] and not bold and look[0] >= 0.98 * size)) and count < 0.3 * total
    ]
    ranked = sorted(found, key=lambda look: (-look[0], not look[1]))
    return {look: min(rank, MOST_LEVELS) for rank, look in enumerate(ranked, start=1)}


def _paragraphs(page: int, lines: Sequence[Line], levels: dict[Look, int], hyphenated: Counter[str]) -> Iterator[Block]:
    """Lines of one page put together; a heading of several lines is one."""
    gaps = [after.top - before.top for before, after in pairwise(lines) if 0 < after.top - before.top < 0.08]
    usual = median(gaps) if gaps else 0.0
    right = max((line.right for line in lines), default=1.0)
    together: list[Line] = []
    for line in lines:
        if together and not _goes_on(together[-1], line, levels, usual, right):
            yield _block(page, together, levels, hyphenated)
            together = []
        together.append(line)
    if together:
        yield _block(page, together, levels, hyphenated)


def _block(page: int, lines: Sequence[Line], levels: dict[Look, int], hyphenated: Counter[str]) -> Block:
    if CELL in lines[0].text:
        return Block(text=table_rows([line.text.split(CELL) for line in lines]), page=page)
    text = lines[0].text
    for line in lines[1:]:
        text = _joined(text, line.text, hyphenated)
    return Block(text=text, level=_level(lines[0], levels) if len(text) <= HEADING_MAX_CHARS else 0, page=page)


def _level(line: Line, levels: dict[Look, int]) -> int:
    level = levels.get(_look(line), 0)
    text = line.text
    if not level or not _LETTER.search(text) or _LEADERS.search(text) or _SIGN.match(text) or CELL in text:
        return 0
    return level


def _goes_on(before: Line, line: Line, levels: dict[Look, int], usual: float, right: float) -> bool:
    """Whether a line belongs to the heading, the paragraph or the table of the line before."""
    level = _level(line, levels)
    if level != _level(before, levels) or (CELL in line.text) != (CELL in before.text):
        return False
    step = line.top - before.top
    if step <= 0 or step > (2.5 if CELL in line.text else 1.4) * max(usual, line.bottom - line.top):
        return False  # another column, or more space than between lines
    if level or CELL in line.text:
        return True
    if _BULLET.match(line.text) or _LEADERS.search(before.text):
        return False
    if abs(line.size - before.size) > 0.12 * before.size:
        return False
    short = before.right < right - 0.15 * (right - min(before.left, line.left))
    return not (short and (_SENTENCE_END.search(before.text) or not line.text[:1].islower()))


def _joined(text: str, more: str, hyphenated: Counter[str]) -> str:
    """Two lines of a paragraph as one; a word broken at the line's end is whole again."""
    if text[-1:] not in _HYPHENS or not text[-2:-1].isalpha():
        return f"{text} {more}"
    kept = f"{text[:-1].rsplit(maxsplit=1)[-1]}-{more.split(maxsplit=1)[0]}".casefold().strip(".,;:()")
    if hyphenated[kept] or not more[:1].islower():  # elsewhere it has a hyphen in the middle of a line
        return f"{text[:-1]}-{more}"
    return text[:-1] + more
