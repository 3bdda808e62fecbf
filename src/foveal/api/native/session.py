"""Signing in and out in a browser, and who one is."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from foveal.api.auth import SESSION_PATH, caller_of
from foveal.api.bodies import documented, read_checked
from foveal.api.denials import denied_key
from foveal.api.keyring import KeyRing
from foveal.api.reception import Reception
from foveal.api.sessions import COOKIE, KEY, LIFETIME_S, PERSON, Session, Sessions, cookie_of
from foveal.errors import ForbiddenError, FovealError, InvalidRequestError, SignInRefusedError
from foveal.types.keys import Role
from foveal.types.people import Departure

MOST_BYTES = 4096
OPENID_PATH, ARRIVAL_PATH = f"{SESSION_PATH}/openid", f"{SESSION_PATH}/openid/arrival"
SIGN_IN_PAGE = "/sign-in"
DEPARTURE_COOKIE, DEPARTURE_S = "foveal_departure", 600
"""What somebody takes along to the provider, sealed, and how long they may stay there."""
PROBLEM_COOKIE, PROBLEM_S = "foveal_problem", 60
"""Why signing in failed, for the page that they come back to."""


class SignInBody(BaseModel):
    """A key that opens this server, or the name and password of an account."""

    model_config = ConfigDict(extra="forbid")

    key: SecretStr = Field(SecretStr(""), description="An API key.", max_length=1024)
    name: str = Field("", description="Of an account.", max_length=256)
    password: SecretStr = Field(SecretStr(""), description="Of an account.", max_length=1024)


class SessionOut(BaseModel):
    """Who the caller is."""

    name: str = Field(description="Of the key, or of the person.")
    role: Role
    groups: list[str] | None = Field(description="null: everything is visible.")
    signed_in: bool = Field(description="Whether by a cookie, which can be given back.")
    token: str = Field(description="A page sends it as `x-foveal-token` with every call that changes something.")


class WaysOut(BaseModel):
    """How one can sign in."""

    key: bool = Field(description="With an API key.")
    password: bool = Field(description="With the name and password of an account.")
    provider: str | None = Field(description="Name of the provider to sign in with, at `/v1/session/openid`.")


class SignedOut(BaseModel):
    """The session is over here; at the provider it goes on until it is ended at this address."""

    leave_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningIn:
    """What the routes work with."""

    ring: KeyRing
    sessions: Sessions
    reception: Reception
    public_url: str = ""

    def base(self, request: Request) -> str:
        """This server as browsers reach it."""
        return self.public_url or str(request.base_url).rstrip("/")


def router(signing: SigningIn) -> APIRouter:
    """All of them."""
    routes = APIRouter(prefix="/v1", tags=["Foveal"])
    _add_session(routes, signing)
    _add_provider(routes, signing)
    return routes


def _add_session(routes: APIRouter, signing: SigningIn) -> None:
    path = SESSION_PATH.removeprefix("/v1")
    reception = signing.reception

    @routes.get(path)
    async def show_session(request: Request, response: Response) -> SessionOut:
        """Who you are to this server. A session that has served for an hour gets another cookie here."""
        session = signing.sessions.open(cookie_of(request.headers))
        if session is not None and session.kind == PERSON:
            sign_in = await reception.find(session.value)
            newer = await reception.renewed(session.value, sign_in) if sign_in is not None else None
            if newer is not None:
                _set_session(request, response, signing, Session(kind=PERSON, value=newer))
        return _out(request, signing.sessions, session)

    @routes.get(f"{path}/ways")
    async def show_ways() -> WaysOut:
        """How one can sign in here."""
        provider = reception.desk.provider
        return WaysOut(
            key=await signing.ring.needs_key(),
            password=await reception.threads.run(reception.desk.has_accounts),
            provider=provider.label if provider else None,
        )

    @routes.post(path, status_code=204, response_class=Response, openapi_extra=documented(SignInBody))
    async def sign_in(request: Request) -> Response:
        """Open a session for a browser, with an API key or a name and password: the reply sets its cookie."""
        _refuse_foreign(request, signing)
        body = await read_checked(SignInBody, request, limit_bytes=MOST_BYTES)
        key, password = body.key.get_secret_value().strip(), body.password.get_secret_value()
        if bool(key) == bool(body.name or password):
            raise InvalidRequestError("Give a key, or a name and a password.")
        reply = Response(status_code=204)
        if not key:
            address = request.client.host if request.client else ""
            token = await reception.threads.run(reception.desk.with_password, body.name, password, address)
            return _set_session(request, reply, signing, Session(kind=PERSON, value=token))
        if not (signing.ring.is_owner(key) or await signing.ring.find(key)):
            return denied_key(SESSION_PATH, given=True)
        return _set_session(request, reply, signing, Session(kind=KEY, value=key))

    @routes.delete(path)
    async def sign_out(request: Request, response: Response) -> SignedOut:
        """End the browser's session."""
        session = signing.sessions.open(cookie_of(request.headers))
        response.delete_cookie(COOKIE, path="/")
        if session is None or session.kind != PERSON:
            return SignedOut(leave_url="")
        known = await reception.find(session.value)
        await reception.sign_out(session.value)
        provider = reception.desk.provider if known is not None and known.way == "openid" else None
        back = signing.base(request) + SIGN_IN_PAGE
        return SignedOut(leave_url=await reception.threads.run(provider.leave_url, back) if provider else "")


def _add_provider(routes: APIRouter, signing: SigningIn) -> None:
    reception = signing.reception

    @routes.get(OPENID_PATH.removeprefix("/v1"), response_class=RedirectResponse, status_code=303)
    async def to_provider(request: Request, next: str = "/") -> Response:
        """Send a browser to the provider of OpenID Connect; it comes back signed in."""
        try:
            back = signing.base(request) + ARRIVAL_PATH
            departure = await reception.threads.run(reception.desk.depart, back)
        except FovealError as error:
            return _problem(request, error)
        reply = RedirectResponse(departure.url, 303)
        sealed = signing.sessions.seal_text(json.dumps({"next": _inside(next), **asdict(departure)}))
        _set_cookie(request, reply, DEPARTURE_COOKIE, sealed, DEPARTURE_S, path=OPENID_PATH)
        return reply

    @routes.get(ARRIVAL_PATH.removeprefix("/v1"), response_class=RedirectResponse, status_code=303)
    async def from_provider(request: Request) -> Response:
        """Where the provider sends a browser back to."""
        sealed = request.cookies.get(DEPARTURE_COOKIE, "")
        text = signing.sessions.open_text(sealed, DEPARTURE_S)
        try:
            if text is None:
                raise SignInRefusedError("It took too long, or was begun in another browser.", remedy="Sign in again.")
            taken = json.loads(text)
            goal = taken.pop("next")
            answer = dict(request.query_params)
            token = await reception.threads.run(reception.desk.arrive, Departure(**taken), answer)
        except FovealError as error:
            return _problem(request, error)
        reply = RedirectResponse(goal, 303)
        reply.delete_cookie(DEPARTURE_COOKIE, path=OPENID_PATH)
        return _set_session(request, reply, signing, Session(kind=PERSON, value=token))


def _refuse_foreign(request: Request, signing: SigningIn) -> None:
    """A page of elsewhere must not sign a browser in: whatever it then asks would be kept for a stranger."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site", "same-origin")
    own = {urlsplit(signing.base(request)).netloc, request.headers.get("host", "")}
    if site not in {"same-origin", "none"} or (origin is not None and urlsplit(origin).netloc not in own):
        raise ForbiddenError("Another site cannot sign in here.", remedy="Open the page of this server.")


def _inside(address: str) -> str:
    """An address of this server, never one of elsewhere."""
    parts = urlsplit(address.replace("\\", "/"))
    inside = not parts.scheme and not parts.netloc and parts.path.startswith("/") and not parts.path.startswith("//")
    return parts.path + (f"?{parts.query}" if parts.query else "") if inside else "/"


def _problem(request: Request, error: FovealError) -> Response:
    reply = RedirectResponse(SIGN_IN_PAGE, 303)
    _set_cookie(request, reply, PROBLEM_COOKIE, quote(str(error)[:1000]), PROBLEM_S, path=SIGN_IN_PAGE, script=True)
    return reply


def _set_session(request: Request, reply: Response, signing: SigningIn, session: Session) -> Response:
    return _set_cookie(request, reply, COOKIE, signing.sessions.seal(session), LIFETIME_S, path="/")


def _set_cookie(
    request: Request, reply: Response, name: str, value: str, life_s: int, *, path: str, script: bool = False
) -> Response:
    secure = request.url.scheme == "https"
    reply.set_cookie(name, value, max_age=life_s, path=path, secure=secure, httponly=not script, samesite="lax")
    return reply


def _out(request: Request, sessions: Sessions, session: Session | None) -> SessionOut:
    caller = caller_of(request)
    return SessionOut(
        name=caller.name,
        role=caller.role,
        groups=None if caller.groups is None else list(caller.groups),
        signed_in=session is not None,
        token="" if session is None else sessions.token(session),
    )
