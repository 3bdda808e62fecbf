"""The keys that open this server, known again for a moment without asking the store."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from foveal.api.crowd import Threads
from foveal.errors import StoreError
from foveal.ports.stores import ApiKeys
from foveal.types.keys import KeyRecord

FRESH_S = 2.0
"""A key that another process revokes opens for so long at most."""
MOST_KNOWN = 1024
NOTED_EVERY_S = 60.0
"""Uses of a key are kept to the minute: a write for each request would cost more than the request."""
LOOKUPS = 4
"""Look-ups at once. They have threads of their own, so that a key is never checked after a queue of searches."""


@dataclass(frozen=True, slots=True)
class _Known:
    record: KeyRecord
    seen_s: float


class KeyRing:
    """Finds out whose key a credential is.

    Args:
        owner_keys: Keys from the settings; each has every right.
        store: The keys that were made; None: there are no others.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        owner_keys: Collection[str],
        store: ApiKeys | None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._owner_keys = [key.encode() for key in owner_keys]
        self._store = store
        self._clock = clock
        self._threads = Threads(LOOKUPS)
        self._known: dict[str, _Known] = {}
        self._needs_key = bool(self._owner_keys)
        self._looked_s: float | None = None
        self._noted_s: dict[int, float] = {}
        self._noting = False

    async def needs_key(self) -> bool:
        """Whether a caller needs one: as soon as there is or ever was one. Revoking the last one opens nothing.

        Raises:
            StoreError: The store cannot be read.
        """
        if not self._needs_key and self._store is not None and not self._fresh(self._looked_s):
            self._needs_key = bool(await self._threads.run(self._store.records))
            self._looked_s = self._clock()
        return self._needs_key

    def is_owner(self, credential: str) -> bool:
        """Whether it is a key from the settings; takes the same time for every wrong one."""
        given = credential.encode("utf-8", "surrogatepass")
        return sum(hmac.compare_digest(key, given) for key in self._owner_keys) > 0  # `any` would stop at the first

    async def find(self, credential: str) -> KeyRecord | None:
        """The record of a key that opens.

        Raises:
            StoreError: The store cannot be read.
        """
        known = self._known.get(credential)
        if known is None or not self._fresh(known.seen_s):
            known = await self._look_up(credential)
        return known.record if known is not None and known.record.opens(datetime.now(UTC)) else None

    async def note_use(self, record: KeyRecord) -> None:
        """Keep that a key was used, if that has not been kept lately. A store that is busy is left alone."""
        last_s = self._noted_s.get(record.key_id)
        if self._store is None or self._noting or (last_s is not None and self._clock() - last_s < NOTED_EVERY_S):
            return
        self._noting, self._noted_s[record.key_id] = True, self._clock()
        try:
            with suppress(StoreError):  # only for people's eyes, and tried again in a minute
                await self._threads.run(self._store.note_use, record.key_id, datetime.now(UTC).replace(microsecond=0))
        finally:
            self._noting = False

    async def _look_up(self, credential: str) -> _Known | None:
        record = await self._threads.run(self._store.find, credential) if self._store is not None else None
        if record is None:  # wrong keys are not remembered: they are without number
            self._known.pop(credential, None)
            return None
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        known = self._known[credential] = _Known(record, self._clock())
        return known

    def _fresh(self, seen_s: float | None) -> bool:
        return seen_s is not None and self._clock() - seen_s < FRESH_S


def distinct(credentials: Iterator[str]) -> list[str]:
    """In order, without blanks and repetitions: some clients send one key in two headers."""
    return list(dict.fromkeys(c for c in credentials if c))
