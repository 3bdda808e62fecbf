"""Lines of text that are bent along a circle, as on seals, signs and bottles: which circle, and what stands there,
straightened.

The circle is that of least squares (Kåsa 1976, A circle fitting procedure and its error analysis), fitted again without
what lies far off: between the ends of an arc a text detector is unsure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, cast

import cv2
import numpy as np
import numpy.typing as npt

from foveal.types.vectors import FloatArray

_SURE = 0.9
"""Probability of pixels that are text and not what an arc encloses."""
_FITS, _FAR = 4, 3.0
"""How often the circle is fitted, each time to those points that are no further off than so many times the median."""
_THINNEST_PX = 4.0
_LEAST_RATIO = 4.0
"""Length of a bent line in multiples of its height; shorter ones are hardly bent."""
_LEAST_SPAN = 0.5
"""Radians that a bent line turns by."""
_THICKEST = 0.6
"""Height of a bent line as a share of the radius: more is a blob."""
_GROWTH = 0.8
"""Of a line in multiples of its height on each side: the offset D = area * 1.6 / perimeter of a long one."""

_Value = TypeVar("_Value", np.uint8, np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arc:
    """The part of a ring in which a line of text stands, in pixels.

    Attributes:
        start: Angle in radians from the x axis on, clockwise as one sees it; so is `span`, how far it goes.
    """

    center: tuple[float, float]
    inner: float
    outer: float
    start: float
    span: float


def ring_of(contour: npt.NDArray[np.int32], probabilities: FloatArray, scale: FloatArray) -> tuple[Arc | None, float]:
    """The ring that a region's text is bent along, if there is one, and the mean probability of text in that part.

    Args:
        contour: Of the region, in the map.
        probabilities: float32 [h, w], the map.
        scale: float32 [2], pixels of the image that a pixel of the map is wide and high; the arc is in the image's.
    """
    points = _points(contour, probabilities) * scale
    if len(points) < _LEAST_RATIO * _THINNEST_PX**2:
        return None, 0.0
    center, radius = _circle(points)
    for _ in range(_FITS - 1):
        away = np.abs(np.hypot(*(points - center).T) - radius)
        points = points[away <= _FAR * np.median(away)]
        center, radius = _circle(points)
    inner, outer = (float(one) for one in np.percentile(np.hypot(*(points - center).T), (1, 99)))
    start, span = _turn(points - center)
    thick = outer - inner
    is_ring = _THINNEST_PX <= thick <= _THICKEST * radius and span >= _LEAST_SPAN
    if not is_ring or span * radius < _LEAST_RATIO * thick:
        return None, 0.0
    x, y = float(center[0]), float(center[1])
    across, down, mean = float(scale[0]), float(scale[1]), float(scale.mean())
    on_map = Arc(center=(x / across, y / down), inner=inner / mean, outer=outer / mean, start=start, span=span)
    more = _GROWTH * thick
    grown = Arc(
        center=(x, y),
        inner=max(inner - more, 0.0),
        outer=outer + more,
        start=start - more / radius,
        span=min(span + 2 * more / radius, 2 * np.pi),
    )
    return grown, float(unbent(probabilities, on_map).mean())


def unbent(image: npt.NDArray[_Value], arc: Arc) -> npt.NDArray[_Value]:
    """What stands in an arc, its outer side up."""
    height, width = max(1, round(arc.outer - arc.inner)), max(1, round(arc.span * (arc.inner + arc.outer) / 2))
    radii = arc.outer - np.arange(height)[:, None]
    angles = arc.start + arc.span * np.arange(width)[None] / width
    x = (arc.center[0] + radii * np.cos(angles)).astype(np.float32)
    y = (arc.center[1] + radii * np.sin(angles)).astype(np.float32)
    straight = cv2.remap(image, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return cast("npt.NDArray[_Value]", straight)


def _points(contour: npt.NDArray[np.int32], probabilities: FloatArray) -> npt.NDArray[np.float64]:
    """float64 [n, 2]: middles of the pixels inside that surely are text."""
    left, top, width, height = cv2.boundingRect(contour)
    inside = np.zeros((height, width), np.uint8)
    cv2.fillPoly(inside, [contour - (left, top)], 1)
    rows, columns = np.nonzero((inside > 0) & (probabilities[top : top + height, left : left + width] > _SURE))
    return np.stack([columns + left, rows + top], axis=1) + 0.5


def _circle(points: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], float]:
    """Center and radius of the circle of least squares."""
    middle = points.mean(axis=0)
    x, y = (points - middle).T
    (a, b, c), *_ = np.linalg.lstsq(np.stack([2 * x, 2 * y, np.ones_like(x)], axis=1), x**2 + y**2, rcond=None)
    return middle + np.array((a, b)), float(np.sqrt(max(c + a**2 + b**2, 0.0)))


def _turn(offsets: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Where points round a center begin, after the widest gap, and how far they go; radians."""
    angles = np.sort(np.arctan2(offsets[:, 1], offsets[:, 0]))
    gaps = np.diff(angles, append=angles[0] + 2 * np.pi)
    widest = int(gaps.argmax())
    return float(angles[(widest + 1) % len(angles)]), 2 * np.pi - float(gaps[widest])
