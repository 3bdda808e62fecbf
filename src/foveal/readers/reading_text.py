"""Text, markdown and web pages as they are read, and files of rows.

Markdown is parsed as CommonMark with tables; marks of HTML in it are shown as the text they are. Of a web page the
main content is shown, as its reader finds it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from foveal.readers.blocks import Block
from foveal.readers.html import html_blocks
from foveal.readers.markdown import front_matter_end
from foveal.types.reading import BlockKind, ReadingBlock, Row, Run, Runs

if TYPE_CHECKING:
    from markdown_it.token import Token

_SCHEMES = ("http://", "https://", "mailto:")
_PARAGRAPH = re.compile(r"\n[ \t\r]*\n\s*")


def plain_reading(text: str) -> list[ReadingBlock]:
    """Paragraphs, their lines kept."""
    parts = (part.strip("\n\r") for part in _PARAGRAPH.split(text.replace("\r\n", "\n")))
    return [ReadingBlock(kind=BlockKind.PARAGRAPH, runs=(Run(text=part),)) for part in parts if part.strip()]


def html_reading(data: bytes) -> list[ReadingBlock]:
    """The main content of a web page.

    Raises:
        AssetError: It is over a limit, or no text.
    """
    return [_of_block(block) for block in html_blocks(data)]


def _of_block(block: Block) -> ReadingBlock:
    if block.level:
        runs = (Run(text=" ".join(block.text.split())),)
        return ReadingBlock(kind=BlockKind.HEADING, level=min(block.level, 6), runs=runs, page=block.page)
    if block.text.startswith("| ") and block.text.endswith(" |"):
        lines = [line for line in block.text.split("\n") if not line.startswith("| --- |")]
        rows = tuple(Row(cells=tuple((Run(text=cell),) for cell in _cells(line))) for line in lines)
        return ReadingBlock(kind=BlockKind.TABLE, rows=rows, page=block.page)
    if block.text.startswith("- "):
        return ReadingBlock(kind=BlockKind.ITEM, marker="•", runs=(Run(text=block.text[2:]),), page=block.page)
    return ReadingBlock(kind=BlockKind.PARAGRAPH, runs=(Run(text=block.text),), page=block.page)


def _cells(line: str) -> list[str]:
    return [cell.replace("\\|", "|").strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def markdown_reading(text: str) -> list[ReadingBlock]:
    """The blocks of a markdown text."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    walk = _Walk()
    for token in parser.parse(text[front_matter_end(text) :]):
        walk.take(token)
    return walk.blocks


@dataclass(slots=True)
class _Walk:
    """Blocks of markdown from its tokens."""

    blocks: list[ReadingBlock] = field(default_factory=list)
    lists: list[int | None] = field(default_factory=list)
    marker: str = ""
    heading: int = 0
    quotes: int = 0
    rows: list[Row] | None = None
    cells: list[Runs] = field(default_factory=list)

    def take(self, token: Token) -> None:
        kind = token.type
        if kind in {"bullet_list_open", "ordered_list_open"}:
            start = token.attrs.get("start", 1)
            self.lists.append(int(start) if kind.startswith("ordered") else None)
        elif kind in {"bullet_list_close", "ordered_list_close"}:
            self.lists.pop()
        elif kind == "list_item_open":
            self.marker = self._next_marker()
        elif kind == "heading_open":
            self.heading = int(token.tag[1])
        elif kind in {"blockquote_open", "blockquote_close"}:
            self.quotes += 1 if kind.endswith("open") else -1
        elif kind == "inline":
            self._inline(token)
        elif kind in {"fence", "code_block"}:
            self.blocks.append(ReadingBlock(kind=BlockKind.CODE, runs=(Run(text=token.content.rstrip("\n")),)))
        elif kind == "hr":
            self.blocks.append(ReadingBlock(kind=BlockKind.RULE))
        else:
            self._table(kind)

    def _table(self, kind: str) -> None:
        if kind == "table_open":
            self.rows = []
        elif kind == "tr_close" and self.rows is not None:
            self.rows.append(Row(cells=tuple(self.cells)))
            self.cells = []
        elif kind == "table_close" and self.rows is not None:
            self.blocks.append(ReadingBlock(kind=BlockKind.TABLE, rows=tuple(self.rows)))
            self.rows = None

    def _next_marker(self) -> str:
        number = self.lists[-1] if self.lists else None
        if number is None:
            return "•"
        self.lists[-1] = number + 1
        return f"{number}."

    def _inline(self, token: Token) -> None:
        runs = tuple(_inline_runs(token.children or ()))
        if self.rows is not None:
            self.cells.append(runs)
            return
        if self.heading:
            block = ReadingBlock(kind=BlockKind.HEADING, level=self.heading, runs=runs)
            self.heading = 0
        elif self.lists:
            depth = len(self.lists) - 1
            block = ReadingBlock(kind=BlockKind.ITEM, marker=self.marker, level=depth, runs=runs)
            self.marker = ""  # a further paragraph of the same item
        else:
            block = ReadingBlock(kind=BlockKind.QUOTE if self.quotes else BlockKind.PARAGRAPH, runs=runs)
        if any(run.text.strip() for run in runs):
            self.blocks.append(block)


def _inline_runs(tokens: Sequence[Token]) -> Iterator[Run]:
    style = Run(text="")
    for token in tokens:
        kind = token.type
        if kind in {"strong_open", "strong_close"}:
            style = replace(style, bold=kind.endswith("open"))
        elif kind in {"em_open", "em_close"}:
            style = replace(style, italic=kind.endswith("open"))
        elif kind == "link_open":
            address = str(token.attrs.get("href", ""))
            style = replace(style, link=address if address.lower().startswith(_SCHEMES) else "")
        elif kind == "link_close":
            style = replace(style, link="")
        elif kind == "softbreak":
            yield replace(style, text=" ")
        elif kind == "hardbreak":
            yield replace(style, text="\n")
        elif kind == "code_inline":
            yield replace(style, text=token.content, code=True)
        elif token.content:
            yield replace(style, text=token.content)


def table_block(rows: Iterable[tuple[int, Sequence[str]]]) -> ReadingBlock:
    """A table of numbered rows of plain cells."""
    made = (Row(number=number, cells=tuple((Run(text=cell),) if cell else () for cell in row)) for number, row in rows)
    return ReadingBlock(kind=BlockKind.TABLE, rows=tuple(made))
