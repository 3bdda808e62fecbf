"""A page of a PDF as a picture, with the passage marked that a question is about."""

from __future__ import annotations

import io
from collections import OrderedDict
from threading import Lock

from foveal.errors import AssetError, NotFoundError
from foveal.readers.limits import Limits
from foveal.readers.pdf_pages import DrawnPage, PdfPages
from foveal.readers.sniffing import PDF
from foveal.retrieval.marking import marked_lines
from foveal.runtime.viewing import JPEG_QUALITY
from foveal.types.assets import AssetId
from foveal.types.chunks import Chunk
from foveal.types.locators import Box

MARK_COLOR = (255, 122, 26)
"""sRGB of a match, everywhere in the product."""
_FILL = 46
_KEPT_PAGES = 24


class Paging:
    """Draws pages, and keeps the last few: a card and the opened source show the same one."""

    def __init__(self, limits: Limits) -> None:
        self._pages = PdfPages(limits)
        self._drawn: OrderedDict[tuple[AssetId, int, int], DrawnPage] = OrderedDict()
        self._lock = Lock()

    def jpeg(self, data: bytes, chunk: Chunk, *, long_side_px: int, question: str) -> bytes:
        """The page a chunk of text is on.

        Raises:
            NotFoundError: It is not from a page of a PDF, or the page cannot be drawn.
        """
        if chunk.media_type != PDF or chunk.locator.page is None:
            raise NotFoundError(f"{chunk.filepath} is no page of a PDF, so there is no picture of it.")
        try:
            page = self._page(chunk.asset_id, chunk.locator.page, long_side_px, data)
        except AssetError as error:
            raise NotFoundError(f"{chunk.filepath} cannot be shown: {error.message}") from None
        lines = marked_lines([line.text for line in page.lines], chunk.content, question) if question else ()
        return _jpeg(page, [page.lines[row].box for row in lines])

    def _page(self, asset_id: AssetId, page: int, long_side_px: int, data: bytes) -> DrawnPage:
        key = asset_id, page, long_side_px
        with self._lock:
            known = self._drawn.get(key)
        if known is None:
            known = self._pages.draw(data, page, long_side_px=long_side_px)
        with self._lock:
            self._drawn[key] = known
            self._drawn.move_to_end(key)
            while len(self._drawn) > _KEPT_PAGES:
                self._drawn.popitem(last=False)
        return known


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
