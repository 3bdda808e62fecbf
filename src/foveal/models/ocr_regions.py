"""Where text stands in an image: from a text detector's probability map to line boxes and crops.

Source: Liao et al. 2020, Real-time Scene Text Detection with Differentiable Binarization (arXiv:1911.08947), and the
constants of RapidOCR 3.10 (`DBPostProcess`, `get_rotate_crop_image`, Apache-2.0). Boxes are rectangles here, so
their growth by the offset D = area * ratio / perimeter is done on width and height instead of by polygon clipping.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from foveal.models.ocr_arcs import Arc, ring_of, unbent
from foveal.types.locators import Polygon
from foveal.types.vectors import FloatArray, Pixels

_PIXEL_THRESHOLD = 0.3
_GROWTH = 1.6
_SMALLEST_PX = 3.0
_MOST_REGIONS = 1000
_UPRIGHT_RATIO = 1.5
_STRAIGHT = 0.7
"""Mean probability in its rectangle from which a line is not bent: around a bent one there is much of nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """One line of text found in an image.

    Attributes:
        corners: float32 [4, 2], x and y in pixels, clockwise from top left.
        score: Mean probability of text inside, 0..1.
        arc: Where it stands in there, of a bent line.
    """

    corners: FloatArray
    score: float
    arc: Arc | None = None


def find_regions(probabilities: FloatArray, *, width_px: int, height_px: int, threshold: float) -> list[Region]:
    """Regions in a probability map [h, w] that was computed from an image of `width_px` x `height_px`.

    Args:
        threshold: Least mean probability of a region.
    """
    mask = cv2.dilate((probabilities > _PIXEL_THRESHOLD).astype(np.uint8), np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    scale = np.array([width_px / probabilities.shape[1], height_px / probabilities.shape[0]], dtype=np.float32)
    limits = np.array([width_px - 1, height_px - 1], dtype=np.float32)
    regions = []
    for contour in contours[:_MOST_REGIONS]:
        center, (width, height), angle = cv2.minAreaRect(contour)
        if min(width, height) < _SMALLEST_PX:
            continue
        score, arc = _mean_inside(probabilities, cv2.boxPoints((center, (width, height), angle))), None
        if score < _STRAIGHT:
            bent, along = ring_of(contour, probabilities, scale)
            arc, score = (bent, along) if along > score else (None, score)
        if score < threshold:
            continue
        offset = width * height * _GROWTH / (2 * (width + height)) if arc is None else 0.0
        grown = cv2.boxPoints((center, (width + 2 * offset, height + 2 * offset), angle))
        corners = np.clip(_clockwise(grown) * scale, 0, limits)
        if min(sides(corners)) > _SMALLEST_PX:
            regions.append(Region(corners=corners, score=score, arc=arc))
    return regions


def _mean_inside(probabilities: FloatArray, corners: npt.NDArray[np.floating]) -> float:
    """Mean of the map inside a box."""
    height, width = probabilities.shape
    left, top = np.clip(np.floor(corners.min(axis=0)), 0, (width - 1, height - 1)).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(axis=0)), 0, (width - 1, height - 1)).astype(int)
    mask = np.zeros((bottom - top + 1, right - left + 1), dtype=np.uint8)
    cv2.fillPoly(mask, [(corners - (left, top)).astype(np.int32)], 1)
    return float(cv2.mean(probabilities[top : bottom + 1, left : right + 1], mask)[0])


def _clockwise(corners: npt.NDArray[np.floating]) -> FloatArray:
    """Four corners from top left on: the two left ones by height, then the two right ones."""
    by_x = corners[np.argsort(corners[:, 0], kind="stable")]
    left, right = by_x[:2], by_x[2:]
    top_left, bottom_left = left[np.argsort(left[:, 1], kind="stable")]
    top_right, bottom_right = right[np.argsort(right[:, 1], kind="stable")]
    return np.array([top_left, top_right, bottom_right, bottom_left], dtype=np.float32)


def sides(corners: FloatArray) -> tuple[float, float]:
    """Width and height of a region in pixels."""
    top_left, top_right, bottom_right, bottom_left = corners
    width = max(np.linalg.norm(top_left - top_right), np.linalg.norm(bottom_right - bottom_left))
    height = max(np.linalg.norm(top_left - bottom_left), np.linalg.norm(top_right - bottom_right))
    return float(width), float(height)


def straightened(image: Pixels, region: Region) -> Pixels:
    """The region's pixels with its top side up, a bent line straight, its outer side up."""
    if region.arc is not None:
        return unbent(image, region.arc)
    width, height = (max(1, int(side)) for side in sides(region.corners))
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(region.corners, target)
    pixels: Pixels = cv2.warpPerspective(
        image, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return pixels


def stands_upright(line: Pixels) -> bool:
    """Whether a straightened region is so much higher than wide that its text must run upwards or downwards."""
    height, width = line.shape[:2]
    return bool(height >= _UPRIGHT_RATIO * width)


def turned(corners: Polygon, turns: int) -> Polygon:
    """Where corners, as fractions of an image that was turned by `np.rot90` so many times, lie in the image itself."""
    ways = (
        lambda x, y: (x, y),
        lambda x, y: (1 - y, x),
        lambda x, y: (1 - x, 1 - y),
        lambda x, y: (y, 1 - x),
    )
    return tuple(ways[turns % 4](x, y) for x, y in corners)


def polygon(region: Region, *, width_px: int, height_px: int) -> Polygon:
    """The region's corners as fractions of the image."""
    return tuple((float(x) / width_px, float(y) / height_px) for x, y in region.corners)
