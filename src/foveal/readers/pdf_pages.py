"""Pages of PDF files as pictures, with where their lines of text are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from foveal.readers.child_process import ChildProcesses, Program
from foveal.readers.limits import Limits
from foveal.types.locators import Box
from foveal.types.vectors import Pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLine:
    """One line of text of a page, its box in fractions of the page as it is shown."""

    text: str
    box: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnPage:
    """A page.

    Attributes:
        pixels: uint8 [h, w, 3] RGB, on white.
        lines: In the order of the page's content.
    """

    pixels: Pixels
    lines: tuple[PageLine, ...]


class PdfPages:
    """Draws pages in processes of its own, under the limits of reading them."""

    def __init__(self, limits: Limits) -> None:
        self._processes = ChildProcesses(
            Program(
                module="foveal.readers.pdf_page_process",
                thing="PDF",
                max_seconds=limits.max_seconds,
                max_memory_bytes=limits.max_memory_bytes,
                slow_remedy="Open the file itself.",
            )
        )

    def draw(self, data: bytes, page: int, *, long_side_px: int) -> DrawnPage:
        """One page, 1-based.

        Raises:
            UnreadableAssetError: It is broken, encrypted, or has no such page.
            AssetLimitError: Over a limit.
        """
        ((item, raw),) = self._processes.run({"page": page, "long_side_px": long_side_px}, data)
        pixels = np.frombuffer(raw, np.uint8).reshape(cast("list[int]", item["shape"]))
        rows = cast("list[tuple[str, tuple[float, float, float, float]]]", item["lines"])
        return DrawnPage(pixels=pixels, lines=tuple(PageLine(text=text, box=_box(*sides)) for text, sides in rows))


def _box(left: float, top: float, right: float, bottom: float) -> Box:
    return Box(x=left, y=top, width=right - left, height=bottom - top)
