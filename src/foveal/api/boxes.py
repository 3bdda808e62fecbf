"""Boxes in an address: `box=x,y,width,height`, several after semicolons, as fractions of the image."""

from __future__ import annotations

import math
from collections.abc import Sequence

from foveal.errors import InvalidRequestError
from foveal.types.locators import Box

BOXES_FORM = "Boxes to draw: `x,y,width,height` as fractions of the image, several after semicolons."
MOST_BOXES = 32
_DECIMALS = 4


def read_boxes(text: str) -> tuple[Box, ...]:
    """The boxes of an address; none for no text.

    Raises:
        InvalidRequestError: Not four numbers each, not within the image, or too many.
    """
    parts = text.split(";") if text else []
    if len(parts) > MOST_BOXES:
        raise InvalidRequestError(f"There are {len(parts)} boxes.", remedy=f"Give at most {MOST_BOXES}.")
    return tuple(_read(part) for part in parts)


def boxes_text(boxes: Sequence[Box]) -> str:
    """The boxes, at most 32, as `read_boxes` reads them."""
    return ";".join(box_text(box) for box in boxes[:MOST_BOXES])


def box_text(box: Box) -> str:
    """One box, to four decimals."""
    return ",".join(f"{round(value, _DECIMALS):g}" for value in (box.x, box.y, box.width, box.height))


def _read(text: str) -> Box:
    try:
        x, y, width, height = (float(number) for number in text.split(","))
    except ValueError:
        raise InvalidRequestError(f"The box {text!r} is not four numbers.", remedy=BOXES_FORM) from None
    slack = 10**-_DECIMALS
    if not all(map(math.isfinite, (x, y, width, height))) or min(x, y, width, height) < 0:
        raise InvalidRequestError(f"The box {text!r} is not within the image.", remedy=BOXES_FORM)
    if x + width > 1 + 2 * slack or y + height > 1 + 2 * slack:
        raise InvalidRequestError(f"The box {text!r} is not within the image.", remedy=BOXES_FORM)
    return Box(x=x, y=y, width=width, height=height)
