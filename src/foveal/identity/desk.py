"""Where people sign in and out, and where it is known who they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from foveal.errors import InvalidRequestError, NotFoundError, RateLimitError, SignInRefusedError
from foveal.identity import passwords
from foveal.ports.people import Accounts, IdentityProvider, SignIns
from foveal.types.conversations import PersonId
from foveal.types.people import Account, Departure, SignIn, Standing, Way

RENEWED_AFTER = timedelta(hours=1)
FREE_TRIES = 5
"""Wrong passwords for one name, or from one address, before each further one has to wait."""
LONGEST_WAIT_S = 900.0
MOST_REMEMBERED = 10_000


class Throttle:
    """Makes guessing slow: after `FREE_TRIES` mistakes the wait doubles with each, from one second.

    What it knows lives in the process: replicas count apart. Not for several threads at the very same moment: a try
    too many may slip through.

    Args:
        clock: Seconds, monotonic.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._mistakes: dict[str, tuple[int, float]] = {}

    def check(self, *keys: str) -> None:
        """Let pass who need not wait.

        Raises:
            RateLimitError: One of them has to.
        """
        wait_s = max(self._wait_s(key) for key in keys)
        if wait_s > 0:
            raise RateLimitError(
                "There were too many wrong passwords.",
                remedy=f"Try again in {wait_s:.0f} seconds.",
                retry_after_s=wait_s,
            )

    def mistaken(self, *keys: str) -> None:
        """Note a mistake."""
        if len(self._mistakes) > MOST_REMEMBERED:
            self._forget()
        for key in keys:
            self._mistakes[key] = (self._mistakes.get(key, (0, 0.0))[0] + 1, self._clock())

    def right(self, key: str) -> None:
        """Forget mistakes."""
        self._mistakes.pop(key, None)

    def _wait_s(self, key: str) -> float:
        count, last_s = self._mistakes.get(key, (0, 0.0))
        if count < FREE_TRIES:
            return 0.0
        wait_s = min(2.0 ** min(count - FREE_TRIES, 20), LONGEST_WAIT_S)
        return max(0.0, last_s + wait_s - self._clock())

    def _forget(self) -> None:
        oldest = sorted(self._mistakes, key=lambda key: self._mistakes[key][1])
        for key in oldest[: len(oldest) // 2]:
            del self._mistakes[key]


class Desk:
    """Signs people in and out. Its methods may wait for a database, a provider, or a hash that is slow on purpose.

    Args:
        provider: None: there is none.
        life: How long somebody stays signed in.
    """

    def __init__(
        self,
        accounts: Accounts,
        sign_ins: SignIns,
        provider: IdentityProvider | None = None,
        *,
        life: timedelta = timedelta(hours=12),
        throttle: Throttle | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.provider = provider
        self.life = life
        self._accounts = accounts
        self._sign_ins = sign_ins
        self._throttle = throttle or Throttle()
        self._now = now

    # --- signing in

    def has_accounts(self) -> bool:
        """Whether there is a person with a password."""
        return bool(self._accounts.all())

    def is_staffed(self) -> bool:
        """Whether people can sign in: then they must."""
        return self.provider is not None or self.has_accounts()

    def with_password(self, name: str, password: str, address: str) -> str:
        """Sign in; the token.

        Raises:
            SignInRefusedError: There is no such person with that password; nobody learns which of the two was wrong.
            RateLimitError: There were too many mistakes.
        """
        name = account_name(name, lenient=True)
        keys = (f"name {name}", f"address {address}")
        self._throttle.check(*keys)
        account, password_hash = self._accounts.find(name) or (None, None)
        if not passwords.matches(password, password_hash) or account is None or password_hash is None:
            self._throttle.mistaken(*keys)
            raise SignInRefusedError("The name or the password is wrong.")
        self._throttle.right(keys[0])
        if passwords.is_stale(password_hash):
            self._accounts.put(account, passwords.hashed(password))
        return self._sign_ins.open(Way.ACCOUNT, account.standing, self.life)[1]

    def depart(self, redirect_uri: str) -> Departure:
        """Send somebody to the provider.

        Raises:
            NotFoundError: There is none.
            ProviderUnavailableError: It cannot be reached.
        """
        return self._provider().depart(redirect_uri)

    def arrive(self, departure: Departure, answer: Mapping[str, str]) -> str:
        """Sign in who came back; the token.

        Raises:
            SignInRefusedError: The provider, or this server, says no.
        """
        standing = self._provider().arrive(departure, answer)
        return self._sign_ins.open(Way.OPENID, standing, self.life)[1]

    # --- being signed in

    def find(self, token: str) -> SignIn | None:
        """Whose token of a browser it is, with what an account may now."""
        found = self._sign_ins.find(token)
        if found is None or found.way is Way.OPENID:
            return found if self.provider is not None else None
        kept = self._accounts.find(found.standing.name)
        return None if kept is None else replace(found, standing=kept[0].standing)

    def renewed(self, token: str, sign_in: SignIn) -> str | None:
        """A new token in place of one that has served long enough; None while it has not."""
        return self._sign_ins.renew(token) if self._now() >= sign_in.renewed_at + RENEWED_AFTER else None

    def bearer(self, token: str) -> Standing | None:
        """Whose access token of the provider it is.

        Raises:
            SignInRefusedError: Of somebody without a role here.
            ProviderUnavailableError: The provider cannot be asked for its keys.
        """
        return None if self.provider is None else self.provider.standing(token)

    def sign_out(self, token: str) -> None:
        """Have a token count no more."""
        self._sign_ins.close(token)

    # --- accounts

    def accounts(self) -> list[Account]:
        """Every one, by name."""
        return self._accounts.all()

    def add(self, account: Account, password: str) -> Account:
        """A new account.

        Raises:
            ConflictError: There is one of that name.
            InvalidRequestError: The name or the password will not do.
        """
        made = replace(account, name=account_name(account.name))
        self._accounts.add(made, passwords.hashed(password))
        return made

    def change(self, name: str, change: Callable[[Account], Account]) -> Account:
        """Give an account another role, or other groups; the next request counts as that.

        Raises:
            NotFoundError: There is none of that name.
        """
        changed = change(self._account(name))
        self._accounts.put(changed)
        return changed

    def set_password(self, name: str, password: str) -> None:
        """Give an account another password, and sign the person out everywhere.

        Raises:
            NotFoundError: There is none of that name.
            InvalidRequestError: The password will not do.
        """
        account = self._account(name)
        self._accounts.put(account, passwords.hashed(password))
        self._sign_ins.close_all(account.standing.person)

    def remove(self, name: str) -> PersonId:
        """Remove an account and sign the person out everywhere.

        Raises:
            NotFoundError: There is none of that name.
        """
        person = self._account(name).standing.person
        self._accounts.remove(account_name(name, lenient=True))
        self._sign_ins.close_all(person)
        return person

    def _account(self, name: str) -> Account:
        found = self._accounts.find(account_name(name, lenient=True))
        if found is None:
            raise NotFoundError(f"There is no account {name!r}.", remedy="`foveal people list` shows them.")
        return found[0]

    def _provider(self) -> IdentityProvider:
        if self.provider is None:
            raise NotFoundError("No identity provider is set up.", remedy="Set openid.issuer and openid.client_id.")
        return self.provider


def account_name(text: str, *, lenient: bool = False) -> str:
    """A name as it is kept: in lower case, of letters, digits and . _ @ + -.

    Args:
        lenient: Take any; it is only looked for.

    Raises:
        InvalidRequestError: It has anything else, or is empty or longer than 64 characters.
    """
    name = text.strip().lower()
    if lenient or (0 < len(name) <= 64 and all(c.isalnum() or c in "._@+-" for c in name)):
        return name
    raise InvalidRequestError(f"{text!r} is no name.", remedy="Use 1 to 64 letters, digits and . _ @ + -.")
