"""Bytes of people's files, served so that a browser never runs them.

The type is the sniffed one, never the name's; only pictures and plain text are shown, everything else is downloaded;
`nosniff` (on every reply) and a sandboxing Content-Security-Policy do the rest. HTML is shown as text.

One part of a file can be asked for (RFC 9110, section 14): players and viewers of large files do. Several parts at
once are answered with the whole, as the RFC allows.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import BinaryIO
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from foveal.api.auth import LINK_HOLDER, caller_of

PDF = "application/pdf"
SHOWN = frozenset(
    f"image/{name}"
    for name in ("jpeg", "png", "gif", "webp", "bmp", "tiff", "avif", "heic", "heif", "vnd.microsoft.icon")
) | {PDF}
"""Types a browser may show as they are. No SVG: it can hold scripts."""
PLAYED_AS = {
    "video/quicktime": "video/mp4",  # the same boxes: browsers play what they know of it, by the name of MP4
    "video/x-matroska": "video/webm",
    **{name: name for name in ("video/mp4", "video/webm", "video/ogg", "video/3gpp", "video/3gpp2")},
    **{f"audio/{name}": f"audio/{name}" for name in ("mpeg", "mp4", "wav", "flac", "ogg", "aac")},
}
"""Types that browsers play, and by what name."""
PIECE_BYTES = 2**18

_ONE_RANGE = re.compile(r"bytes=\s*(?P<first>\d{0,18})-(?P<last>\d{0,18})\s*")

SAFE_HEADERS = {
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "private, no-cache",  # kept, but asked about each time: a deleted file must vanish
}

DRAWN = {"content-security-policy": "default-src 'none'; img-src data:; sandbox"}
"""Of a drawing that is opened by itself: pictures it holds are shown, nothing else is loaded or run."""


def binary(*media_types: str) -> dict[int | str, dict[str, object]]:
    """How a reply of bytes of these types is documented."""
    schema = {"schema": {"type": "string", "format": "binary"}}
    return {200: {"content": dict.fromkeys(media_types, schema)}}


BINARY = binary("application/octet-stream")


def served_type(media_type: str) -> str:
    """What to call bytes of a sniffed type."""
    if media_type in SHOWN:
        return media_type
    if media_type in PLAYED_AS:
        return PLAYED_AS[media_type]
    return "text/plain; charset=utf-8" if media_type.startswith("text/") else "application/octet-stream"


def disposition(path: str, media_type: str) -> str:
    """`Content-Disposition` with the file's name (RFC 6266, RFC 8187), or an ASCII likeness for old clients."""
    kind = "attachment" if served_type(media_type) == "application/octet-stream" else "inline"
    name = PurePosixPath(path).name or "file"
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
        return _unmet(request, tag, len(data))
    headers["content-range"] = _content_range(part, len(data))
    return Response(data[part.start : part.stop], 206, headers=headers)


def played_response(
    request: Request, file: BinaryIO, media_type: str, tag: str, more: Mapping[str, str] | None = None
) -> Response:
    """The bytes of a file that is played, or the part of them that is asked for, read while they are sent; the file
    is closed afterwards.
    """
    length = file.seek(0, io.SEEK_END)
    part = _part(request, tag, length)
    if part is not None and not part:
        file.close()
        return _unmet(request, tag, length)
    sent = range(length) if part is None else part
    headers = {**_headers(request, tag), **(more or {}), "content-length": str(len(sent))}
    # Opened by itself it is played in a page that browsers make, whose own player must get at it.
    headers["content-security-policy"] = "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'"
    if part is not None:
        headers["content-range"] = _content_range(part, length)
    status = 200 if part is None else 206
    return StreamingResponse(_pieces(file, sent), status, headers=headers, media_type=media_type)


def _pieces(file: BinaryIO, part: range) -> Iterator[bytes]:
    with file:
        file.seek(part.start)
        left = len(part)
        while left > 0 and (piece := file.read(min(PIECE_BYTES, left))):
            left -= len(piece)
            yield piece


def _unmet(request: Request, tag: str, length: int) -> Response:
    return Response(status_code=416, headers={**_headers(request, tag), "content-range": f"bytes */{length}"})


def _content_range(part: range, length: int) -> str:
    return f"bytes {part.start}-{part.stop - 1}/{length}"


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
