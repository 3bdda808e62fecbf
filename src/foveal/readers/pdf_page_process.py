"""The process that draws pages of PDF files with PDFium (`foveal.readers.child_process`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np

from foveal.errors import UnreadableAssetError
from foveal.readers.child_process import Ask, Message, serve
from foveal.readers.pdf_process import lines_of, opened, page_at, rgb


def main() -> None:
    """The child's end."""
    import pypdfium2  # noqa: F401 - to be loaded before the clock starts

    serve(_items)


def _items(job: Message, data: bytes, ask: Ask) -> Iterator[tuple[Message, bytes | memoryview]]:
    document = opened(data)
    number = cast("int", job["page"])
    page = page_at(document, number - 1) if 1 <= number <= len(document) else None
    if page is None:
        raise UnreadableAssetError(f"It has no page {number} that can be drawn.")
    scale = cast("int", job["long_side_px"]) / max(page.get_width(), page.get_height())
    pixels = rgb(page.render(scale=scale))
    lines = [(line[0], line[1:5]) for line in lines_of(page)]
    document.close()
    yield {"shape": list(pixels.shape), "lines": cast("object", lines)}, np.ascontiguousarray(pixels).data.cast("B")
