"""API keys in memory: the n-th key made is always the same. For tests only: anybody can guess them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from threading import RLock

from foveal.errors import ConflictError, NotFoundError
from foveal.types.keys import KeyGrant, KeyId, KeyRecord


class InMemoryApiKeys:
    """`foveal.ports.ApiKeys` over a dictionary."""

    def __init__(self, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._records: dict[str, KeyRecord] = {}
        self._lock = RLock()

    def create(self, grant: KeyGrant) -> tuple[KeyRecord, str]:
        """Make a key."""
        with self._lock:
            now = self._now()
            if any(r.grant.name == grant.name and r.opens(now) for r in self._records.values()):
                raise ConflictError(f"There is a key {grant.name!r} already.")
            number = len(self._records) + 1
            key = f"fvl_fake-{number:04d}-not-random"
            record = KeyRecord(key_id=KeyId(number), grant=grant, prefix=key[:10], created_at=now)
            self._records[key] = record
            return record, key

    def find(self, key: str) -> KeyRecord | None:
        """The record of a key."""
        with self._lock:
            return self._records.get(key)

    def records(self) -> list[KeyRecord]:
        """All, oldest first."""
        with self._lock:
            return list(self._records.values())

    def revoke(self, name: str) -> None:
        """Have the keys of that name open nothing."""
        with self._lock:
            named = {k: r for k, r in self._records.items() if r.grant.name == name}
            if not named:
                raise NotFoundError(f"There is no key {name!r}.")
            for key, record in named.items():
                self._records[key] = replace(record, revoked_at=record.revoked_at or self._now())

    def note_use(self, key_id: KeyId, at: datetime) -> None:
        """Keep when a key was last used."""
        with self._lock:
            for key, record in self._records.items():
                if record.key_id == key_id and (record.last_used_at is None or record.last_used_at < at):
                    self._records[key] = replace(record, last_used_at=at)
