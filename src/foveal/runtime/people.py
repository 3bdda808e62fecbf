"""Puts together what is kept of people."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from foveal.errors import IndexNotFoundError
from foveal.pipeline.history import History
from foveal.pipeline.people import People
from foveal.settings.group import listed
from foveal.types.keys import Role

if TYPE_CHECKING:
    from foveal.identity.desk import Desk
    from foveal.ports.people import IdentityProvider
    from foveal.runtime.parts import Parts
    from foveal.settings.serving import OpenId
    from foveal.types.chunks import Chunk, ChunkId


def desk(parts: Parts) -> Desk:
    """Accounts over the database of the catalog, and the provider of the settings."""
    from foveal.identity.desk import Desk
    from foveal.stores.people import SqlAccounts, SqlMistakes, SqlSignIns

    provider = _provider(parts.settings.openid) if parts.settings.openid.on else None
    life = timedelta(hours=parts.settings.sign_in.hours)
    return Desk(SqlAccounts(parts.engine), SqlSignIns(parts.engine), SqlMistakes(parts.engine), provider, life=life)


def _provider(openid: OpenId) -> IdentityProvider:
    from foveal.identity.claims import ClaimRules
    from foveal.identity.openid import OpenIdClient, OpenIdProvider

    given = {Role.OWNER: openid.owners, Role.CONTRIBUTOR: openid.contributors, Role.READER: openid.readers}
    client = OpenIdClient(
        issuer=openid.issuer,
        client_id=openid.client_id,
        secret=openid.client_secret.get_secret_value(),
        scopes=openid.scopes,
        audiences=listed(openid.audience),
        label=openid.label or urlsplit(openid.issuer).hostname or openid.issuer,
    )
    rules = ClaimRules(
        name=openid.name_claim,
        groups=openid.groups_claim,
        roles=openid.roles_claim,
        values={role: frozenset(listed(values)) for role, values in given.items()},
        default=None if openid.default_role == "none" else Role(openid.default_role),
    )
    return OpenIdProvider(client, rules)


def people(parts: Parts) -> People:
    """Over the database of the catalog."""
    from foveal.stores.conversations import SqlConversations, SqlShares
    from foveal.stores.feedback import SqlFeedbackLog

    def find(index: str, chunk_ids: Collection[ChunkId]) -> Mapping[ChunkId, Chunk] | None:
        try:
            record = parts.catalog.index(index)
        except IndexNotFoundError:
            return None
        snapshot = parts.store.snapshot(index, record.generation)
        return {chunk.chunk_id: chunk for chunk in snapshot.fetch(list(chunk_ids))}

    kept = parts.settings.history
    history = History(
        SqlConversations(parts.engine),
        SqlShares(parts.engine),
        find,
        names=lambda: [record.name for record in parts.catalog.indexes()],
        on=kept.on,
        share_life=timedelta(days=kept.share_days),
    )
    return People(history=history, feedback=SqlFeedbackLog(parts.engine))
