"""How much the server works on at once: threads for work that computes, and a limit on who may come in."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import anyio.to_thread
from anyio import CapacityLimiter
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from foveal.api.errors import azure_envelope, retry_headers
from foveal.api.wire import OPEN_PATHS
from foveal.errors import OverloadedError

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """Runs sync work in worker threads, at most `concurrency` pieces at once; more of it waits its turn."""

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self._limiter: CapacityLimiter | None = None

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `work`; when the caller is cancelled meanwhile, the work ends unheard."""
        if self._limiter is None:  # made on first use: a limiter belongs to the event loop that runs
            self._limiter = CapacityLimiter(self._concurrency)
        return await anyio.to_thread.run_sync(lambda: work(*args, **kwargs), limiter=self._limiter)


class Crowd:
    """Lets only so many requests in; one more is answered 429 at once instead of waiting for ever.

    Args:
        limit: Requests worked on and waiting together; a streamed answer counts until its end.
    """

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        self._app = app
        self._limit = limit
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        if self._inside >= self._limit:
            await _full(self._limit)(scope, receive, send)
            return
        self._inside += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._inside -= 1


def _full(limit: int) -> JSONResponse:
    error = OverloadedError(
        f"The server already has {limit} requests to work on.",
        remedy="Try again in a moment; the operator may raise serve.queue or serve.concurrency.",
    )
    return JSONResponse(azure_envelope(error), error.status, retry_headers(error))
