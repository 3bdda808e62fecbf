"""Images for a multimodal prompt: from files, addresses, base64 and bytes, as the parts that go over the wire."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from foveal.errors import ImageError

Detail = Literal["auto", "low", "high"]

_SIGNATURES = (
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"BM"), "image/bmp"),
    (re.compile(rb"II\*\0|MM\0\*"), "image/tiff"),
)
"""First bytes, from the formats' specifications."""
_UNKNOWN = "image/jpeg"
"""What llama-index labels an image that says nothing of itself; servers go by the bytes."""
_HEAD_CHARACTERS = 64
"""As much base64 as holds any signature; a multiple of four."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageDocument:
    """One image; the first of `image`, `image_url` and `image_path` that is set is taken.

    Attributes:
        image: Base64 text, or the bytes themselves.
        image_url: An address that the server fetches, or a data URL.
        image_path: A file that is read when the prompt is sent.
        image_mimetype: Media type; by default told from the bytes.
    """

    image: str | bytes | None = None
    image_url: str | None = None
    image_path: str | Path | None = None
    image_mimetype: str | None = None


def image_part(document: object, detail: Detail) -> dict[str, object]:
    """The content part of one image.

    Args:
        document: An `ImageDocument`, anything with its attributes (llama_index's `ImageDocument` and `ImageNode`),
            bytes, a path, or a text that is an address or a path.
        detail: As in the wire format.

    Raises:
        ImageError: It names no image, or its file cannot be read.
    """
    return {"type": "image_url", "image_url": {"url": _url(_as_document(document)), "detail": detail}}


def _as_document(given: object) -> object:
    match given:
        case bytes():
            return ImageDocument(image=given)
        case Path():
            return ImageDocument(image_path=given)
        case str() if re.match(r"(?i)(https?|data):", given):
            return ImageDocument(image_url=given)
        case str():
            return ImageDocument(image_path=given)
        case _:
            return given


def _url(document: object) -> str:
    media_type = str(getattr(document, "image_mimetype", None) or "")
    image = getattr(document, "image", None)
    if isinstance(image, bytes) and image:
        return _data_url(base64.b64encode(image).decode(), media_type)
    if isinstance(image, str) and image:
        return _data_url(image, media_type)
    if url := getattr(document, "image_url", None):
        return str(url)
    if path := getattr(document, "image_path", None) or _path_in_metadata(document):
        return _data_url(_encoded_file(Path(str(path))), media_type)
    raise ImageError(
        f"There is no image in {type(document).__name__}.", remedy="Set `image`, `image_url` or `image_path`."
    )


def _path_in_metadata(document: object) -> object:
    """Where llama_index's directory reader notes the file."""
    metadata = getattr(document, "metadata", None)
    return metadata.get("file_path") if isinstance(metadata, Mapping) else None


def _encoded_file(path: Path) -> str:
    try:
        return base64.b64encode(path.read_bytes()).decode()
    except OSError as error:
        raise ImageError(
            f"{path} cannot be read: {error.strerror}.", remedy="Name an image that you may read."
        ) from None


def _data_url(encoded: str, media_type: str) -> str:
    return f"data:{media_type or _media_type(encoded)};base64,{encoded}"


def _media_type(encoded: str) -> str:
    try:
        head = base64.b64decode(encoded[:_HEAD_CHARACTERS])
    except ValueError:  # not base64: the server says so
        return _UNKNOWN
    return next((name for signature, name in _SIGNATURES if signature.match(head)), _UNKNOWN)
