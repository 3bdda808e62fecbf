"""Claims of a token → who somebody is here and what they may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from foveal.errors import SignInRefusedError
from foveal.types.conversations import PersonId
from foveal.types.keys import Role
from foveal.types.people import Standing

Claim: TypeAlias = "str | int | float | bool | list[Claim] | dict[str, Claim] | None"
Claims: TypeAlias = Mapping[str, Claim]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRules:
    """How claims are read.

    Attributes:
        name: Claim with the name to be shown.
        groups: Claim with the groups; `a.b` is the claim b inside the claim a.
        roles: Claim with the roles.
        values: For each role, the values of that claim that give it; the strongest given counts.
        default: Role of people who are given none; None: they may not come in.
    """

    name: str
    groups: str
    roles: str
    values: Mapping[Role, frozenset[str]]
    default: Role | None

    def standing(self, claims: Claims) -> Standing:
        """Who has these claims, which were proven before.

        Raises:
            SignInRefusedError: They give no role, or the groups are not told.
        """
        name = self._name(claims)
        return Standing(
            person=PersonId(f"openid:{claims['iss']}#{claims['sub']}"),
            name=name,
            role=self._role(claims, name),
            groups=self._groups(claims, name),
        )

    def _name(self, claims: Claims) -> str:
        wanted = (self.name, "name", "preferred_username", "email", "sub")
        return next((v for v in (claims.get(claim) for claim in wanted) if isinstance(v, str) and v), "")

    def _role(self, claims: Claims, name: str) -> Role:
        given = set(_texts(_found(claims, self.roles)))
        for role in reversed(Role):
            if given & self.values.get(role, frozenset()):
                return role
        if self.default is None:
            raise SignInRefusedError(
                f"{name} has no role here.", remedy="Ask who runs this server to be given one at the provider."
            )
        return self.default

    def _groups(self, claims: Claims, name: str) -> tuple[str, ...]:
        if is_overage(claims, self.groups):
            raise SignInRefusedError(
                f"{name} is in more groups than the provider writes into a token, so nobody knows what they may see.",
                remedy="In Microsoft Entra, have the token carry only the groups assigned to the application, or use "
                "app roles as groups (see the how-to on signing in).",
            )
        return tuple(dict.fromkeys(_texts(_found(claims, self.groups))))


def is_overage(claims: Claims, groups: str) -> bool:
    """Whether Microsoft Entra left out too many groups (Microsoft identity platform, "Groups overage")."""
    named = claims.get("_claim_names")
    left_out = (isinstance(named, Mapping) and groups in named) or claims.get("hasgroups") in (True, "true")
    return left_out and _found(claims, groups) is None


def _found(claims: Claims, path: str) -> Claim:
    """A claim; names with dots of their own (`https://example.com/groups`) are looked for whole at first."""
    if path in claims or "." not in path:
        return claims.get(path)
    head, _, rest = path.partition(".")
    inner = claims.get(head)
    return _found(inner, rest) if isinstance(inner, Mapping) else None


def _texts(claim: Claim) -> list[str]:
    """Of a list, or of one text; some providers write several into one with blanks between, which none has inside."""
    if isinstance(claim, str):
        return claim.split()
    return [v for v in claim if isinstance(v, str) and v] if isinstance(claim, list) else []
