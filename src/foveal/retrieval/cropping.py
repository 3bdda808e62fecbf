"""Smart crops: the part of an image of a wanted shape that shows most of what matters in it.

What matters are detected objects, people most; where nothing was detected, the middle. The crop is the largest of its
shape that fits, slid along the one axis on which it is shorter than the image: exact, since the weight it covers is
piecewise linear in its place and so best at one of few places.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from foveal.types.content import DetectedObject
from foveal.types.locators import Box

_PERSON_WEIGHT: Final = 3.0
_MIDDLE_WEIGHT: Final = 0.05
"""Draws towards the middle between places that are as good, and where nothing was detected."""


def smart_crop(objects: Sequence[DetectedObject], *, width_px: int, height_px: int, ratio: float) -> Box:
    """The crop of width / height `ratio`, as fractions of the image.

    Args:
        objects: Of the image.
        width_px: Of the image; likewise `height_px`.
        ratio: Width divided by height of the crop, in pixels.
    """
    crop_width = min(1.0, ratio * height_px / width_px)
    crop_height = min(1.0, width_px / (ratio * height_px))
    spans_x = [(_weight(one), one.box.x, one.box.x + one.box.width) for one in objects]
    spans_y = [(_weight(one), one.box.y, one.box.y + one.box.height) for one in objects]
    return Box(x=_place(spans_x, crop_width), y=_place(spans_y, crop_height), width=crop_width, height=crop_height)


def _weight(one: DetectedObject) -> float:
    return one.score * (_PERSON_WEIGHT if one.label == "person" else 1.0)


def _place(spans: Sequence[tuple[float, float, float]], length: float) -> float:
    """Where a window of `length` on 0..1 begins that covers most of the weighted spans, each by its covered share."""
    last = 1.0 - length
    middle = last / 2
    edges = [edge for _, start, end in spans for edge in (start, end, start - length, end - length)]
    places = {middle, *(min(max(edge, 0.0), last) for edge in edges)}

    def worth(place: float) -> float:
        covered = sum(
            weight * max(0.0, min(end, place + length) - max(start, place)) / max(end - start, 1e-9)
            for weight, start, end in spans
        )
        return covered - _MIDDLE_WEIGHT * abs(place - middle)

    return max(sorted(places), key=worth)
