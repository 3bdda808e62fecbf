"""Registration: whether one picture is a copy of another, or of a part of it, and of which part.

Perceptual hashes and image vectors look at whole pictures, so a crop escapes the one and is a mere neighbour to the
other. Here local features of both (SIFT: D. G. Lowe, "Distinctive Image Features from Scale-Invariant Keypoints",
IJCV 60, 2004; rooted as in Arandjelović and Zisserman, CVPR 2012) are matched, the similarity transform that most of
them agree on is found (RANSAC: Fischler and Bolles, 1981), one picture is laid over the other with it, and the two
are compared pixel by pixel. Features propose, pixels decide: two photos of one scene share features, not pixels.

Calibrated by `python -m benchmarks relations` on Flickr8k and COCO photos: copies that are mirrored, turned, dimmed,
made grey, recompressed or cropped to 40 % of the area correlate over 0.93 with 20 features or more; of pairs of
distinct photos none has both six features and a correlation of 0.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from foveal.types.locators import Box
from foveal.types.vectors import FloatArray, Pixels

MIN_AGREEING: Final = 8
"""Features that must agree on one transform."""
MIN_CORRELATION: Final = 0.85
"""Of the pixels of two copies."""

_LONG_SIDE_PX: Final = 256
_MOST_FEATURES: Final = 300
_CONTRAST: Final = 0.02
"""Half of SIFT's usual least contrast: skies and walls have features too."""
_RATIO: Final = 0.8
"""A match counts when the second best is this much worse (Lowe, section 7.1)."""
_TOLERANCE_PX: Final = 4.0
_SCALES: Final = (0.2, 5.0)
_LEAST_OVERLAP: Final = 0.3
"""Share of the shown picture that the other must cover."""
_BLUR_PX: Final = 1.5
"""Sigma: what a transform is off by, and recompression, must not count."""

Transform = npt.NDArray[np.float64]
"""float64 [2, 3]: from a point of the collection's picture to one of the shown picture, pixels at the small size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """A picture as it is registered.

    Attributes:
        grey: uint8 [h, w], the long side 256.
        points: float32 [n, 2], x and y.
        descriptors: float32 [n, 128], rows L2-normalised.
    """

    grey: npt.NDArray[np.uint8]
    points: FloatArray
    descriptors: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """How a picture lies in one of the collection.

    Attributes:
        correlation: Of the pixels where both overlap, -1..1: 1 for equal pixels, whatever brightness and contrast.
        agreeing: Features that agree.
        box: The part of the collection's picture that it shows.
        mirrored: Whether it had to be turned left to right first.
    """

    correlation: float
    agreeing: int
    box: Box
    mirrored: bool = False

    @property
    def is_copy(self) -> bool:
        """Whether the pixels are the same."""
        return self.correlation >= MIN_CORRELATION and self.agreeing >= MIN_AGREEING


def features(pixels: Pixels) -> Features:
    """The local features of a picture; 12 ms on one core."""
    import cv2

    height, width = pixels.shape[:2]
    scale = _LONG_SIDE_PX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    luma = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    grey = np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC), np.uint8)
    found, raw = cv2.SIFT.create(nfeatures=_MOST_FEATURES, contrastThreshold=_CONTRAST).detectAndCompute(grey, None)
    if raw is None:
        return Features(grey=grey, points=np.zeros((0, 2), np.float32), descriptors=np.zeros((0, 128), np.float32))
    sums = np.maximum(raw.sum(axis=1, keepdims=True), 1e-9)
    points = np.array([point.pt for point in found], np.float32)
    return Features(grey=grey, points=points, descriptors=np.sqrt(raw / sums).astype(np.float32))


def register(shown: Features, found: Features) -> Registration | None:
    """How `shown` lies in `found`, a picture of the collection; None when no transform is agreed on. 5 ms."""
    import cv2

    theirs, ours = _matches(shown, found)
    if len(ours) < MIN_AGREEING:
        return None
    transform, agrees = cv2.estimateAffinePartial2D(
        theirs, ours, method=cv2.RANSAC, ransacReprojThreshold=_TOLERANCE_PX, maxIters=1000
    )
    if transform is None or not _SCALES[0] <= float(np.hypot(transform[0, 0], transform[1, 0])) <= _SCALES[1]:
        return None
    return Registration(
        correlation=_correlation(shown, found, transform),
        agreeing=int(agrees.sum()),
        box=_part(shown, found, transform),
    )


def best(registrations: Sequence[Registration | None]) -> Registration | None:
    """The one whose pixels agree best; None when there is none."""
    return max((one for one in registrations if one), key=lambda one: one.correlation, default=None)


def _matches(shown: Features, found: Features) -> tuple[FloatArray, FloatArray]:
    """Points of `found` and of `shown` that look alike: two float32 [n, 2]."""
    if len(shown.points) < 2 or len(found.points) < 2:
        return np.zeros((0, 2), np.float32), np.zeros((0, 2), np.float32)
    # Rows have length 1, so that squared distance is 2 - 2 x cosine.
    distance = np.sqrt(np.maximum(2 - 2 * shown.descriptors @ found.descriptors.T, 0))
    nearest, second = np.partition(distance, 1, axis=1)[:, :2].T
    ours = np.flatnonzero(nearest < _RATIO * second)
    return found.points[distance[ours].argmin(axis=1)], shown.points[ours]


def _correlation(shown: Features, found: Features, transform: Transform) -> float:
    import cv2

    height, width = shown.grey.shape
    laid = cv2.warpAffine(found.grey, transform, (width, height))
    covered = cv2.warpAffine(np.full_like(found.grey, 255), transform, (width, height)) > 250
    if covered.mean() < _LEAST_OVERLAP:
        return 0.0
    left, right = (
        cv2.GaussianBlur(picture, (0, 0), _BLUR_PX)[covered].astype(np.float64) for picture in (shown.grey, laid)
    )
    left, right = left - left.mean(), right - right.mean()
    return float(left @ right / max(float(np.sqrt((left @ left) * (right @ right))), 1e-9))


def _part(shown: Features, found: Features, transform: Transform) -> Box:
    """The box in `found` around what `shown` shows of it."""
    import cv2

    height, width = shown.grey.shape
    corners = np.array([(0, 0, 1), (width, 0, 1), (width, height, 1), (0, height, 1)], np.float64)
    there = corners @ cv2.invertAffineTransform(transform).T / np.array(found.grey.shape[::-1], np.float64)
    low, high = there.min(axis=0).clip(0, 1), there.max(axis=0).clip(0, 1)
    return Box(x=float(low[0]), y=float(low[1]), width=float(high[0] - low[0]), height=float(high[1] - low[1]))
