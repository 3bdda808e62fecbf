"""Regions: the parts of an image that are found by themselves, and a part of an image as a query.

What the detector found, sure or not, is cut out and encoded beside the whole picture, so that "this mug" finds the mug
in other photos. A part is pressed into a square with its edge repeated around it, since image encoders look at the
central square of what they are given (EfficientNet: 260 of 292 pixels) and would cut off half of a person or a bottle.

Measured on 330 photographs with 225 crops of objects (from people's boxes, 64 pixels or more): the crop's own photo is
first for 58 % by whole pictures and central squares, 72 % with squares of the whole crop, 93 % with up to six regions a
picture (3.2 on average) of which none covers another of any class by more than .4. Among 1,080 photographs, with 150
crops, 91 % with up to six and 96 % with up to ten (4.0 on average; `python -m benchmarks regions`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from foveal.errors import InvalidRequestError
from foveal.types.chat import ImageInput
from foveal.types.content import DetectedObject, Detections, ImageFacts
from foveal.types.locators import Box
from foveal.types.vectors import Pixels

REGIONS_VERSION: Final = "regions/2"
"""Part of every cache key and recipe: raise it when the same detections give other regions or other pixels."""
MOST_REGIONS: Final = 10
_LEAST_PX: Final = 32
"""Short side of a region in the decoded image."""
_WHOLE: Final = 0.8
"""Share of the picture from which a region is the picture again."""
SAME_PART: Final = 0.4
"""Intersection over union from which a region is a better one again."""
_LEAST_QUERY_PX: Final = 8
_SIDE_PX: Final = 260
_EDGE_PX: Final = 16
_FORM: Final = re.compile(r"(?P<file>.+)#(?P<box>[-\d.]+,[-\d.]+,[-\d.]+,[-\d.]+)", re.DOTALL)

BOX_FORM: Final = (
    "A box is x,y,width,height from the top left corner of the upright image: fractions of it where none of the four is"
    " over 1, else pixels."
)


def choose_regions(detections: Detections, *, width_px: int, height_px: int) -> tuple[Box, ...]:
    """Boxes worth a vector of their own, surest first, at most ten."""
    found = (*detections.objects, *detections.doubtful)
    parts = [one for one in found if one.box.width * one.box.height < _WHOLE]
    return tuple(one.box for one in choose_things(parts, MOST_REGIONS, width_px=width_px, height_px=height_px))


def choose_things(
    objects: Sequence[DetectedObject], most: int, *, width_px: int, height_px: int
) -> tuple[DetectedObject, ...]:
    """Objects large enough to be looked at by themselves, none of them another one again.

    Args:
        objects: Surest first, which is also the order of those chosen.
        most: How many at most.
        width_px: Of the image.
        height_px: Likewise.
    """
    from foveal.retrieval.alignment import overlap

    chosen: list[DetectedObject] = []
    for one in objects:
        large_enough = min(one.box.width * width_px, one.box.height * height_px) >= _LEAST_PX
        if large_enough and all(overlap(one.box, other.box) <= SAME_PART for other in chosen):
            chosen.append(one)
    return tuple(chosen[:most])


def region_square(pixels: Pixels, box: Box | None = None) -> Pixels:
    """uint8 [292, 292, 3]: the part of an image (all of it without a box) pressed into the central 260 pixels."""
    import cv2

    part = np.ascontiguousarray(pixels if box is None else cut(pixels, box))
    smooth = cv2.INTER_AREA if min(part.shape[:2]) > _SIDE_PX else cv2.INTER_CUBIC
    square = cv2.resize(part, (_SIDE_PX, _SIDE_PX), interpolation=smooth)
    edged: Pixels = cv2.copyMakeBorder(square, _EDGE_PX, _EDGE_PX, _EDGE_PX, _EDGE_PX, cv2.BORDER_REPLICATE)
    return edged


def cut(pixels: Pixels, box: Box) -> Pixels:
    """The part of an image in a box, at least a pixel."""
    height, width = pixels.shape[:2]
    left, top = min(int(box.x * width), width - 1), min(int(box.y * height), height - 1)
    right, bottom = round((box.x + box.width) * width), round((box.y + box.height) * height)
    return pixels[top : max(bottom, top + 1), left : max(right, left + 1)]


def part_of(image: ImageInput, numbers: tuple[float, float, float, float]) -> ImageInput:
    """The part of an image of a request in a box, as an image of its own (PNG); where and when it was taken stays.

    Args:
        image: The whole.
        numbers: As `BOX_FORM` says; pixels are those of the image as it is stored.

    Raises:
        InvalidRequestError: As `box_within`.
    """
    import cv2

    height, width = image.pixels.shape[:2]
    facts = image.facts or ImageFacts(width_px=width, height_px=height)
    part = cut(image.pixels, box_within(numbers, width_px=facts.width_px, height_px=facts.height_px))
    facts = replace(facts, width_px=part.shape[1], height_px=part.shape[0], perceptual_hash=0)
    data = cv2.imencode(".png", np.ascontiguousarray(part[..., ::-1]))[1].tobytes()
    return replace(image, data=data, media_type="image/png", pixels=np.ascontiguousarray(part), facts=facts)


def split_box(name: str) -> tuple[str, str]:
    """A file's name and the box after it, empty without one: "mug.jpg#0.1,0.2,0.3,0.4"."""
    match = _FORM.fullmatch(name)
    return (match["file"], match["box"]) if match else (name, "")


def numbers_of(box: str) -> tuple[float, float, float, float]:
    """The four numbers of a box that is given as text.

    Raises:
        InvalidRequestError: They are not four.
    """
    try:
        x, y, width, height = (float(number) for number in box.split(","))
    except ValueError:
        raise InvalidRequestError(f"The box {box!r} is not four numbers.", remedy=BOX_FORM) from None
    return x, y, width, height


def box_within(numbers: tuple[float, float, float, float], *, width_px: int, height_px: int) -> Box:
    """A box in an image of that size, as fractions; what sticks out is cut off.

    Args:
        numbers: Left, top, width and height, as `BOX_FORM` says.
        width_px: Of the upright image as it is stored.
        height_px: Likewise.

    Raises:
        InvalidRequestError: It is outside of the image, or under 8 pixels wide or high.
    """
    given = ",".join(f"{number:g}" for number in numbers)
    if not all(map(math.isfinite, numbers)):
        raise InvalidRequestError(f"The box {given} is not four numbers.", remedy=BOX_FORM)
    scale = (1.0, 1.0) if max(map(abs, numbers)) <= 1 else (1 / width_px, 1 / height_px)
    x, y, width, height = (number * scale[place % 2] for place, number in enumerate(numbers))
    left, top = max(0.0, x), max(0.0, y)
    right, bottom = min(1.0, x + width), min(1.0, y + height)
    if (right - left) * width_px < _LEAST_QUERY_PX or (bottom - top) * height_px < _LEAST_QUERY_PX:
        raise InvalidRequestError(
            f"The box {given} covers less than {_LEAST_QUERY_PX} x {_LEAST_QUERY_PX} pixels of an image of"
            f" {width_px} x {height_px}.",
            remedy=BOX_FORM,
        )
    return Box(x=left, y=top, width=right - left, height=bottom - top)
