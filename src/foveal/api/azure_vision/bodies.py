"""Bodies of this face: JSON as its service read it, and images by address or as bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel

from foveal.api.azure_vision.errors import MediaTypeError, VisionError
from foveal.api.bodies import check, parse_json, read_body
from foveal.api.engine import Engine
from foveal.api.images import is_address
from foveal.errors import ImageError, InvalidRequestError
from foveal.types.chat import ImageInput

MAX_IMAGE_BYTES = 20 * 2**20
"""Longest image (contract notes, section 6)."""
LEAST_PX, MOST_PX = 10, 16_000
"""Sides of an image (ibid.)."""

Body = TypeVar("Body", bound=BaseModel)
_QUOTED = re.compile(r"""'((?:[^'\\]|\\.)*)'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)


class ImageAddress(BaseModel):
    """An image by its address."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageBody:
    """An image as it was sent: an address, or bytes."""

    url: str = ""
    data: bytes = b""

    def open(self, engine: Engine) -> ImageInput:
        """Fetch and decode it.

        Raises:
            ImageError: It cannot be had, or is none.
            TooLargeError: It is over a limit.
            VisionError: Its sides are out of bounds.
        """
        if not self.url:
            image = engine.open_image(self.data)
        elif is_address(self.url):
            image = _fetched(engine, self.url)
        else:
            raise ImageError("Image URL is badly formatted.", remedy="Give an http or https address.", reason="address")
        _check_sides(image)
        return image


async def read_image(request: Request) -> ImageBody:
    """The image of a request: JSON with its `url`, or its bytes.

    Raises:
        VisionError: There is none.
        MediaTypeError: A body of another kind.
        TooLargeError: It is over 20 MB.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    data = await read_body(request, limit_bytes=MAX_IMAGE_BYTES)
    if not data:
        raise VisionError("The request has no body.", remedy="Send an image, or its url.", inner="BadArgument")
    if kind == "application/octet-stream" or kind.startswith("image/"):
        return ImageBody(data=data)
    if kind in {"", "application/json", "text/json"}:
        return ImageBody(url=check(ImageAddress, read_json(data)).url.strip())
    raise MediaTypeError(
        f"A body of type {kind[:60]} is not read.",
        remedy="Send application/json with a url, application/octet-stream or image/*.",
        inner="UnsupportedMediaType",
    )


def read_json(data: bytes) -> object:
    """JSON, its strings in single quotes too: so stand the bodies in the service's own examples for the command line,
    and its parser took them.

    Raises:
        InvalidRequestError: It is no JSON.
    """
    try:
        return parse_json(data)
    except InvalidRequestError:
        text = data.decode("utf-8-sig", "replace")
        if "'" not in text:
            raise
        return parse_json(_QUOTED.sub(_in_double_quotes, text).encode())


def _in_double_quotes(match: re.Match[str]) -> str:
    inner = match[1]
    if inner is None:
        return match[0]
    return '"' + re.sub(r"""\\'|(?<!\\)\"""", lambda m: "'" if m[0] == r"\'" else r"\"", inner) + '"'


def _fetched(engine: Engine, url: str) -> ImageInput:
    try:
        return engine.fetch_image(url)
    except ImageError as error:
        if error.reason != "address":
            raise
        raise ImageError(
            error.message, remedy="Send its bytes, as application/octet-stream.", reason=error.reason
        ) from None


def _check_sides(image: ImageInput) -> None:
    height, width = image.pixels.shape[:2]
    if image.facts is not None:
        width, height = image.facts.width_px, image.facts.height_px
    if min(width, height) < LEAST_PX or max(width, height) > MOST_PX:
        raise VisionError(
            f"The image has {width} x {height} pixels.",
            remedy=f"Image dimensions must be between {LEAST_PX} x {LEAST_PX} and {MOST_PX} x {MOST_PX} pixels.",
            inner="InvalidImageSize",
        )
