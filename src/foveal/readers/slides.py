"""Slides of presentations as drawings, with where their lines of text are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from foveal.readers.child_process import ChildProcesses, Program
from foveal.readers.limits import Limits
from foveal.readers.pdf_pages import PageLine
from foveal.types.locators import Box

PICTURE_PX = 1280
"""Long side to which pictures on a slide are reduced."""
_MARK_COLOR = "#ff7a1a"
"""Of a match, everywhere in the product."""
_LARGE = 0.2
"""Share of the slide's height from which a box is a figure, which only gets an edge and a breath of colour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnSlide:
    """A slide.

    Attributes:
        width: In the units of the drawing, 96 to the inch.
        height: Likewise.
        body: What stands inside its `svg` element.
        lines: Of text; a row of a table is one line, and a chart with all its words.
    """

    width: float
    height: float
    body: str
    lines: tuple[PageLine, ...]

    def svg(self, marks: Sequence[Box] = ()) -> bytes:
        """The drawing, with boxes marked."""
        boxes = "".join(self._marked(box) for box in marks)
        size = f"{self.width:g} {self.height:g}"
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" width="{self.width:g}"'
        return f'{head} height="{self.height:g}" xml:space="preserve">{self.body}{boxes}</svg>'.encode()

    def _marked(self, box: Box) -> str:
        edge = self.width / 320
        x, y = box.x * self.width - 2 * edge, box.y * self.height - edge
        w, h = box.width * self.width + 4 * edge, box.height * self.height + 2 * edge
        place = f'x="{x:.2f}" y="{y:.2f}" width="{w:.2f}" height="{h:.2f}" rx="{1.5 * edge:.2f}"'
        fill = 0.05 if box.height > _LARGE else 0.24
        look = f'fill="{_MARK_COLOR}" fill-opacity="{fill}" stroke="{_MARK_COLOR}" stroke-width="{edge:.2f}"'
        return f"<rect {place} {look}/>"


class Slides:
    """Draws slides in processes of its own, under the limits of reading them."""

    def __init__(self, limits: Limits) -> None:
        self._processes = ChildProcesses(
            Program(
                module="foveal.readers.slide_process",
                thing="presentation",
                max_seconds=limits.max_seconds,
                max_memory_bytes=limits.max_memory_bytes,
                slow_remedy="Open the file itself.",
            )
        )

    def draw(self, data: bytes, slide: int) -> DrawnSlide:
        """One slide, 1-based.

        Raises:
            UnreadableAssetError: It is broken, encrypted, or has no such slide.
            AssetLimitError: Over a limit.
        """
        ((item, raw),) = self._processes.run({"slide": slide, "picture_px": PICTURE_PX}, data)
        rows = cast("list[tuple[str, tuple[float, float, float, float]]]", item["lines"])
        return DrawnSlide(
            width=cast("float", item["width"]),
            height=cast("float", item["height"]),
            body=raw.decode(),
            lines=tuple(PageLine(text=text, box=_within(*sides)) for text, sides in rows),
        )


def _within(left: float, top: float, right: float, bottom: float) -> Box:
    """What of a box is on the slide."""
    x, y = min(max(left, 0.0), 1.0), min(max(top, 0.0), 1.0)
    return Box(x=x, y=y, width=max(min(right, 1.0) - x, 0.0), height=max(min(bottom, 1.0) - y, 0.0))
