"""Who may call: holders of a key when there is one; else only programs on this very machine.

Without a key the server listens on the loopback address. That alone does not keep web pages out: any page a person
opens can send requests to `http://127.0.0.1`, and one that re-points its own name there (DNS rebinding) could read
the answers. So, without keys, a request must name this machine in `Host`, and in `Origin` when it has one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from foveal.api.callers import CALLER, LINK_HOLDER, LOCAL, NOBODY, OWNER, Caller, caller_of, require
from foveal.api.denials import denied_key, forbidden
from foveal.api.errors import azure_envelope, http_envelope, retry_headers
from foveal.api.keyring import KeyRing, distinct
from foveal.api.links import LINKS, Links, LinkSigner
from foveal.api.native.embed import PASS_PATH, Embedding
from foveal.api.reception import Reception, caller_for
from foveal.api.sessions import KEY, PERSON, Session, Sessions, cookie_of
from foveal.api.wire import OPEN_PATHS
from foveal.errors import ForbiddenError, FovealError
from foveal.types.conversations import PersonId
from foveal.types.keys import KeyRecord, Role

__all__ = ["LINK_HOLDER", "Caller", "Gate", "Role", "caller_of", "require"]

VISITORS_PARAMETER = "pass"
"""Of the addresses of pictures in an embedded chat: a picture is asked for without headers."""
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


FOREIGN_CALL = "This call carries a session's cookie without the token of its page."
SESSION_PATH = "/v1/session"
"""Where a person signs in: open to everybody, it checks itself who that is. So is all below it."""


class Gate:
    """Turns away who may not call, and notes who may.

    Args:
        ring: The keys. While there is none: the rules of the module's docstring.
        signer: Signs the links of replies and checks those that come back.
        open_links: Whether a signed link opens without a key, for what its groups may see.
        origins: Origins whose pages may call a server without keys (see `serve.cors_origins`).
        sessions: Opens the cookies of people who signed in; None: nobody can.
        reception: Knows people; None: there are none.
        embedding: Whether a chat may be embedded, and what its visitors may.
        is_frame: Whether a path is of the pages themselves, which hold no data and need no key.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        ring: KeyRing,
        signer: LinkSigner,
        open_links: bool = False,
        origins: Collection[str] = (),
        sessions: Sessions | None = None,
        reception: Reception | None = None,
        embedding: Embedding | None = None,
        is_frame: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._app = app
        self._ring = ring
        self._signer = signer
        self._open_links = open_links
        self._origins = frozenset(origins)
        self._sessions = sessions
        self._reception = reception
        self._embedding = embedding or Embedding()
        self._is_frame = is_frame

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        try:
            admitted = await self._admit(scope)
        except ForbiddenError as error:
            admitted = forbidden(scope["path"], error)
        except FovealError as error:
            admitted = JSONResponse(azure_envelope(error), error.status, retry_headers(error))
        if isinstance(admitted, Response):
            await admitted(scope, receive, send)
            return
        scope[CALLER] = admitted.caller
        scope[LINKS] = Links(base="", signer=self._signer, groups=admitted.caller.groups)
        await self._app(scope, receive, send)
        if admitted.record is not None:  # after the reply: nobody waits for it
            await self._ring.note_use(admitted.record)

    async def _admit(self, scope: Scope) -> _Admitted | Response:
        headers = Headers(scope=scope)
        credentials = distinct(_credentials(headers))
        if not (await self._ring.needs_key() or await self._is_staffed()):
            admitted = self._without_keys(headers)
        elif visitor := self._visitor(scope, credentials):
            admitted = _Admitted(visitor)
        elif credentials:
            admitted = await self._holder(credentials) or denied_key(scope["path"], given=True)
        else:
            admitted = await self._signed_in(scope["method"], headers) or denied_key(scope["path"], given=False)
            if isinstance(admitted, Response) and self._is_open(scope):
                return _Admitted(NOBODY)
        if isinstance(admitted, Response) and (credentials or not self._open_links):
            return admitted  # what a signature is worth is nothing that strangers learn
        link = self._signer.check(scope["path"], scope["query_string"].decode("latin-1"))
        if link is not None and isinstance(admitted, Response):
            return _Admitted(Caller(name=LINK_HOLDER, role=Role.READER, groups=link.groups))
        return admitted

    async def _holder(self, credentials: list[str]) -> _Admitted | None:
        for credential in credentials:
            if self._ring.is_owner(credential):
                return _Admitted(OWNER)
            record = await self._ring.find(credential)
            if record is not None:
                return _Admitted(_holder_of(record), record)
            person = await self._reception.bearer(credential) if self._reception else None
            if person is not None:
                return _Admitted(person)
        return None

    def _visitor(self, scope: Scope, credentials: list[str]) -> Caller | None:
        if self._sessions is None or not self._embedding.origins:
            return None
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        given = next(iter(credentials), query.get(VISITORS_PARAMETER, ""))
        return self._embedding.admits(self._sessions, given, scope["method"], str(scope["path"]))

    async def _is_staffed(self) -> bool:
        return self._reception is not None and await self._reception.is_staffed()

    async def _signed_in(self, method: str, headers: Headers) -> _Admitted | None:
        """Whoever the session's cookie names.

        Raises:
            ForbiddenError: The call changes something and is no page's of this server.
        """
        cookie = cookie_of(headers)
        session = self._sessions.open(cookie) if self._sessions and cookie else None
        if self._sessions is None or session is None:
            return None
        admitted = await self._person(session)
        if admitted is not None and not self._sessions.is_own_call(method, session, headers):
            raise ForbiddenError(FOREIGN_CALL, remedy="Open the page again.")
        return admitted

    async def _person(self, session: Session) -> _Admitted | None:
        """Who the session's person is now; None once they may not come in any more."""
        if session.kind == KEY:
            return await self._holder([session.value])
        sign_in = await self._reception.find(session.value) if self._reception and session.kind == PERSON else None
        return None if sign_in is None else _Admitted(caller_for(sign_in.standing))

    def _is_open(self, scope: Scope) -> bool:
        path, method = str(scope["path"]), scope["method"]
        if method == "POST":
            return path == SESSION_PATH
        return method == "GET" and (self._is_frame(path) or path.startswith(f"{SESSION_PATH}/") or path == PASS_PATH)

    def _without_keys(self, headers: Headers) -> _Admitted | Response:
        origin = headers.get("origin", "//localhost")
        if _is_loopback(f"//{headers.get('host', '')}") and (_is_loopback(origin) or origin in self._origins):
            return _Admitted(LOCAL)
        message = (
            "Without a key the server answers programs on its own machine only. "
            "Make one (foveal keys create), add people (foveal people add) or set serve.api_key to open it."
        )
        return JSONResponse(http_envelope(403, message), 403)


@dataclass(frozen=True, slots=True)
class _Admitted:
    caller: Caller
    record: KeyRecord | None = None


def _holder_of(record: KeyRecord) -> Caller:
    grant, person = record.grant, PersonId(f"key:{record.key_id}")
    return Caller(name=grant.name, role=grant.role, person=person, groups=grant.groups, limits=grant.limits)


def _credentials(headers: Headers) -> Iterator[str]:
    yield from headers.getlist("api-key")
    yield from headers.getlist("ocp-apim-subscription-key")
    for value in headers.getlist("authorization"):
        scheme, _, token = value.partition(" ")
        if scheme.lower() == "bearer":
            yield token.strip()


def _is_loopback(url: str) -> bool:
    try:
        return urlsplit(url).hostname in LOOPBACK_NAMES
    except ValueError:  # a malformed IPv6 address
        return False
