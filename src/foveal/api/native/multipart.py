"""`multipart/form-data` as it comes in: parts as events, no more of them in memory than one piece.

FastAPI's own form would hold every file in a temporary folder first, and check its size when all of it is there.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

import anyio
from fastapi import Request

from foveal.errors import InvalidRequestError, RequestTimeoutError, TooLargeError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

SILENCE_S = 60.0
"""A caller who sends nothing for so long has gone."""
MAX_HEADERS_BYTES = 16 * 2**10
_EXTENDED_NAME = re.compile(rb"filename\*\s*=\s*utf-8'[^']*'([^;]+)", re.IGNORECASE)
"""RFC 5987, which RFC 7578 forbids here and programs over old versions of urllib3 send all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartBegan:
    """A part.

    Attributes:
        name: Of the field.
        filename: Of the file; None: it is a plain field.
    """

    name: str
    filename: str | None


@dataclass(frozen=True, slots=True)
class PartData:
    """Bytes of the part that began last."""

    data: bytes


class PartEnded:
    """The part that began last is whole."""


Event = PartBegan | PartData | PartEnded


async def parts(request: Request, *, limit_bytes: int) -> AsyncGenerator[Event, None]:
    """The parts of a form, in order.

    Raises:
        InvalidRequestError: It is no such form, or it is broken off.
        TooLargeError: The body is longer than `limit_bytes`.
        RequestTimeoutError: Nothing came for `SILENCE_S`.
        starlette.requests.ClientDisconnect: The caller hung up.
    """
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import MultipartParser, parse_options_header

    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data" or b"boundary" not in options:
        raise InvalidRequestError(
            "The request body is no multipart/form-data.", remedy="Send files as a form does: curl -F files=@a.jpg."
        )
    part = _Part()
    try:
        parser = MultipartParser(options[b"boundary"], part.callbacks(), max_header_size=MAX_HEADERS_BYTES)
        async for piece in pieces(request, limit_bytes=limit_bytes):
            parser.write(piece)
            for event in part.taken():
                yield event
        parser.finalize()
    except FormParserError as error:
        raise InvalidRequestError(f"The form cannot be read: {error}.") from None
    if not part.ended:
        raise InvalidRequestError("The form is broken off.", remedy="Send it again.")


async def pieces(request: Request, *, limit_bytes: int) -> AsyncGenerator[bytes, None]:
    """The request's body as it comes.

    Raises:
        TooLargeError: It is longer than `limit_bytes`.
        RequestTimeoutError: Nothing came for `SILENCE_S`.
        starlette.requests.ClientDisconnect: The caller hung up.
    """
    declared = request.headers.get("content-length", "")
    length = int(declared) if declared.isdigit() and len(declared) < 19 else 0
    stream = request.stream()
    while length <= limit_bytes:
        try:
            with anyio.fail_after(SILENCE_S):
                piece = await anext(stream, None)
        except TimeoutError:
            raise RequestTimeoutError(
                f"Nothing of the request body came for {SILENCE_S:g} seconds.", remedy="Go on where it stopped."
            ) from None
        if piece is None:
            return
        limit_bytes -= len(piece)
        length = 0
        if piece and limit_bytes >= 0:
            yield piece
    raise TooLargeError("The request body is longer than one may be.", remedy="Send fewer files at once, or in pieces.")


class _Part:
    """Collects what the parser finds."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._pieces: list[bytes] = []
        self._header = self._value = b""
        self._disposition = b""
        self.ended = False

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._field,
            "on_header_value": self._of_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_end,
            "on_part_data": self._data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }

    def taken(self) -> list[Event]:
        self._join()
        events, self._events = self._events, []
        return events

    def _join(self) -> None:
        if self._pieces:
            self._events.append(PartData(b"".join(self._pieces)))
            self._pieces = []

    def _part_end(self) -> None:
        self._join()
        self._events.append(PartEnded())

    def _begin(self) -> None:
        self._header = self._value = self._disposition = b""

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _of_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def _headers_end(self) -> None:
        from python_multipart.multipart import parse_options_header

        _, options = parse_options_header(self._disposition)
        filename = options.get(b"filename")
        extended = _EXTENDED_NAME.search(self._disposition)
        if filename is not None:
            name: str | None = _escaped(filename.decode("utf-8", "replace"))
        else:
            name = unquote(extended[1].decode("ascii", "replace").strip('" ')) if extended else None
        self._events.append(PartBegan(name=options.get(b"name", b"").decode("utf-8", "replace"), filename=name))

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._pieces.append(data[start:end])  # the parser cuts at every byte that may begin a boundary

    def _end(self) -> None:
        self.ended = True


def _escaped(name: str) -> str:
    """What browsers escape in a name, undone (HTML standard, "multipart form data", escape a name)."""
    return name.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")
