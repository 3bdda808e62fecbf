"""Bytes of people's files, served so that a browser never runs them.

The type is the sniffed one, never the name's; only pictures and plain text are shown, everything else is downloaded;
`nosniff` (on every reply) and a sandboxing Content-Security-Policy do the rest. HTML is shown as text.

One part of a file can be asked for (RFC 9110, section 14): players and viewers of large files do. Several parts at
once are answered with the whole, as the RFC allows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import Response

from foveal.api.auth import LINK_HOLDER, caller_of
from foveal.types.chunks import Chunk

PDF = "application/pdf"
SHOWN = frozenset(
    f"image/{name}"
    for name in ("jpeg", "png", "gif", "webp", "bmp", "tiff", "avif", "heic", "heif", "vnd.microsoft.icon")
) | {PDF}
"""Types a browser may show as they are. No SVG: it can hold scripts."""

_ONE_RANGE = re.compile(r"bytes=\s*(?P<first>\d{0,18})-(?P<last>\d{0,18})\s*")

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
    return Response(status_code=304, headers=_headers(request, tag)) if tag in known or "*" in known else None


def file_response(
    request: Request, data: bytes, media_type: str, tag: str, more: Mapping[str, str] | None = None
) -> Response:
    """The bytes, or the part of them that is asked for; 416 when there is no such part."""
    headers = {**_headers(request, tag), **(more or {}), "content-type": media_type}
    if media_type == PDF:  # browsers show it in a viewer of their own, which does not start in a sandbox
        headers["content-security-policy"] = "default-src 'none'"
    part = _part(request, tag, len(data))
    if part is None:
        return Response(data, headers=headers)
    if not part:
        unmet = {**_headers(request, tag), "content-range": f"bytes */{len(data)}"}
        return Response(status_code=416, headers=unmet)
    headers["content-range"] = f"bytes {part.start}-{part.stop - 1}/{len(data)}"
    return Response(data[part.start : part.stop], 206, headers=headers)


def _part(request: Request, tag: str, length: int) -> range | None:
    """What is asked for; empty: nothing of it is there; None: the whole."""
    match = _ONE_RANGE.fullmatch(request.headers.get("range", ""))
    if match is None or request.headers.get("if-range", tag) != tag:
        return None
    first, last = match["first"], match["last"]
    if first:
        stop = min(int(last) + 1, length) if last else length
        return None if last and int(last) < int(first) else range(int(first), max(stop, int(first)))
    return range(max(0, length - int(last)), length) if last else None


def _headers(request: Request, tag: str) -> dict[str, str]:
    headers = {**SAFE_HEADERS, "etag": tag, "accept-ranges": "bytes"}
    if caller_of(request).name == LINK_HOLDER:  # opened by a link alone: that is for pages of elsewhere
        headers["cross-origin-resource-policy"] = "cross-origin"
    return headers
