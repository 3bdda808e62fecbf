"""Bytes of people's files, served so that a browser never runs them.

The type is the sniffed one, never the name's; only pictures and plain text are shown, everything else is downloaded;
`nosniff` (on every reply) and a sandboxing Content-Security-Policy do the rest. HTML is shown as text.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import Response

from foveal.types.chunks import Chunk

SHOWN = frozenset(
    f"image/{name}"
    for name in ("jpeg", "png", "gif", "webp", "bmp", "tiff", "avif", "heic", "heif", "vnd.microsoft.icon")
)
"""Types a browser may show as they are. No SVG: it can hold scripts."""

SAFE_HEADERS = {
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "private, no-cache",  # kept, but asked about each time: a deleted file must vanish
}


def served_type(media_type: str) -> str:
    """What to call bytes of a sniffed type."""
    if media_type in SHOWN:
        return media_type
    return "text/plain; charset=utf-8" if media_type.startswith("text/") else "application/octet-stream"


def disposition(chunk: Chunk) -> str:
    """`Content-Disposition` with the file's name (RFC 6266, RFC 8187), or an ASCII likeness for old clients."""
    kind = "attachment" if served_type(chunk.media_type) == "application/octet-stream" else "inline"
    name = PurePosixPath(chunk.filepath).name or "file"
    plain = "".join(c if c.isascii() and (c.isalnum() or c in " ._-") else "_" for c in name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def etag(*parts: object) -> str:
    """A strong entity tag: all that identifies these bytes."""
    return '"' + "-".join(str(part) for part in parts) + '"'


def not_modified(request: Request, tag: str) -> Response | None:
    """304 when the caller has these bytes already."""
    known = [t.strip().removeprefix("W/") for t in request.headers.get("if-none-match", "").split(",")]
    return Response(status_code=304, headers=_headers(tag)) if tag in known or "*" in known else None


def file_response(data: bytes, media_type: str, tag: str, more: Mapping[str, str] | None = None) -> Response:
    """The bytes."""
    return Response(data, headers={**_headers(tag), **(more or {}), "content-type": media_type})


def _headers(tag: str) -> dict[str, str]:
    return {**SAFE_HEADERS, "etag": tag}
