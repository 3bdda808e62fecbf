"""API keys: who holds one, what it opens, and how much it may ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

KeyId = NewType("KeyId", int)
"""Of one key for ever; names are given again."""


class Role(StrEnum):
    """What a caller may do; each role may do all that the ones before it may.

    They mirror the Azure roles that the retired service asked for (documentation of Azure OpenAI On Your Data, "Azure
    Role-based access controls for adding data sources").
    """

    READER = "reader"
    """Ask, search, look: *Cognitive Services OpenAI User* and *Search Index Data Reader*."""
    CONTRIBUTOR = "contributor"
    """Also add, change and remove data: *Cognitive Services OpenAI Contributor*, *Storage Blob Data Contributor*."""
    OWNER = "owner"
    """Also keys, settings and deleting indexes: *Search Service Contributor* and *Contributor*."""

    def covers(self, needed: Role) -> bool:
        """Whether this role may do what `needed` may."""
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """What one key may ask for in any minute; None means no limit.

    Attributes:
        tokens_per_minute: Prompt and answer together.
    """

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyGrant:
    """What a key is made with.

    Attributes:
        name: Who holds it. No two keys that open have the same.
        groups: As in `Query.groups`; None: sees everything.
        expires_at: Aware; None: never.
    """

    name: str
    role: Role = Role.READER
    groups: tuple[str, ...] | None = None
    limits: RateLimits = field(default_factory=RateLimits)
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """A key as it is kept: everything but the key.

    Attributes:
        prefix: Its first characters, for recognition; far too few to guess the rest from.
        last_used_at: To the minute; None: never.
        revoked_at: None while it opens.
    """

    key_id: KeyId
    grant: KeyGrant
    prefix: str
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    def opens(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.grant.expires_at is None or now < self.grant.expires_at)
