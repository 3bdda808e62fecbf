"""Who a browser's token or a bearer token belongs to, known again for a moment without asking the desk."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from foveal.api.callers import Caller
from foveal.api.crowd import Threads
from foveal.identity.desk import Desk
from foveal.types.people import SignIn, Standing

FRESH_S = 2.0
"""Somebody who is removed, or given other groups, has what they had for so long at most."""
MOST_KNOWN = 4096
LOOKUPS = 4
"""Look-ups at once, in threads of their own: nobody waits for searches to be known."""


@dataclass(frozen=True, slots=True)
class _Known:
    sign_in: SignIn
    seen_s: float


class Reception:
    """The desk, asked from the event loop.

    Args:
        clock: Seconds, monotonic.
    """

    def __init__(self, desk: Desk, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.desk = desk
        self.threads = Threads(LOOKUPS)
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._staffed = False
        self._looked_s: float | None = None

    async def is_staffed(self) -> bool:
        """Whether people can sign in here: then they must. Removing the last account opens nothing."""
        if not self._staffed and not self._fresh(self._looked_s):
            self._staffed = await self.threads.run(self.desk.is_staffed)
            self._looked_s = self._clock()
        return self._staffed

    async def find(self, token: str) -> SignIn | None:
        """Whose token of a browser it is."""
        known = self._known.get(token)
        if known is not None and self._fresh(known.seen_s):
            return known.sign_in
        found = await self.threads.run(self.desk.find, token)
        if found is None:  # wrong tokens are not remembered: they are without number
            self._known.pop(token, None)
            return None
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[token] = _Known(found, self._clock())
        return found

    async def bearer(self, token: str) -> Caller | None:
        """Whose access token it is.

        Raises:
            SignInRefusedError: Of somebody without a role here.
            ProviderUnavailableError: The provider's keys cannot be had.
        """
        if self.desk.provider is None or token.count(".") != 2:
            return None
        standing = await self.threads.run(self.desk.bearer, token)
        return None if standing is None else caller_for(standing)

    async def renewed(self, token: str, sign_in: SignIn) -> str | None:
        """A new token in place of one that has served long enough; None while it has not."""
        newer = await self.threads.run(self.desk.renewed, token, sign_in)
        self._known.pop(token, None)
        return newer

    async def sign_out(self, token: str) -> None:
        """Have a token count no more."""
        self._known.pop(token, None)
        await self.threads.run(self.desk.sign_out, token)

    def _fresh(self, seen_s: float | None) -> bool:
        return seen_s is not None and self._clock() - seen_s < FRESH_S


def caller_for(standing: Standing) -> Caller:
    """Somebody as a caller."""
    return Caller(name=standing.name, role=standing.role, person=standing.person, groups=standing.groups)
