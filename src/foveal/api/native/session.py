"""Signing in and out in a browser, and who one is."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from foveal.api.auth import SESSION_PATH, caller_of
from foveal.api.bodies import check, documented, parse_json, read_body
from foveal.api.denials import denied_key
from foveal.api.keyring import KeyRing
from foveal.api.sessions import COOKIE, KEY, LIFETIME_S, Session, Sessions, cookie_of
from foveal.types.keys import Role

MOST_BYTES = 4096


class SignInBody(BaseModel):
    """A key that opens this server."""

    model_config = ConfigDict(extra="forbid")

    key: SecretStr = Field(description="An API key.", max_length=1024)


class SessionOut(BaseModel):
    """Who the caller is."""

    name: str = Field(description="Of the key, or of the person.")
    role: Role
    groups: list[str] | None = Field(description="null: everything is visible.")
    signed_in: bool = Field(description="Whether by a cookie, which can be given back.")
    token: str = Field(description="A page sends it as `x-foveal-token` with every call that changes something.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningIn:
    """What the routes work with."""

    ring: KeyRing
    sessions: Sessions


def router(signing: SigningIn) -> APIRouter:
    """All of them."""
    routes = APIRouter(prefix="/v1", tags=["Foveal"])
    path = SESSION_PATH.removeprefix("/v1")

    @routes.get(path)
    async def show_session(request: Request) -> SessionOut:
        """Who you are to this server."""
        return _out(request, signing.sessions, cookie_of(request.headers))

    @routes.post(path, status_code=204, response_class=Response, openapi_extra=documented(SignInBody))
    async def sign_in(request: Request) -> Response:
        """Open a session for a browser with an API key: the reply sets its cookie."""
        body = check(SignInBody, parse_json(await read_body(request, limit_bytes=MOST_BYTES)))
        key = body.key.get_secret_value().strip()
        if not key or not (signing.ring.is_owner(key) or await signing.ring.find(key)):
            return denied_key(SESSION_PATH, given=True)
        return with_session(request, Response(status_code=204), signing.sessions, Session(kind=KEY, value=key))

    @routes.delete(path, status_code=204, response_class=Response)
    async def sign_out() -> Response:
        """End the browser's session."""
        reply = Response(status_code=204)
        reply.delete_cookie(COOKIE, path="/")
        return reply

    return routes


def with_session(request: Request, reply: Response, sessions: Sessions, session: Session) -> Response:
    """`reply`, setting the cookie of a session."""
    reply.set_cookie(
        COOKIE,
        sessions.seal(session),
        max_age=LIFETIME_S,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return reply


def _out(request: Request, sessions: Sessions, cookie: str) -> SessionOut:
    caller = caller_of(request)
    signed_in = bool(cookie) and sessions.open(cookie) is not None
    return SessionOut(
        name=caller.name,
        role=caller.role,
        groups=None if caller.groups is None else list(caller.groups),
        signed_in=signed_in,
        token=sessions.token(cookie) if signed_in else "",
    )
