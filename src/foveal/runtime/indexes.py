"""Indexes of files are made, and indexes of every kind deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foveal.errors import ConflictError, IndexNotFoundError
from foveal.pipeline.ingest import NOTHING
from foveal.pipeline.search_indexes import Match
from foveal.types.chunks import IndexSchema

if TYPE_CHECKING:
    from foveal.runtime.parts import Parts


def ensure_index(parts: Parts, name: str) -> None:
    """Make an index of files, where there is none of that name.

    Raises:
        ConflictError: There is one of another kind, or one that was made with other models.
    """
    if parts.live.find(name) is not None:
        raise ConflictError(
            f"Index {name} is another service's: files cannot be ingested into it.",
            remedy="Ingest into another index.",
        )
    if parts.retrieving.search_indexes.find(name) is not None:
        raise ConflictError(
            f"Index {name} has fields of its maker's own: files cannot be ingested into it.",
            remedy="Ingest into another index.",
        )
    schema = IndexSchema(text_dim=parts.models.text.dim, image_dim=parts.models.image.dim)
    try:
        record = parts.catalog.index(name)
    except IndexNotFoundError:
        parts.store.drop(name)  # what a process killed between the two next lines left behind
        parts.catalog.create_index(name, schema, parts.store.create(name, schema))
        return
    if record.text_model:
        raise ConflictError(
            f"The vectors of the index {name} were made anew with {record.text_model} meanwhile.",
            remedy="Do it again.",
        )
    if record.schema != schema:
        raise ConflictError(
            f"Index {name} was built with other models: its vectors have {record.schema.text_dim} and "
            f"{record.schema.image_dim} numbers, the models give {schema.text_dim} and {schema.image_dim}.",
            remedy=f"Ingest into a new index; or make its vectors anew: foveal index reembed {name} --model "
            "foveal-embedding.",
        )


def delete_index(parts: Parts, index: str) -> None:
    """Delete an index of any kind that is this home's.

    Raises:
        IndexNotFoundError: No such index.
        ConflictError: It is another service's.
    """
    own = parts.retrieving.search_indexes
    if own.find(index) is not None:
        own.delete(index, Match())
    elif (live := parts.live.find(index)) is not None:
        raise ConflictError(
            f"The index {index} is another service's; only its source can be forgotten.",
            remedy=f"foveal source remove {live.settings.name}",
        )
    elif parts.vision.videos.registered(index):
        parts.vision.videos.forget(index)
    else:
        drop_index(parts, index)


def drop_index(parts: Parts, index: str) -> None:
    """Delete an index of files with everything derived from them; the files stay.

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
