"""A page of a PDF or a slide of a presentation as a picture, with the passage marked that a question is about."""

from __future__ import annotations

import io
from collections.abc import Sequence

from foveal.errors import AssetError, NotFoundError
from foveal.readers.limits import Limits
from foveal.readers.pdf_pages import DrawnPage, PageLine, PdfPages
from foveal.readers.slides import DrawnSlide, Slides
from foveal.readers.sniffing import PDF, PPTX
from foveal.retrieval.marking import marked_lines
from foveal.retrieval.recent import Recent
from foveal.runtime.viewing import JPEG_QUALITY
from foveal.types.chunks import Chunk
from foveal.types.locators import Box
from foveal.types.pages import PagePicture

MARK_COLOR = (255, 122, 26)
"""sRGB of a match, everywhere in the product."""
_FILL = 46
_KEPT_PAGES = 24


class Paging:
    """Draws pages, and keeps the last few: a card and the opened source show the same one."""

    def __init__(self, limits: Limits) -> None:
        self._pages = PdfPages(limits)
        self._slides = Slides(limits)
        self._drawn_pages = Recent[str, DrawnPage](_KEPT_PAGES)
        self._drawn_slides = Recent[str, DrawnSlide](_KEPT_PAGES)

    def picture(self, data: bytes, chunk: Chunk, *, long_side_px: int, question: str) -> PagePicture:
        """The page or slide a chunk of text is on.

        Raises:
            NotFoundError: It is not from a page of a PDF or a slide, or that cannot be drawn.
        """
        number = chunk.locator.page
        if chunk.media_type not in {PDF, PPTX} or number is None:
            raise NotFoundError(f"{chunk.filepath} has no page or slide, so there is no picture of it.")
        try:
            if chunk.media_type == PPTX:
                key = f"{chunk.asset_id} {number}"
                slide = self._drawn_slides.one(key, lambda: self._slides.draw(data, number))
                return PagePicture(media_type="image/svg+xml", data=slide.svg(_marks(slide.lines, chunk, question)))
            key = f"{chunk.asset_id} {number} {long_side_px}"
            page = self._drawn_pages.one(key, lambda: self._pages.draw(data, number, long_side_px=long_side_px))
        except AssetError as error:
            raise NotFoundError(f"{chunk.filepath} cannot be shown: {error.message}") from None
        return PagePicture(media_type="image/jpeg", data=_jpeg(page, _marks(page.lines, chunk, question)))


def _marks(lines: Sequence[PageLine], chunk: Chunk, question: str) -> list[Box]:
    rows = marked_lines([line.text for line in lines], chunk.content, question) if question else ()
    return [lines[row].box for row in rows]


def _jpeg(page: DrawnPage, boxes: list[Box]) -> bytes:
    from PIL import Image, ImageDraw

    picture = Image.fromarray(page.pixels)
    veil = Image.new("RGBA", picture.size)
    draw = ImageDraw.Draw(veil)
    for box in boxes:
        left, top = box.x * picture.width - 4, box.y * picture.height - 3
        right, bottom = (box.x + box.width) * picture.width + 4, (box.y + box.height) * picture.height + 3
        sides = (left, top, right, bottom)
        draw.rounded_rectangle(sides, 4, fill=(*MARK_COLOR, _FILL), outline=(*MARK_COLOR, 255), width=2)
    out = io.BytesIO()
    Image.alpha_composite(picture.convert("RGBA"), veil).convert("RGB").save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue()
