"""Who may call: a key when one is set; else only programs on this very machine.

Without a key the server listens on the loopback address. That alone does not keep web pages out: any page a person
opens can send requests to `http://127.0.0.1`, and one that re-points its own name there (DNS rebinding) could read
the answers. So, without keys, a request must name this machine in `Host`, and in `Origin` when it has one.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from foveal.api.errors import http_envelope
from foveal.api.wire import OPEN_PATHS

CALLER = "foveal.caller"
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who sent a request.

    Attributes:
        groups: As in `Query.groups`; None for holders of a key, who see everything as in Azure.
    """

    groups: tuple[str, ...] | None = None


def caller_of(request: Request) -> Caller:
    """Who sent this request, as the gate found; nobody, who is in no group, where no gate stood."""
    known: object = request.scope.get(CALLER)
    return known if isinstance(known, Caller) else Caller(groups=())


class Gate:
    """Turns away who may not call, and notes who may.

    Args:
        keys: Any of them opens, as `api-key` or `Authorization: Bearer` (the plain OpenAI client sends its key so;
            some clients send both). Empty: the rules of the module's docstring.
    """

    def __init__(self, app: ASGIApp, *, keys: Collection[str]) -> None:
        self._app = app
        self._keys = [key.encode() for key in keys]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(Headers(scope=scope))
        scope[CALLER] = Caller()
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, headers: Headers) -> JSONResponse | None:
        if self._keys:
            if any(hmac.compare_digest(key, given) for given in _credentials(headers) for key in self._keys):
                return None
            message = "Access denied: the api-key header or bearer token is missing or wrong."
            return JSONResponse(http_envelope(401, message), 401, {"www-authenticate": "Bearer"})
        if _is_loopback(f"//{headers.get('host', '')}") and _is_loopback(headers.get("origin", "//localhost")):
            return None
        message = "Without a key the server answers programs on its own machine only. Set serve.api_key to open it."
        return JSONResponse(http_envelope(403, message), 403)


def _credentials(headers: Headers) -> Iterator[bytes]:
    yield headers.get("api-key", "").encode()
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        yield token.strip().encode()


def _is_loopback(url: str) -> bool:
    try:
        return urlsplit(url).hostname in LOOPBACK_NAMES
    except ValueError:  # a malformed IPv6 address
        return False
