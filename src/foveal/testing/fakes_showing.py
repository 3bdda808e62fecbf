"""What the fake engine shows of its documents: their chunks, and bytes that name what would be seen."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import BinaryIO

from foveal.errors import IndexNotFoundError, NotFoundError
from foveal.pipeline.browsing import Browser
from foveal.testing.fakes_stores import InMemoryChunkSnapshot
from foveal.types.assets import MediaKind
from foveal.types.chunks import Chunk, ChunkId, Generation
from foveal.types.locators import Box
from foveal.types.pages import PagePicture
from foveal.types.reading import BlockKind, Reading, ReadingBlock, Run


class FakeShowing:
    """Shows chunks in memory, honouring groups.

    Attributes:
        indexes: Chunks by index name.
        files: Bytes of originals by file path.
    """

    def __init__(self, indexes: dict[str, list[Chunk]]) -> None:
        self.indexes = indexes
        self.files: dict[str, bytes] = {}

    @property
    def browser(self) -> Browser:
        """Over the chunks given."""
        return Browser(
            lambda index: (InMemoryChunkSnapshot({c.chunk_id: c for c in self._chunks(index)}), Generation(1))
        )

    def page(
        self, index: str, chunk_id: ChunkId, groups: tuple[str, ...] | None, *, long_side_px: int, question: str = ""
    ) -> PagePicture:
        """Bytes that name the page, the size and the question; of PDF only."""
        chunk = self.chunk(index, chunk_id, groups)
        if chunk.media_type != "application/pdf":
            raise NotFoundError(f"{chunk.filepath} has no pages.")
        data = f"page {chunk.locator.page} {long_side_px} {question}".encode()
        return PagePicture(media_type="image/jpeg", data=data)

    def reading(
        self,
        index: str,
        chunk_id: ChunkId,
        groups: tuple[str, ...] | None,
        *,
        question: str = "",
        first: int | None = None,
        count: int = 0,
    ) -> Reading:
        """The chunk's own text as one paragraph; the question and the window are named in the title."""
        chunk = self.chunk(index, chunk_id, groups)
        block = ReadingBlock(kind=BlockKind.PARAGRAPH, runs=(Run(text=chunk.content),), cited=True)
        return Reading(title=f"{question} {first} {count}", blocks=(block,), first=first or 0, total=1)

    def reading_picture(self, index: str, chunk_id: ChunkId, groups: tuple[str, ...] | None, number: int) -> bytes:
        """Bytes that name the picture."""
        self.chunk(index, chunk_id, groups)
        return b"\xff\xd8 %d" % number

    def chunk(self, index: str, chunk_id: ChunkId, groups: tuple[str, ...] | None) -> Chunk:
        """By id.

        Raises:
            NotFoundError: None, or not for these groups.
        """
        found = next((c for c in self._visible(index, groups) if c.chunk_id == chunk_id), None)
        if found is None:
            raise NotFoundError(f"There is no {chunk_id} in index {index}.")
        return found

    def thumbnail(
        self,
        index: str,
        chunk_id: ChunkId,
        groups: tuple[str, ...] | None,
        *,
        long_side_px: int,
        boxes: Sequence[Box] = (),
    ) -> bytes:
        """Bytes that name the size and the boxes.

        Raises:
            NotFoundError: No such image.
        """
        chunk = self.chunk(index, chunk_id, groups)
        if chunk.kind is not MediaKind.IMAGE:
            raise NotFoundError(f"{chunk.filepath} is no image, so there is no thumbnail.")
        drawn = "".join(f" {b.x:g},{b.y:g},{b.width:g},{b.height:g}" for b in boxes)
        return b"\xff\xd8 %d" % long_side_px + drawn.encode()

    def open_original(self, index: str, chunk_id: ChunkId, groups: tuple[str, ...] | None) -> BinaryIO:
        """From `files`.

        Raises:
            NotFoundError: As `original`.
        """
        return io.BytesIO(self.original(index, chunk_id, groups)[1])

    def original(self, index: str, chunk_id: ChunkId, groups: tuple[str, ...] | None) -> tuple[str, bytes]:
        """From `files`.

        Raises:
            NotFoundError: No such chunk, or no such file.
        """
        chunk = self.chunk(index, chunk_id, groups)
        if chunk.filepath not in self.files:
            raise NotFoundError(f"{chunk.filepath} is no longer there.")
        return chunk.media_type, self.files[chunk.filepath]

    def _chunks(self, index: str) -> list[Chunk]:
        if index not in self.indexes:
            raise IndexNotFoundError(f"There is no index {index}.", remedy=f"There is: {', '.join(self.indexes)}.")
        return self.indexes[index]

    def _visible(self, index: str, groups: tuple[str, ...] | None) -> list[Chunk]:
        chunks = self._chunks(index)
        return [c for c in chunks if groups is None or not c.group_ids or set(c.group_ids) & set(groups)]
