"""API keys in the catalog's database.

A key is `fvl_` and 256 random bits. What is kept is its SHA-256. A password needs a slow, salted hash, because people
choose from few enough of them to try them all; nobody can try 2^256 keys, and no two keys are equal, so a table made
beforehand is of no use either: neither slowness nor salt would add anything (NIST SP 800-63B, section 5.1.2.2, asks
for them below 112 bits of entropy). A fast hash without salt lets a key be found by its hash in one look-up, whose
time depends on the hash alone, which a caller cannot steer; the comparison after it takes constant time all the same.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, insert, or_, select, update
from sqlalchemy.engine import Row

from foveal.errors import ConflictError, NotFoundError
from foveal.stores.catalog_tables import api_keys
from foveal.stores.sql_engine import reading, writing
from foveal.types.keys import KeyGrant, KeyId, KeyRecord, RateLimits, Role

MARK = "fvl_"
"""Begins every key, so that scanners of public code recognise one that was published."""
RANDOM_BYTES = 32
PREFIX_CHARACTERS = 10
"""Shown of a key: the mark and 36 of its bits."""

_WHAT = "The table of API keys"


class SqlApiKeys:
    """`foveal.ports.ApiKeys` over an engine made by `foveal.stores.catalog.open_engine`."""

    def __init__(self, engine: Engine, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._engine = engine
        self._now = now

    def create(self, grant: KeyGrant) -> tuple[KeyRecord, str]:
        """Make a key."""
        key = MARK + secrets.token_urlsafe(RANDOM_BYTES)
        now = self._now()
        with writing(self._engine, _WHAT) as connection:
            same_name = connection.execute(select(api_keys).where(api_keys.c.name == grant.name))
            if any(_record(row).opens(now) for row in same_name):
                raise ConflictError(
                    f"There is a key {grant.name!r} already.", remedy="Revoke it first, or choose another name."
                )
            values = {
                "name": grant.name,
                "hash": _hash(key),
                "prefix": key[:PREFIX_CHARACTERS],
                "role": grant.role.value,
                "groups": None if grant.groups is None else json.dumps(list(grant.groups)),
                "requests_per_minute": grant.limits.requests_per_minute,
                "tokens_per_minute": grant.limits.tokens_per_minute,
                "created_at": now,
                "expires_at": grant.expires_at,
            }
            made = connection.execute(insert(api_keys).values(**values).returning(api_keys)).one()
        return _record(made), key

    def find(self, key: str) -> KeyRecord | None:
        """The record of a key."""
        wanted = _hash(key)
        with reading(self._engine, _WHAT) as connection:
            row = connection.execute(select(api_keys).where(api_keys.c.hash == wanted)).first()
        return _record(row) if row is not None and hmac.compare_digest(row.hash, wanted) else None

    def records(self) -> list[KeyRecord]:
        """All, oldest first."""
        with reading(self._engine, _WHAT) as connection:
            return [_record(row) for row in connection.execute(select(api_keys).order_by(api_keys.c.number))]

    def revoke(self, name: str) -> None:
        """Have the keys of that name open nothing."""
        named = api_keys.c.name == name
        with writing(self._engine, _WHAT) as connection:
            if connection.execute(select(api_keys.c.number).where(named)).first() is None:
                raise NotFoundError(f"There is no key {name!r}.", remedy="`foveal keys list` shows them.")
            opening = named & api_keys.c.revoked_at.is_(None)
            connection.execute(update(api_keys).where(opening).values(revoked_at=self._now()))

    def note_use(self, key_id: KeyId, at: datetime) -> None:
        """Keep when a key was last used."""
        older = or_(api_keys.c.last_used_at.is_(None), api_keys.c.last_used_at < at)
        with writing(self._engine, _WHAT) as connection:
            connection.execute(update(api_keys).where(api_keys.c.number == key_id, older).values(last_used_at=at))


def _hash(key: str) -> str:
    # A header can hold any bytes; half of a surrogate pair has no UTF-8 of its own.
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _record(row: Row[Any]) -> KeyRecord:
    return KeyRecord(
        key_id=KeyId(row.number),
        grant=KeyGrant(
            name=row.name,
            role=Role(row.role),
            groups=None if row.groups is None else tuple(json.loads(row.groups)),
            limits=RateLimits(requests_per_minute=row.requests_per_minute, tokens_per_minute=row.tokens_per_minute),
            expires_at=row.expires_at,
        ),
        prefix=row.prefix,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
