"""Who sends a request: what the gate found out, and what routes ask."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.requests import Request

from foveal.errors import ForbiddenError
from foveal.types.conversations import PersonId
from foveal.types.keys import RateLimits, Role

CALLER = "foveal.caller"
"""Where a request's scope has its `Caller`, put there by the gate."""
NO_PERSON = PersonId("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who sent a request.

    Attributes:
        name: Of the key; never the key itself.
        person: Whose history is theirs; empty: nobody's.
        groups: As in `Query.groups`; None for holders of a key without groups, who see everything as in Azure.
        limits: Of the key.
    """

    name: str
    role: Role
    person: PersonId = NO_PERSON
    groups: tuple[str, ...] | None = None
    limits: RateLimits = field(default_factory=RateLimits)


NOBODY = Caller(name="nobody", role=Role.READER, groups=())
LOCAL = Caller(name="local", role=Role.OWNER, person=PersonId("local"))
"""A program on this machine, where there is no key."""
OWNER = Caller(name="owner", role=Role.OWNER, person=PersonId("owner"))
"""Who holds the key from the settings."""
LINK_HOLDER = "(link)"
"""Name of whoever comes with nothing but a signed link."""


def caller_of(request: Request) -> Caller:
    """Who sent this request, as the gate found; nobody, who is in no group, where no gate stood."""
    known: object = request.scope.get(CALLER)
    return known if isinstance(known, Caller) else NOBODY


def require(request: Request, role: Role) -> Caller:
    """Who sent this request, if the caller's role covers `role`.

    Raises:
        ForbiddenError: It does not.
    """
    caller = caller_of(request)
    if not caller.role.covers(role):
        is_key = not caller.person.startswith(("account:", "openid:"))
        who = f"The key {caller.name!r}" if is_key else caller.name
        raise ForbiddenError(
            f"{who} has the role {caller.role}; this needs the role {role}.",
            remedy=f"Use a key made with --role {role}." if is_key else "Ask who runs this server for that role.",
        )
    return caller
