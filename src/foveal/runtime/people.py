"""Puts together what is kept of people."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from foveal.errors import IndexNotFoundError
from foveal.pipeline.history import History
from foveal.pipeline.people import People

if TYPE_CHECKING:
    from foveal.runtime.parts import Parts
    from foveal.types.chunks import Chunk, ChunkId


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
