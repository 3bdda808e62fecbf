"""Work that ends when the caller hangs up, and server-sent events (WHATWG HTML, section 9.2)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import TypeVar

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

T = TypeVar("T")
CLIENT_CLOSED = 499
"""Status nobody reads: the caller hung up."""
DONE = b"data: [DONE]\n\n"
HEADERS = {
    "cache-control": "no-cache, must-revalidate",
    "x-accel-buffering": "no",  # or nginx would hold the events back
}


def event(json_text: str) -> bytes:
    """One event. JSON on one line has no line breaks, so it needs one `data:` line."""
    return b"data: " + json_text.encode() + b"\n\n"


async def while_connected(receive: Receive, work: Callable[[], Awaitable[T]]) -> T | None:
    """The result of `work`, or None after cancelling it because the caller hung up.

    The request's body must have been read: the only message still to come is the disconnect.
    """
    result: T | None = None
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(_cancel_on_disconnect, receive, group.cancel_scope)
            result = await work()
            group.cancel_scope.cancel()
    except BaseExceptionGroup as failures:  # the watcher raises nothing, so the one failure is the work's
        raise failures.exceptions[0] from None
    return result


async def _cancel_on_disconnect(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


@asynccontextmanager
async def closed_after(events: AsyncIterator[T]) -> AsyncIterator[AsyncIterator[T]]:
    """`events`, closed at once when the block is left, so that an abandoned generation stops there and then."""
    if isinstance(events, AsyncGenerator):
        async with aclosing(events):
            yield events
    else:
        yield events


class EventStream(Response):
    """Sends events as they come; when the caller hangs up, the generator is cancelled and closed.

    The generator runs in one task from start to end. What it raises before its first event leaves as an ordinary
    error response; after that it must turn failures into events itself.

    Args:
        events: Bytes of whole events.
    """

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[bytes, None], *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(None, 200, {**HEADERS, **(headers or {})})
        del self.headers["content-length"]
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send everything."""
        await while_connected(receive, lambda: self._send(send))

    async def _send(self, send: Send) -> None:
        started = False
        async with aclosing(self._events) as events:
            async for piece in events:
                if not started:
                    await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                    started = True
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
