"""Images inside requests: data URLs, bare base64 and addresses, fetched and decoded by the engine under its limits."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote_to_bytes

from foveal.api.engine import Engine
from foveal.errors import ImageError, InvalidRequestError
from foveal.types.chat import ImageInput

MAX_IMAGES = 10
"""A request's limit on the vision previews (contract notes, section 4.1)."""

_WEB = ("http://", "https://")


def is_address(text: str) -> bool:
    """Whether an image is given by its address on the web."""
    return text.strip().lower().startswith(_WEB)


def open_given(text: str, engine: Engine) -> ImageInput:
    """The image in a data URL, in bare base64, or at an address. The media type a URL claims is ignored: bytes tell.

    Raises:
        ImageError: It cannot be fetched, broken base64, or no image inside.
        TooLargeError: Over a limit.
    """
    return engine.fetch_image(text.strip()) if is_address(text) else engine.open_image(decode(text))


def decode(text: str) -> bytes:
    """The bytes in a data URL (RFC 2397) or in bare base64.

    Raises:
        ImageError: It is an address of another kind, or it does not decode.
    """
    given = text.strip()
    head, comma, payload = given.partition(",")
    scheme = head.partition(":")[0].lower() if ":" in head else ""
    if scheme == "data" and comma:
        return _base64(payload) if head.lower().endswith(";base64") else unquote_to_bytes(payload)
    if scheme:
        raise ImageError(
            f"The image is given by an address of a kind that is not fetched ({scheme[:20]}:…).",
            remedy="Give an https address, or send the image itself as a data URL: data:image/jpeg;base64,…",
        )
    return _base64(given)


def check_count(count: int) -> None:
    """Refuse too many.

    Raises:
        InvalidRequestError: More than the limit.
    """
    if count > MAX_IMAGES:
        raise InvalidRequestError(f"Too many images: {count} in one request; the maximum is {MAX_IMAGES}.")


def _base64(payload: str) -> bytes:
    # Line breaks, the URL-safe alphabet and missing padding are all seen in the wild.
    compact = "".join(unquote_to_bytes(payload).decode("latin-1").split()).translate(str.maketrans("-_", "+/"))
    try:
        data = base64.b64decode(compact.rstrip("=") + "=" * (-len(compact.rstrip("=")) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageError(f"The image is not valid base64: {error}.") from None
    if not data:
        raise ImageError("The image is empty.")
    return data
