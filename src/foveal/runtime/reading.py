"""Documents without pages, as they are read: text, markdown, web pages, Word documents, tables."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from foveal.errors import AssetError, NotFoundError
from foveal.readers.encodings import decode_text
from foveal.readers.limits import Limits
from foveal.readers.packages import Package
from foveal.readers.reading_docx import DocxReading
from foveal.readers.reading_text import (
    html_reading,
    markdown_reading,
    plain_reading,
    table_block,
)
from foveal.readers.rows import delimited_rows, is_of_rows
from foveal.readers.sniffing import DOCX, HTML, XLSX, sniff
from foveal.readers.xlsx import sheet_of
from foveal.retrieval.reading_marks import marked_blocks, marked_rows
from foveal.types.assets import Asset, AssetId, MediaKind
from foveal.types.chunks import Chunk
from foveal.types.content import ImageContent
from foveal.types.reading import Reading, ReadingBlock, Row

if TYPE_CHECKING:
    from foveal.readers.image import ImageReader

BLOCKS_AROUND, ROWS_AROUND = 24, 12
"""Shown before and after what was found where nobody asks for more."""
MOST_SHOWN = 400
"""Blocks or rows of one answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which blocks or rows to show; None: those around what was found."""

    first: int | None = None
    count: int = 0


def reading(data: bytes, chunk: Chunk, limits: Limits, *, question: str, window: Window) -> Reading:
    """A stretch of the document a chunk of text is from.

    Raises:
        NotFoundError: It is of no such type, or cannot be read.
    """
    if chunk.kind is not MediaKind.TEXT:
        raise NotFoundError(f"{chunk.filepath} is no document that is read as text.")
    try:
        if is_tabular(chunk):
            return _table(data, chunk, limits, question, window)
        blocks = marked_blocks(_blocks(data, chunk, limits), chunk.content, question)
    except AssetError as error:
        raise NotFoundError(f"{chunk.filepath} cannot be shown: {error.message}") from None
    cited = [place for place, block in enumerate(blocks) if block.cited]
    first, last = _shown(len(blocks), cited, BLOCKS_AROUND, window)
    return Reading(title=chunk.title, blocks=blocks[first:last], first=first, total=len(blocks))


def picture_in(data: bytes, chunk: Chunk, number: int, limits: Limits, images: ImageReader) -> ImageContent:
    """One of the pictures of a Word document, by its number in the reading.

    Raises:
        NotFoundError: There is none, or it cannot be shown.
    """
    try:
        package = Package(data, limits)
        parts = DocxReading(package).pictures if chunk.media_type == DOCX else []
        if not 0 <= number < len(parts):
            raise NotFoundError(f"{chunk.filepath} has no picture {number}.")
        part = package.read(parts[number])
        media_type = sniff("picture", part[:4096], len(part)).media_type
        asset = Asset(
            asset_id=AssetId(""), path="picture", media_type=media_type, kind=MediaKind.IMAGE, size_bytes=len(part)
        )
        found = next(iter(images.read(asset, io.BytesIO(part))), None)
    except AssetError as error:
        raise NotFoundError(f"A picture of {chunk.filepath} cannot be shown: {error.message}") from None
    if not isinstance(found, ImageContent):
        raise NotFoundError(f"A picture of {chunk.filepath} cannot be shown.")
    return found


def is_tabular(chunk: Chunk) -> bool:
    """Whether it is from a file of rows."""
    return chunk.media_type == XLSX or (chunk.media_type == "text/plain" and is_of_rows(chunk.filepath))


def _blocks(data: bytes, chunk: Chunk, limits: Limits) -> Sequence[ReadingBlock]:
    if chunk.media_type == DOCX:
        return DocxReading(Package(data, limits)).blocks
    if chunk.media_type == HTML:
        return html_reading(data)
    if not chunk.media_type.startswith("text/"):
        raise NotFoundError(f"{chunk.filepath} is no document that is read as text.")
    text = _text(data)
    return markdown_reading(text) if chunk.media_type == "text/markdown" else plain_reading(text)


def _text(data: bytes) -> str:
    try:
        return decode_text(data)[0]
    except ValueError:
        raise NotFoundError("The bytes are in no text encoding that Foveal knows.") from None


def _table(data: bytes, chunk: Chunk, limits: Limits, question: str, window: Window) -> Reading:
    name = ""
    if chunk.media_type == XLSX:
        name, values = sheet_of(Package(data, limits), chunk.locator.page or 1)
    else:
        values = delimited_rows(_text(data))
    numbered = [(number, row) for number, row in enumerate(values, start=1) if any(cell.strip() for cell in row)]
    rows = table_block(_without_empty_columns(numbered)).rows
    if not rows:
        raise NotFoundError(f"There is nothing on this sheet of {chunk.filepath}.")
    found = marked_rows(rows, chunk.content, question)
    head, body = found[0], found[1:]
    marked = [place for place, row in enumerate(body) if row.marked]
    cited = marked or [place for place, row in enumerate(body) if row.cited]
    first, last = _shown(len(body), cited, ROWS_AROUND, window)
    shown: tuple[Row, ...] = (head, *body[first:last])
    block = replace(table_block([]), rows=shown, page=chunk.locator.page, cited=True)
    return Reading(title=chunk.title, part=name, blocks=(block,), first=first, total=len(body), tabular=True)


def _without_empty_columns(rows: Sequence[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    width = max((len(row) for _, row in rows), default=0)
    kept = [column for column in range(width) if any(column < len(row) and row[column].strip() for _, row in rows)]
    return [(number, [row[c] if c < len(row) else "" for c in kept]) for number, row in rows]


def _shown(total: int, cited: Sequence[int], around: int, window: Window) -> tuple[int, int]:
    """First block and the one after the last."""
    if window.first is not None:
        first = min(max(window.first, 0), total)
        return first, min(first + min(window.count or 2 * around, MOST_SHOWN), total)
    begin, end = (cited[0], cited[-1] + 1) if cited else (0, 1)
    first = max(begin - around, 0)
    return first, min(max(end + around, first + 2 * around), first + MOST_SHOWN, total)
