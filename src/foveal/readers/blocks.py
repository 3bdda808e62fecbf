"""Blocks: what readers of documents find on a page, in reading order, and how it becomes content.

A stretch of text begins at every heading and on every page, slide or sheet. Neighbours on one page that are short are
put together under the headings they share, the other headings becoming lines of the text: a heading over a single
sentence is no use as a chunk of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from foveal.types.content import TextContent
from foveal.types.locators import Locator

SHORT_CHARS = 600
"""A stretch shorter than this takes in the next one on its page: about 150 tokens, a paragraph."""
TABLE_CHARS = 1500
"""From here on a table is given its head again: a few hundred tokens, so that every piece of it has one."""
HEADING_MAX_CHARS = 200
MOST_LEVELS = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A heading, a paragraph, a list or a table.

    Attributes:
        level: 1 (outermost) to 9 of a heading, 0 of anything else. A heading without words only ends those above.
        page: 1-based page, slide or sheet; None where there are none.
    """

    text: str
    level: int = 0
    page: int | None = None


@dataclass(slots=True, kw_only=True)
class _Stretch:
    page: int | None
    path: tuple[str, ...]
    texts: list[str]

    @property
    def chars(self) -> int:
        return sum(map(len, self.texts))


def stretches(blocks: Iterable[Block], title: str) -> Iterator[TextContent]:
    """Texts of blocks, in order. Characters are counted in the texts as they are joined by blank lines.

    Args:
        blocks: In reading order.
        title: Title of the document, given to every text.
    """
    place = 0
    for stretch in _joined(_cut(blocks)):
        text = "\n\n".join(stretch.texts)
        yield TextContent(
            text=text,
            title=title,
            heading=stretch.path,
            locator=Locator(page=stretch.page, start_char=place, end_char=place + len(text)),
        )
        place += len(text) + 2


def title_of(blocks: Sequence[Block]) -> tuple[str, list[Block]]:
    """The headings with which a document begins, and its blocks with those as plain lines: they stand above all.

    Empty when it begins with something else, or with a numbered heading.
    """
    first = list(takewhile(lambda block: block.level > 0 and block.page == blocks[0].page, blocks))
    top = [block for block in first if block.level <= first[0].level + 1][:2]
    if not top or len(first) > MOST_LEVELS or top[0].text[:1].isdigit():
        return "", list(blocks)
    names = dict.fromkeys(" ".join(clean(block.text).split()) for block in top)
    lines = [Block(text=name, page=top[0].page) for name in names]
    above = len(list(takewhile(lambda block: " ".join(clean(block.text).split()) in names, first)))
    return " – ".join(names)[:HEADING_MAX_CHARS], [*lines, *blocks[above:]]


def table_rows(rows: Sequence[Sequence[str]]) -> str:
    """A table as rows of markdown, the first taken as its head; empty rows and columns are left out."""
    cleaned = [[" ".join(cell.split()).replace("|", "\\|") for cell in row] for row in rows]
    width = max((len(row) for row in cleaned), default=0)
    filled = [row + [""] * (width - len(row)) for row in cleaned if any(row)]
    kept = [i for i in range(width) if any(row[i] for row in filled)]
    lines = ["| " + " | ".join(row[i] for i in kept) + " |" for row in filled]
    if len(lines) > 1 and len(kept) > 1:
        lines.insert(1, "|" + " --- |" * len(kept))
    return "\n".join(lines)


def table_parts(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A long table as several with the same head, so that a piece of it still says what its columns are."""
    head, body = rows[:1], rows[1:]
    part: list[Sequence[str]] = []
    chars = 0
    for row in body:
        chars += sum(len(cell) + 3 for cell in row)
        if part and chars > TABLE_CHARS:
            yield table_rows([*head, *part])
            part, chars = [], 0
        part.append(row)
    yield table_rows([*head, *part])


def clean(text: str) -> str:
    """One paragraph: characters that stand for nothing are dropped, blanks are single, lines kept."""
    lines = (" ".join(line.split()) for line in _LEADERS.sub(" … ", _NOTHING.sub("", text)).splitlines())
    return "\n".join(line for line in lines if line)


_NOTHING = re.compile("[\0-\x08\x0e-\x1f\x7f\xad\u200b\ufeff\ufffe\uffff]")
_LEADERS = re.compile(r"[.…_=-]{5,}|(?:\. ){4,}")


def _cut(blocks: Iterable[Block]) -> Iterator[_Stretch]:
    """One stretch for every heading with something under it, and one a page."""
    above: list[Block] = []
    current: _Stretch | None = None
    for block in blocks:
        text = clean(block.text)
        if block.level:
            above = [h for h in above if h.level < block.level]
            if text:
                above.append(replace(block, text=" ".join(text.split())[:HEADING_MAX_CHARS]))
            if current:
                yield current
            current = _Stretch(page=block.page, path=tuple(h.text for h in above), texts=[]) if text else None
        elif not text:
            continue
        elif current is None or current.page != block.page:
            if current:
                yield current
            current = _Stretch(page=block.page, path=tuple(h.text for h in above), texts=[text])
        else:
            current.texts.append(text)
    if current:
        yield current


def _joined(found: Iterable[_Stretch]) -> Iterator[_Stretch]:
    """Short neighbours of one page put together; a heading with nothing under it becomes text."""
    current: _Stretch | None = None
    for stretch in found:
        if current is None:
            current = stretch
        elif current.page == stretch.page and current.chars < SHORT_CHARS:
            current = _together(current, stretch)
        else:
            yield _worded(current)
            current = stretch
    if current:
        yield _worded(current)


def _together(one: _Stretch, other: _Stretch) -> _Stretch:
    if not one.texts and other.path[: len(one.path)] == one.path:
        return other  # a heading right above its first sub-heading
    shared = 0
    for mine, its in zip(one.path, other.path, strict=False):
        if mine != its:
            break
        shared += 1
    texts = [*one.path[shared:], *one.texts, *other.path[shared:], *other.texts]
    return _Stretch(page=one.page, path=one.path[:shared], texts=texts)


def _worded(stretch: _Stretch) -> _Stretch:
    if not stretch.texts:
        stretch.texts = [stretch.path[-1]]
    return stretch
