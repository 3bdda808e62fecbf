"""What an index holds and how well it can be searched."""

from __future__ import annotations

from foveal.errors import LiveIndexBusyError, SourceUnusableError, StoreCorruptError
from foveal.pipeline.adapt import AdapterKeeper
from foveal.pipeline.open_index import OpenIndex
from foveal.ports.stores import Catalog, ChunkStore
from foveal.runtime.live import LiveIndexes
from foveal.runtime.models import Models
from foveal.types.assets import MediaKind
from foveal.types.filters import And, Comparison, Or
from foveal.types.ingestions import DocumentState
from foveal.types.status import IndexStatus

IMAGES = Comparison(field="kind", op="eq", value=MediaKind.IMAGE.value)
DESCRIBED = And(
    operands=(
        IMAGES,
        Or(
            operands=(
                Comparison(field="description", op="ne", value=""),
                Comparison(field="caption", op="ne", value=""),
            )
        ),
    )
)
"""Images with words of a person or of a vision model."""


def index_status(
    index: str, catalog: Catalog, store: ChunkStore, adapters: AdapterKeeper, models: Models
) -> IndexStatus:
    """Count what an index holds.

    Raises:
        IndexNotFoundError: No such index.
    """
    record = catalog.index(index)
    states = [d.state for d in catalog.documents(index)]
    try:
        snapshot = store.snapshot(index, record.generation)
        chunks, images, described = snapshot.count(), snapshot.count(IMAGES), snapshot.count(DESCRIBED)
        quality, problem = adapters.quality(index), ""
    except StoreCorruptError as error:  # one that cannot be opened does not hide the others
        chunks = images = described = 0
        quality, problem = None, str(error)
    return IndexStatus(
        name=index,
        generation=record.generation,
        documents=states.count(DocumentState.INDEXED),
        failed=states.count(DocumentState.FAILED),
        chunks=chunks,
        images=images,
        described=described,
        problem=problem,
        text_model=models.text.identity,
        image_model=models.image.identity,
        adapter_described=quality.n if quality else 0,
        adapter_candidates=quality.candidates if quality else 0,
        adapter_recall_at_1=quality.recall_at_1 if quality else None,
        adapter_recall_at_10=quality.recall_at_10 if quality else None,
    )


def documents_status(opened: OpenIndex) -> IndexStatus:
    """What an index of a caller's own fields holds; no model of ours made anything in it."""
    count = opened.count()
    return IndexStatus(
        name=opened.definition.name,
        generation=0,
        documents=count,
        chunks=count,
        images=0,
        described=0,
        text_model="",
        image_model="",
    )


def live_status(index: str, indexes: LiveIndexes) -> IndexStatus:
    """What an index of another service holds; nothing while it cannot be reached."""
    try:
        documents = indexes.count(index)
    except (SourceUnusableError, LiveIndexBusyError):
        documents = 0
    return IndexStatus(
        name=index,
        generation=0,
        documents=documents,
        chunks=documents,
        images=0,
        described=0,
        text_model="",
        image_model="",
        live=True,
    )
