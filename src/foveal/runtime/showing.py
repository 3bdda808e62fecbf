"""What is shown of an index: its items, and the files, pages, frames and pictures that they are from."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO

from foveal.errors import NotFoundError
from foveal.retrieval.filtering import visible_to
from foveal.types.chunks import Chunk, ChunkId, Generation

if TYPE_CHECKING:
    from foveal.pipeline.browsing import Browser
    from foveal.ports.stores import ChunkSnapshot
    from foveal.runtime.paging import Paging
    from foveal.runtime.parts import Parts
    from foveal.types.content import ImageContent
    from foveal.types.locators import Box
    from foveal.types.pages import PagePicture
    from foveal.types.reading import Reading

PICTURE_LONG_SIDE_PX = 1024
"""Size at which retrieved pictures are shown to a model that sees."""


class Showing:
    """Shows what is in the indexes of a home.

    Attributes:
        parts: What the home is made of.
    """

    parts: Parts

    @cached_property
    def browser(self) -> Browser:
        """Looks through an index without a question: pages of it in order, and what its items have in common."""
        from foveal.pipeline.browsing import Browser

        def current(index: str) -> tuple[ChunkSnapshot, Generation]:
            generation = self.parts.catalog.index(index).generation
            return self.parts.store.snapshot(index, generation), generation

        return Browser(current)

    def chunk(self, index: str, chunk_id: str, groups: tuple[str, ...] | None = None) -> Chunk:
        """One chunk, if these groups may see it.

        Raises:
            NotFoundError: There is none, or they may not.
        """
        record = self.parts.catalog.index(index)
        snapshot = self.parts.store.snapshot(index, record.generation)
        found = snapshot.fetch([ChunkId(chunk_id)], where=visible_to(groups))
        if not found:
            raise NotFoundError(f"There is no {chunk_id} in index {index}.")
        return found[0]

    def original(self, index: str, chunk_id: str, groups: tuple[str, ...] | None = None) -> tuple[str, bytes]:
        """Media type and bytes of the file a chunk is from.

        Raises:
            NotFoundError: No such chunk, or the file is gone or has changed since it was indexed.
        """
        from foveal.runtime.viewing import original_bytes

        chunk = self.chunk(index, chunk_id, groups)
        return chunk.media_type, original_bytes(self.parts.held(chunk), chunk)

    def open_original(self, index: str, chunk_id: str, groups: tuple[str, ...] | None = None) -> BinaryIO:
        """The file a chunk is from, for reading a part of it; the caller closes.

        Raises:
            NotFoundError: As `original`.
        """
        return self.parts.open_original(self.chunk(index, chunk_id, groups))

    def frames(
        self,
        index: str,
        chunk_id: str,
        groups: tuple[str, ...] | None = None,
        *,
        times_ms: Sequence[int],
        long_side_px: int | None = None,
    ) -> list[ImageContent]:
        """What is on the screen at these times of the video that a chunk is from, in order of the times.

        Args:
            long_side_px: To which frames are reduced; None: as they are understood.

        Raises:
            NotFoundError: As `original`, or it is no video, or ends before.
        """
        chunk = self.chunk(index, chunk_id, groups)
        return self.parts.frames.at(chunk, times_ms, long_side_px=long_side_px)

    def thumbnail(
        self,
        index: str,
        chunk_id: str,
        groups: tuple[str, ...] | None = None,
        *,
        long_side_px: int = 320,
        boxes: Sequence[Box] = (),
    ) -> bytes:
        """A JPEG of an image, or of the frame of a moment of a video, within `long_side_px`, with boxes drawn on it.

        Raises:
            NotFoundError: As `original`, or the chunk is no image.
        """
        from foveal.runtime.viewing import boxed

        jpeg = self.parts.thumbnail(self.chunk(index, chunk_id, groups), long_side_px=long_side_px)
        return boxed(jpeg, boxes) if boxes else jpeg

    def page(
        self,
        index: str,
        chunk_id: str,
        groups: tuple[str, ...] | None = None,
        *,
        long_side_px: int = 1024,
        question: str = "",
    ) -> PagePicture:
        """The page of a PDF or the slide that a chunk of text is from, its passage marked.

        Raises:
            NotFoundError: As `original`, or it is from no page and no slide.
        """
        from foveal.runtime.viewing import original_bytes

        chunk = self.chunk(index, chunk_id, groups)
        data = original_bytes(self.parts.held(chunk), chunk)
        return self._paging.picture(data, chunk, long_side_px=long_side_px, question=question)

    def reading(
        self,
        index: str,
        chunk_id: str,
        groups: tuple[str, ...] | None = None,
        *,
        question: str = "",
        first: int | None = None,
        count: int = 0,
    ) -> Reading:
        """The document or the table that a chunk of text is from, as it is read, what was found cited and marked.

        Args:
            first: Block or row to begin with; None shows those around what was found.
            count: Blocks or rows; 0: as many as fit.

        Raises:
            NotFoundError: As `original`, or it is of a type that has pages or pictures instead.
        """
        from foveal.runtime.reading import Window, reading
        from foveal.runtime.viewing import original_bytes

        chunk = self.chunk(index, chunk_id, groups)
        data = original_bytes(self.parts.held(chunk), chunk)
        window = Window(first=first, count=count)
        return reading(data, chunk, self.parts.limits, question=question, window=window)

    def reading_picture(self, index: str, chunk_id: str, groups: tuple[str, ...] | None, number: int) -> bytes:
        """JPEG of a picture in a Word document, by its number in `reading`.

        Raises:
            NotFoundError: As `original`, or there is no such picture.
        """
        from foveal.runtime.reading import picture_in
        from foveal.runtime.viewing import kept_jpeg, original_bytes

        chunk = self.chunk(index, chunk_id, groups)
        data = original_bytes(self.parts.held(chunk), chunk)
        limits, images = self.parts.limits, self.parts.image_reader
        return kept_jpeg(
            self.parts.derived,
            chunk,
            f"inside-{number}-{PICTURE_LONG_SIDE_PX}.jpg",
            lambda: picture_in(data, chunk, number, limits, images),
            PICTURE_LONG_SIDE_PX,
        )

    @cached_property
    def _paging(self) -> Paging:
        from foveal.runtime.paging import Paging

        return Paging(self.parts.limits)

    def _picture(self, index: str, chunk: Chunk) -> bytes | None:
        """A picture of a chunk for a model that sees, None when there is none or it is gone."""
        if not chunk.has_picture or self.parts.judge.keeps_from_models(chunk):
            return None
        try:
            return self.thumbnail(index, chunk.chunk_id, long_side_px=PICTURE_LONG_SIDE_PX)
        except NotFoundError:
            return None
