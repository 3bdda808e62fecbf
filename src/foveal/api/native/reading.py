"""Documents as they are read: blocks of text and tables, with what was found cited and marked."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from foveal.api.auth import caller_of
from foveal.api.crowd import Threads
from foveal.api.engine import Engine
from foveal.api.native import files
from foveal.types.chunks import ChunkId
from foveal.types.reading import BlockKind, Reading, ReadingBlock, Row, Run

MOST_COUNT = 400
JPEG: dict[int | str, dict[str, object]] = {
    200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}
}


class ReadingQuery(BaseModel):
    """What to show and to mark."""

    q: str = Field("", max_length=2000, description="A question: what it is about is marked.")
    first: int | None = Field(None, ge=0, description="Show from here, not around what was found.")
    count: int = Field(0, ge=0, le=MOST_COUNT, description="Blocks or rows; 0: as many as fit.")


class RunOut(BaseModel):
    """A stretch of text in one style; it is text, whatever marks stand in it."""

    text: str
    bold: bool = False
    italic: bool = False
    code: bool = False
    link: str = Field("", description="An http, https or mailto address.")
    marked: bool = Field(False, description="Whether it is what the question is about.")


class RowOut(BaseModel):
    """A row of a table."""

    number: int = Field(description="As programs for tables count; 0 where nobody counts.")
    cells: list[list[RunOut]]
    cited: bool
    marked: bool


class ReadingBlockOut(BaseModel):
    """A heading, a paragraph, an item of a list, a table, a picture."""

    kind: BlockKind
    level: int = Field(description="Of a heading 1 to 6; of an item how deep it stands.")
    marker: str = Field(description='What stands before an item: "•", "3.".')
    runs: list[RunOut]
    rows: list[RowOut]
    picture: int | None = Field(description="Number of a picture, for `/reading/pictures/{number}`.")
    page: int | None
    cited: bool = Field(description="Whether it is part of what was found.")


class ReadingOut(BaseModel):
    """A stretch of a document around what was found."""

    title: str
    part: str = Field(description="Name of the sheet.")
    blocks: list[ReadingBlockOut]
    first: int = Field(description="Position of the first block, or of the first row under the head.")
    total: int = Field(description="Blocks there are, or rows under the head.")
    tabular: bool = Field(description="Whether it is counted in rows.")


def router(engine: Engine, threads: Threads) -> APIRouter:
    """All of them."""
    routes = APIRouter(prefix="/v1/indexes/{index}/chunks/{chunk_id}/reading", tags=["Foveal"])

    @routes.get("")
    async def show_reading(
        request: Request, index: str, chunk_id: str, shown: Annotated[ReadingQuery, Query()]
    ) -> ReadingOut:
        """The document a passage is from, or the sheet a row is on: text, markdown, a web page, Word, Excel or CSV."""
        groups = caller_of(request).groups

        def work() -> Reading:
            return engine.reading(
                index, ChunkId(chunk_id), groups, question=shown.q, first=shown.first, count=shown.count
            )

        return _reading(await threads.run(work))

    @routes.get("/pictures/{number}", response_class=Response, responses=JPEG)
    async def reading_picture(request: Request, index: str, chunk_id: str, number: int) -> Response:
        """One of the pictures in a Word document."""
        groups = caller_of(request).groups

        def work() -> Response:
            chunk = engine.chunk(index, ChunkId(chunk_id), groups)
            tag = files.etag(chunk.asset_id, "picture", number)
            known = files.not_modified(request, tag)
            if known:
                return known
            data = engine.reading_picture(index, chunk.chunk_id, groups, number)
            return files.file_response(request, data, "image/jpeg", tag)

        return await threads.run(work)

    return routes


def _reading(found: Reading) -> ReadingOut:
    return ReadingOut(
        title=found.title,
        part=found.part,
        blocks=[_block(block) for block in found.blocks],
        first=found.first,
        total=found.total,
        tabular=found.tabular,
    )


def _block(block: ReadingBlock) -> ReadingBlockOut:
    return ReadingBlockOut(
        kind=block.kind,
        level=block.level,
        marker=block.marker,
        runs=[_run(run) for run in block.runs],
        rows=[_row(row) for row in block.rows],
        picture=block.picture,
        page=block.page,
        cited=block.cited,
    )


def _row(row: Row) -> RowOut:
    cells = [[_run(run) for run in cell] for cell in row.cells]
    return RowOut(number=row.number, cells=cells, cited=row.cited, marked=row.marked)


def _run(run: Run) -> RunOut:
    return RunOut(text=run.text, bold=run.bold, italic=run.italic, code=run.code, link=run.link, marked=run.marked)
