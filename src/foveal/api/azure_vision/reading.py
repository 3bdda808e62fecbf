"""Lines of text that were read → the two forms of `readResult`.

Models place lines; a word's corners are its part of the line's polygon, its characters taken as equally wide, and its
confidence is the line's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from foveal.api.azure_vision import schemas
from foveal.retrieval.alignment import part_of_line
from foveal.types.content import OcrLine
from foveal.types.locators import Polygon

_WORD = re.compile(r"\S+")


def read_blocks(lines: Sequence[OcrLine], *, width_px: int, height_px: int) -> schemas.ReadOut:
    """The form since 2023-10-01: one block, its corners in whole pixels."""

    def corners(polygon: Polygon) -> list[schemas.PointOut]:
        return [schemas.PointOut(x=round(x * width_px), y=round(y * height_px)) for x, y in polygon]

    written = [
        schemas.LineOut(
            text=line.text,
            bounding_polygon=corners(line.polygon),
            words=[
                schemas.WordOut(text=text, bounding_polygon=corners(place), confidence=round(line.score, 3))
                for text, _, place in _words(line)
            ],
        )
        for line in lines
    ]
    return schemas.ReadOut(blocks=[schemas.BlockOut(lines=written)] if written else [])


def read_pages(lines: Sequence[OcrLine], *, width_px: int, height_px: int) -> schemas.ReadOut:
    """The form of the previews: one page, and all text as `content` with a line break after each line but the last."""

    def corners(polygon: Polygon) -> list[float]:
        return [float(round(number)) for x, y in polygon for number in (x * width_px, y * height_px)]

    words: list[schemas.OldWordOut] = []
    written: list[schemas.OldLineOut] = []
    offset = 0
    for line in lines:
        span = schemas.SpanOut(offset=offset, length=len(line.text))
        written.append(schemas.OldLineOut(content=line.text, bounding_box=corners(line.polygon), spans=[span]))
        for text, start, place in _words(line):
            at = schemas.SpanOut(offset=offset + start, length=len(text))
            sure = round(line.score, 3)
            words.append(schemas.OldWordOut(content=text, bounding_box=corners(place), confidence=sure, span=at))
        offset += len(line.text) + 1
    content = "\n".join(line.text for line in lines)
    page = schemas.PageOut(
        height=height_px,
        width=width_px,
        angle=_angle(lines, width_px, height_px),
        page_number=1,
        words=words,
        spans=[schemas.SpanOut(offset=0, length=len(content))],
        lines=written,
    )
    return schemas.ReadOut(string_index_type="UnicodeCodePoint", content=content, pages=[page], model_version="foveal")


def _words(line: OcrLine) -> Iterator[tuple[str, int, Polygon]]:
    """Each word, where it begins in the line's text, and where it is."""
    for match in _WORD.finditer(line.text):
        yield match[0], match.start(), part_of_line(line, match.start(), match.end())


def _angle(lines: Sequence[OcrLine], width_px: int, height_px: int) -> float:
    """Degrees by which the text is turned, clockwise: the median over the lines."""
    angles = sorted(
        math.degrees(math.atan2((right[1] - left[1]) * height_px, (right[0] - left[0]) * width_px))
        for left, right in (line.polygon[:2] for line in lines if len(line.polygon) == 4)
    )
    return round(angles[len(angles) // 2], 4) if angles else 0.0
