"""An index of files goes, with everything derived from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foveal.pipeline.ingest import NOTHING

if TYPE_CHECKING:
    from foveal.runtime.parts import Parts


def drop_index(parts: Parts, index: str) -> None:
    """Delete an index with everything derived from its files; the files stay.

    Raises:
        IndexNotFoundError: No such index.
    """
    catalog = parts.catalog
    assets = {d.asset_id for d in catalog.documents(index)} - {NOTHING}
    catalog.delete_index(index)
    parts.store.drop(index)
    parts.written_words.forget(index)
    kept = {d.asset_id for record in catalog.indexes() for d in catalog.documents(record.name)}
    parts.derived.delete(assets - kept)
