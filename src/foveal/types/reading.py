"""Readings: a document as it is read, with what was found of it marked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class BlockKind(StrEnum):
    """What a block of a document is."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEM = "item"
    QUOTE = "quote"
    CODE = "code"
    TABLE = "table"
    PICTURE = "picture"
    RULE = "rule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A stretch of text in one style.

    Attributes:
        link: An http, https or mailto address; empty for none.
        marked: Whether it is what the question is about.
    """

    text: str
    bold: bool = False
    italic: bool = False
    code: bool = False
    link: str = ""
    marked: bool = False


Runs = tuple[Run, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a table.

    Attributes:
        number: From 1, as programs for tables count; 0 where nobody counts.
        cells: From the first column.
        cited: Whether it is part of what was found.
        marked: Whether it is what the question is about.
    """

    number: int = 0
    cells: tuple[Runs, ...]
    cited: bool = False
    marked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingBlock:
    """A heading, a paragraph, an item of a list, a table, a picture.

    Attributes:
        level: Of a heading 1 to 6; of an item how deep it stands, from 0.
        marker: What stands before an item: "•", "3.".
        runs: Its text; of a picture its alternative text.
        rows: Of a table; the first is its head where it has more than one.
        picture: Number of the picture in the document, from 0.
        page: Where the file says so.
        cited: Whether it is part of what was found.
    """

    kind: BlockKind
    level: int = 0
    marker: str = ""
    runs: Runs = ()
    rows: tuple[Row, ...] = ()
    picture: int | None = None
    page: int | None = None
    cited: bool = False

    @property
    def text(self) -> str:
        """All its words; cells of a row are put apart by blanks, rows by line ends."""
        if self.rows:
            return "\n".join(row_text(row) for row in self.rows)
        return runs_text(self.runs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A stretch of a document, around what was found.

    Attributes:
        part: Name of the sheet; empty elsewhere.
        blocks: In order. Of a workbook or a file of rows one table, whose first row is the head.
        first: Position of the first block (or row) shown in all there are.
        total: Blocks (or rows) there are.
        tabular: Whether it is counted in rows.
    """

    title: str
    part: str = ""
    blocks: tuple[ReadingBlock, ...]
    first: int
    total: int
    tabular: bool = False


def runs_text(runs: Runs) -> str:
    """The words of stretches."""
    return "".join(run.text for run in runs)


def row_text(row: Row) -> str:
    """The words of a row."""
    return " ".join(filter(None, (runs_text(cell).strip() for cell in row.cells)))
