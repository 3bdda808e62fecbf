"""In which order lines of text in an image are read.

Lines lie in rows from top to bottom, in a row from left to right: so are receipts and tables. Prose in columns is told
from a table by its lines: on both sides of the gap they are long and fill their column. Then the columns are read one
after the other, between the lines that run across all of them; they may take up a part of the page's height only (a
recursive cut as in Nagy and Seth 1984, "Hierarchical representation of optically scanned documents", with lines instead
of pixels).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from foveal.models.ocr_regions import Region, sides
from foveal.types.content import OcrLine
from foveal.types.locators import Polygon
from foveal.types.vectors import FloatArray

_FEWEST_LINES: Final = 3
"""Of a column."""
_MOST_ACROSS: Final = 0.25
"""Share of the lines that may run across the gap between two columns (headings)."""
_FILLED: Final = 0.6
"""Of a column's width, by its median line."""
_LONG: Final = 6.0
"""Width of a column's median line in heights: some twelve letters."""
_LEAST_GAP: Final = 0.5
"""Of the gap between columns, in heights of a line."""
_LEAST_SKEW: Final = math.radians(1.0)
_MOST_SKEW: Final = math.radians(40.0)
_DEEPEST: Final = 4


DOUBTFUL = 0.8
"""Lines below this mean character confidence may be those of a script that the recogniser does not know."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A region on a page that was set straight, in pixels."""

    region: Region
    left: float
    right: float
    middle: float
    height: float


def in_reading_order(regions: Sequence[Region]) -> list[Region]:
    """Rows from top to bottom, each from left to right; columns of prose one after the other.

    A page that was photographed at a slant is set straight first.
    """
    turn = _skew(regions)
    return [line.region for line in _ordered([_straight(region, turn) for region in regions], _DEEPEST)]


def merged(lines: Sequence[OcrLine], others: Sequence[OcrLine], *, width_px: int, height_px: int) -> list[OcrLine]:
    """Lines of two recognisers of one upright image in reading order; of `others` those in places that `lines` lack, or
    read with doubt.
    """
    sure = [line for line in lines if line.score >= DOUBTFUL]
    free = [other for other in others if not any(_covers(line.polygon, other.polygon) for line in sure)]
    kept = [line for line in lines if line in sure or not any(_covers(line.polygon, one.polygon) for one in free)]
    size = np.array((width_px, height_px), np.float32)
    regions = [Region(corners=np.array(line.polygon, np.float32) * size, score=line.score) for line in (*kept, *free)]
    by_region = {id(region): line for region, line in zip(regions, (*kept, *free), strict=True)}
    return [by_region[id(region)] for region in in_reading_order(regions)]


def _covers(polygon: Polygon, other: Polygon) -> bool:
    """Whether the middle of another line lies in a line's box."""
    x, y = (sum(corner[axis] for corner in other) / len(other) for axis in (0, 1))
    across, down = [corner[0] for corner in polygon], [corner[1] for corner in polygon]
    return min(across) <= x <= max(across) and min(down) <= y <= max(down)


def _skew(regions: Sequence[Region]) -> float:
    """Angle of the lines, in radians; 0 for one too small to matter or too large to be sure of."""
    angles = []
    for region in regions:
        width, height = sides(region.corners)
        along = region.corners[1] - region.corners[0]
        if width > 3 * height:
            angles.append(math.atan2(float(along[1]), float(along[0])))
    angle = float(np.median(angles)) if angles else 0.0
    return angle if _LEAST_SKEW <= abs(angle) <= _MOST_SKEW else 0.0


def _straight(region: Region, turn: float) -> _Line:
    corners: npt.NDArray[np.floating] = region.corners
    if turn:
        cos, sin = math.cos(-turn), math.sin(-turn)
        corners = corners @ np.array([[cos, sin], [-sin, cos]])
    return _Line(
        region=region,
        left=float(corners[:, 0].min()),
        right=float(corners[:, 0].max()),
        middle=float(corners[:, 1].mean()),
        height=min(sides(region.corners)),
    )


def _ordered(lines: Sequence[_Line], depth: int) -> list[_Line]:
    gap = _gap(lines) if depth else None
    if gap is None:
        band = _band(lines) if depth else None
        if band is None:
            return _rows(lines)
        return [line for part in band for line in _ordered(part, depth - 1)]
    ordered: list[_Line] = []
    left: list[_Line] = []
    right: list[_Line] = []
    for line in sorted(lines, key=lambda one: one.middle):
        if line.left < gap < line.right:
            ordered += [*_ordered(left, depth - 1), *_ordered(right, depth - 1), line]
            left, right = [], []
        else:
            (left if line.right <= gap else right).append(line)
    return [*ordered, *_ordered(left, depth - 1), *_ordered(right, depth - 1)]


def _gap(lines: Sequence[_Line]) -> float | None:
    """Where two columns of prose part; None where they do not."""
    best, best_worth = None, 0
    ends: FloatArray = np.array([line.right for line in lines], np.float32)
    starts: FloatArray = np.array([line.left for line in lines], np.float32)
    for end in np.unique(ends):
        after = starts[starts > end]
        if not len(after):
            continue
        place = (float(end) + float(after.min())) / 2
        left = [line for line in lines if line.right <= place]
        right = [line for line in lines if line.left >= place]
        across = len(lines) - len(left) - len(right)
        worth = min(len(left), len(right)) - 2 * across
        if worth > best_worth and across <= _MOST_ACROSS * len(lines) and _are_columns(left, right):
            best, best_worth = place, worth
    return best


def _band(lines: Sequence[_Line]) -> tuple[Sequence[_Line], Sequence[_Line], Sequence[_Line]] | None:
    """Of a page that has columns in a part of its height only: the lines above, in and below it; None without one.

    It is the largest run of lines, from the top, of which none runs across the gap between its columns.
    """
    descending = sorted(lines, key=lambda one: one.middle)
    best, most = None, 0
    for gap in sorted({line.left for line in lines} | {line.right for line in lines}):
        first, end = _longest_run([line.left < gap < line.right for line in descending])
        run = descending[first:end]
        left = [line for line in run if line.right <= gap]
        right = [line for line in run if line.left >= gap]
        worth = min(len(left), len(right))
        if worth > most and len(run) < len(lines) and _are_columns(left, right):
            best, most = (descending[:first], run, descending[end:]), worth
    return best


def _longest_run(across: Sequence[bool]) -> tuple[int, int]:
    """Of the longest run without any, the first place and the one after the last."""
    edges = [-1, *(place for place, is_across in enumerate(across) if is_across), len(across)]
    before, after = max(pairwise(edges), key=lambda pair: pair[1] - pair[0])
    return before + 1, after


def _are_columns(left: Sequence[_Line], right: Sequence[_Line]) -> bool:
    if min(len(left), len(right)) < _FEWEST_LINES:
        return False
    apart = min(line.left for line in right) - max(line.right for line in left)
    height = float(np.median([line.height for line in (*left, *right)]))
    return apart >= _LEAST_GAP * height and _is_prose(left) and _is_prose(right)


def _is_prose(lines: Sequence[_Line]) -> bool:
    """Whether lines are long and fill their column."""
    across = max(line.right for line in lines) - min(line.left for line in lines)
    width = float(np.median([line.right - line.left for line in lines]))
    return width >= _FILLED * across and width >= _LONG * float(np.median([line.height for line in lines]))


def _rows(lines: Sequence[_Line]) -> list[_Line]:
    """Lines share a row when the centre of one lies in the vertical middle half of the row's first (its highest)."""
    rows: list[list[_Line]] = []
    for line in sorted(lines, key=lambda one: one.middle):
        if rows and line.middle - rows[-1][0].middle < 0.5 * rows[-1][0].height:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda one: one.left)]
