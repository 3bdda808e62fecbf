"""People: who they are, what they may, and for how long they are signed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType

from foveal.types.conversations import PersonId
from foveal.types.keys import Role

SignInId = NewType("SignInId", str)
GRACE = timedelta(seconds=60)
"""How long a token counts after it was renewed."""
REMEMBERED = timedelta(days=1)
"""How long a wrong password is remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Who somebody is, and what they may.

    Attributes:
        name: To be shown.
        groups: As in `Query.groups`.
    """

    person: PersonId
    name: str
    role: Role
    groups: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person this home itself knows.

    Attributes:
        name: Lower case; no two are equal.
        groups: As in `Query.groups`; None: sees everything.
    """

    name: str
    role: Role = Role.READER
    groups: tuple[str, ...] | None = ()
    created_at: datetime

    @property
    def standing(self) -> Standing:
        """What it gives."""
        return Standing(person=PersonId(f"account:{self.name}"), name=self.name, role=self.role, groups=self.groups)


class Way(StrEnum):
    """How somebody signed in."""

    ACCOUNT = "account"
    OPENID = "openid"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """That somebody is signed in, in one browser.

    Attributes:
        standing: Of when they signed in. That of an account is looked up anew at each request.
    """

    sign_in_id: SignInId
    way: Way
    standing: Standing
    opened_at: datetime
    renewed_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """Somebody on the way to their provider.

    Attributes:
        url: Where the browser goes.
        state: Comes back with the browser (RFC 6749, section 10.12).
        nonce: Comes back in the identity token (OpenID Connect Core, section 3.1.2.1).
        verifier: Proves that who comes back is who went (PKCE, RFC 7636).
        redirect_uri: Where the browser comes back.
    """

    url: str
    state: str
    nonce: str
    verifier: str
    redirect_uri: str
