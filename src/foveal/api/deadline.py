"""The longest that one request may take, from its first byte to the last of its answer."""

from __future__ import annotations

import json

import anyio
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from foveal.api.errors import azure_envelope
from foveal.api.sse import event
from foveal.errors import RequestTimeoutError


class Deadline:
    """Ends requests that take too long: 408, or an event with the error where a stream has begun.

    The caller is told at once. Work that waits is cancelled; a computation already running in a thread is finished
    unheard, and keeps its place until then.

    Args:
        seconds: Longest time.
    """

    def __init__(self, app: ASGIApp, *, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        reply = _Reply(send)
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._strike, reply, group.cancel_scope)
                await self._app(scope, receive, reply.send)
                group.cancel_scope.cancel()
        except BaseExceptionGroup as failures:  # the clock raises nothing, so the one failure is the application's
            raise failures.exceptions[0] from None

    async def _strike(self, reply: _Reply, work: anyio.CancelScope) -> None:
        await anyio.sleep(self._seconds)
        await reply.give_up(
            RequestTimeoutError(
                f"The request took longer than {self._seconds:g} seconds.",
                remedy="Ask for less at once; the operator may raise serve.request_seconds.",
            )
        )
        work.cancel()


class _Reply:
    """What has been sent of the reply, so that it can be ended decently."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._started: Message | None = None
        self._ended = False

    async def send(self, message: Message) -> None:
        if self._ended:  # given up, or complete
            return
        if message["type"] == "http.response.start":
            self._started = message
        else:
            self._ended = not message.get("more_body", False)
        await self._send(message)

    async def give_up(self, error: RequestTimeoutError) -> None:
        if self._ended:
            return
        self._ended = True
        body = azure_envelope(error)
        if self._started is None:
            reply = JSONResponse(body, error.status)
            await self._send({"type": "http.response.start", "status": error.status, "headers": reply.raw_headers})
            await self._send({"type": "http.response.body", "body": reply.body})
        elif Headers(raw=self._started["headers"]).get("content-type", "").startswith("text/event-stream"):
            await self._send({"type": "http.response.body", "body": event(json.dumps(body)), "more_body": False})
        # Any other reply is cut off: the server then closes the connection, which tells the caller.
