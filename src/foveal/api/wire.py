"""What happens to every request before and after its route: its id, limits of its head, HEAD, and a tidy path."""

from __future__ import annotations

import re
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID = "foveal.request_id"
OPEN_PATHS = frozenset({"/healthz", "/readyz"})
"""Paths for probes: they need no key and no place in the queue."""

MOST_HEADERS = 100
MOST_HEADER_BYTES = 32 * 2**10
"""Names and values together; uvicorn itself stops reading a head at 64 KiB."""

_SLASHES = re.compile(r"//+")
_CLIENT_ID = re.compile(r"[\x21-\x7e]{1,128}")


def request_id(request: Request) -> str:
    """The id in this request's `apim-request-id`."""
    known: object = request.scope.get(REQUEST_ID)
    return known if isinstance(known, str) else str(uuid.uuid4())


class RequestIds:
    """Gives each request an id and puts it where clients look: `apim-request-id`, `x-request-id`, `request-id`.

    A caller's own `x-ms-client-request-id` is sent back. `x-content-type-options: nosniff` is on everything.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[REQUEST_ID] = str(uuid.uuid4())
        theirs = Headers(scope=scope).get("x-ms-client-request-id", "")

        async def send_with_ids(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["apim-request-id"] = headers["x-request-id"] = headers["request-id"] = scope[REQUEST_ID]
                headers["x-content-type-options"] = "nosniff"
                if _CLIENT_ID.fullmatch(theirs):
                    headers["x-ms-client-request-id"] = theirs
            await send(message)

        await self._app(scope, receive, send_with_ids)


class TidyPaths:
    """Collapses double slashes and drops a last one: clients that join addresses carelessly are many."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http":
            path = _SLASHES.sub("/", scope["path"])
            scope["path"] = path.rstrip("/") or "/"
        await self._app(scope, receive, send)


class HeaderLimits:
    """Refuses requests with too many or too long headers: 431, as the service did (contract notes, section 10)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http":
            headers = scope["headers"]
            if len(headers) > MOST_HEADERS or sum(len(n) + len(v) for n, v in headers) > MOST_HEADER_BYTES:
                message = f"At most {MOST_HEADERS} headers of {MOST_HEADER_BYTES} bytes together are taken."
                error = {"code": "431", "message": message, "param": None, "type": "invalid_request_error"}
                await JSONResponse({"error": error}, 431)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class Heads:
    """Answers HEAD as GET without the body (RFC 9110, section 9.3.2); routes are written for GET alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"}, receive, send_head)
