"""Accounts, sign-ins and an identity provider in memory. For tests only: anybody can guess their tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from foveal.errors import ConflictError, NotFoundError, SignInRefusedError
from foveal.types.conversations import PersonId
from foveal.types.people import GRACE, Account, Departure, SignIn, SignInId, Standing, Way


class InMemoryAccounts:
    """`foveal.ports.Accounts` over a dictionary."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Account, str]] = {}

    def add(self, account: Account, password_hash: str) -> None:
        """Keep a new one."""
        if account.name in self._kept:
            raise ConflictError(f"There is an account {account.name!r} already.")
        self._kept[account.name] = (account, password_hash)

    def all(self) -> list[Account]:
        """By name."""
        return [self._kept[name][0] for name in sorted(self._kept)]

    def find(self, name: str) -> tuple[Account, str] | None:
        """One and the hash of its password."""
        return self._kept.get(name)

    def put(self, account: Account, password_hash: str | None = None) -> None:
        """Keep one in place of the one of its name."""
        if account.name not in self._kept:
            raise NotFoundError(f"There is no account {account.name!r}.")
        old, old_hash = self._kept[account.name]
        kept = replace(account, created_at=old.created_at)
        self._kept[account.name] = (kept, old_hash if password_hash is None else password_hash)

    def remove(self, name: str) -> None:
        """Forget one."""
        if self._kept.pop(name, None) is None:
            raise NotFoundError(f"There is no account {name!r}.")


class InMemorySignIns:
    """`foveal.ports.SignIns` over dictionaries."""

    def __init__(self, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._made = 0
        self._kept: dict[str, tuple[SignIn, str, str]] = {}

    def open(self, way: Way, standing: Standing, life: timedelta) -> tuple[SignIn, str]:
        """Sign somebody in."""
        self._made += 1
        now, number = self._now(), f"fake-{self._made:04d}"
        made = SignIn(
            sign_in_id=SignInId(number),
            way=way,
            standing=standing,
            opened_at=now,
            renewed_at=now,
            expires_at=now + life,
        )
        self._kept[number] = (made, f"{number}.0", "")
        return made, f"{number}.0"

    def find(self, token: str) -> SignIn | None:
        """Whose token it is."""
        made, newest, old = self._kept.get(token.partition(".")[0], (None, "", ""))
        now = self._now()
        if made is None or now >= made.expires_at:
            return None
        return made if token == newest or (token == old and now < made.renewed_at + GRACE) else None

    def renew(self, token: str) -> str | None:
        """A new token in place of this one."""
        made = self.find(token)
        if made is None or self._kept[made.sign_in_id][1] != token:
            return None
        self._made += 1
        new = f"{made.sign_in_id}.{self._made}"
        self._kept[made.sign_in_id] = (replace(made, renewed_at=self._now()), new, token)
        return new

    def close(self, token: str) -> None:
        """Sign out."""
        made = self.find(token)
        if made is not None:
            del self._kept[made.sign_in_id]

    def close_all(self, person: PersonId) -> int:
        """Sign somebody out everywhere."""
        theirs = [key for key, (made, _, _) in self._kept.items() if made.standing.person == person]
        for key in theirs:
            del self._kept[key]
        return len(theirs)


class FakeIdentityProvider:
    """`foveal.ports.IdentityProvider` that knows some people: the code it sends them back with is their name,
    and so is, after `token `, their access token.
    """

    label: str = "Fake"

    def __init__(self, *people: Standing) -> None:
        self._people = {person.name: person for person in people}
        self._departed = 0

    def depart(self, redirect_uri: str) -> Departure:
        """Send somebody there."""
        self._departed += 1
        return Departure(
            url=f"https://id.example/authorize?state=state-{self._departed}",
            state=f"state-{self._departed}",
            nonce=f"nonce-{self._departed}",
            verifier=f"verifier-{self._departed}",
            redirect_uri=redirect_uri,
        )

    def arrive(self, departure: Departure, answer: Mapping[str, str]) -> Standing:
        """Who came back."""
        person = self._people.get(answer.get("code", ""))
        if answer.get("state") != departure.state or answer.get("error") or person is None:
            raise SignInRefusedError("The provider says no.")
        return person

    def standing(self, token: str) -> Standing | None:
        """Whose access token this is."""
        return self._people.get(token.removeprefix("token ")) if token.startswith("token ") else None

    def leave_url(self, redirect_uri: str) -> str:
        """Nowhere."""
        return ""
