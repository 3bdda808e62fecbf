"""Sessions of people in a browser: who signed in, sealed into a cookie that only this server can open.

The cookie holds the whole session, encrypted and signed (Fernet), so that no server keeps a list: what it
names is looked up again at every request, so a key that is revoked, or a person who is removed, is out at once.

A browser sends the cookie whoever made the request, so a call that changes something must also carry `TOKEN_HEADER`,
which only a page of this server can know: it is a MAC of the session, told by `GET /v1/session`.
"""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

COOKIE = "foveal_session"
TOKEN_HEADER = "x-foveal-token"  # noqa: S105 - a header's name
LIFETIME_S = 12 * 3600
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, section 9.2.1)."""
KEY = "key"
"""Kind of a session that was opened with an API key."""
PERSON = "person"
"""Kind of a session of somebody who signed in, with a password or at a provider."""

_SEALING, _TOKEN = b"foveal session cookie 1", b"foveal session token 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Who signed in.

    Attributes:
        kind: How: `KEY`, or the name of another way.
        value: What the way knows them by: the key itself, the token of a sign-in.
    """

    kind: str
    value: str = field(repr=False)

    @property
    def lasting(self) -> str:
        """What stays the same of it as long as it is the same session: a sign-in's token is renewed, but for its id."""
        return self.value.partition(".")[0] if self.kind == PERSON else self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """Seals sessions into cookies and opens them.

    Attributes:
        secret: 32 random bytes, the same in all processes that serve one home.
        now: Unix time in seconds.
    """

    secret: bytes = field(repr=False)
    now: Callable[[], float] = time.time

    def seal(self, session: Session) -> str:
        """The cookie's value; it holds for `LIFETIME_S`."""
        return self.seal_text(json.dumps({"kind": session.kind, "value": session.value}))

    def open(self, cookie: str) -> Session | None:
        """The session in a cookie; None where it is not ours, was changed, or is over."""
        text = self.open_text(cookie, LIFETIME_S)
        if text is None:
            return None
        given = json.loads(text)
        return Session(kind=given["kind"], value=given["value"])

    def token(self, session: Session) -> str:
        """What a page sends along with calls that change something; the same when the session's token was renewed."""
        mac = hmac.digest(self._key(_TOKEN), f"{session.kind} {session.lasting}".encode(), sha256)
        return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()

    def is_own_call(self, method: str, session: Session, headers: Headers) -> bool:
        """Whether a call in this session changes nothing, or was made by a page of this server."""
        given = headers.get(TOKEN_HEADER, "")
        return method in SAFE_METHODS or hmac.compare_digest(given.encode(), self.token(session).encode())

    def seal_text(self, text: str) -> str:
        """A text that only this server can read, for a cookie that comes back."""
        return self._box().encrypt_at_time(text.encode(), int(self.now())).decode()

    def open_text(self, sealed: str, life_s: int) -> str | None:
        """The text; None where it is not ours, was changed, or is older than that."""
        from cryptography.fernet import InvalidToken

        try:
            return self._box().decrypt_at_time(sealed.encode(), life_s, int(self.now())).decode()
        except InvalidToken:
            return None

    def _box(self) -> Fernet:
        from cryptography.fernet import Fernet

        return Fernet(base64.urlsafe_b64encode(self._key(_SEALING)))

    def _key(self, purpose: bytes) -> bytes:
        return hmac.digest(self.secret, purpose, sha256)


def cookie_of(headers: Headers) -> str:
    """The session cookie of a request; empty where there is none."""
    return cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
