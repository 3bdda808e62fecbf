"""Foveal's own indexes as if they were indexes of fields: chunks are their documents.

Words find what `foveal search` finds; filters, facets, orders and vectors work as in any other index. Whatever is
asked, only chunks that the caller's groups may see exist.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

import numpy as np

from foveal.errors import InvalidRequestError
from foveal.ports.stores import ChunkSnapshot
from foveal.retrieval.document_values import value_of
from foveal.retrieval.filtering import both, visible_to
from foveal.types.chunks import Chunk, ChunkId, IndexSchema
from foveal.types.documents import (
    DocumentQuery,
    IndexDefinition,
    IndexField,
    Json,
    Metric,
    RowNumbers,
    ScoredRows,
    SemanticConfiguration,
    StoredDocument,
    TextMatch,
    VectorField,
)
from foveal.types.filters import CHUNK_FIELDS, FieldType, Filter
from foveal.types.search import Mode, Query, SearchResult
from foveal.types.vectors import FloatArray

SEMANTIC = "default"
"""Name of the semantic configuration of every index of Foveal's own."""
MOST_FOUND = 1_000
"""Results that words find at most; the count of such a search is no larger."""

_SORTABLE = (FieldType.STRING, FieldType.INT, FieldType.DATETIME, FieldType.GEO_POINT)
_LONG = frozenset({"content", "description", "caption", "ocr_text"})


def chunk_definition(name: str, schema: IndexSchema) -> IndexDefinition:
    """The definition that such an index would have. Its names are not limited as those of callers' indexes are."""
    fields = [_field(name_, field.type, field.searchable) for name_, field in CHUNK_FIELDS.items()]
    url = IndexField(name="url", type=FieldType.STRING)
    lengths = {"text_vector": schema.text_dim, "image_vector": schema.image_dim, "seen_vector": schema.text_dim}
    vectors = [
        VectorField(name=name_, dimensions=length, metric=Metric.DOT_PRODUCT, retrievable=False)
        for name_, length in lengths.items()
        if length
    ]
    content = ("content", "description", "caption", "ocr_text")
    semantic = SemanticConfiguration(name=SEMANTIC, title="title", content=content, keywords=("tags",))
    return IndexDefinition(
        name=name,
        fields=(*fields, url),
        vectors=tuple(vectors),
        semantic=(semantic,),
        default_semantic=SEMANTIC,
    )


def _field(name: str, type_: FieldType, searchable: bool) -> IndexField:
    return IndexField(
        name=name,
        type=type_,
        key=name == "id",
        searchable=searchable,
        filterable=True,
        sortable=type_ in _SORTABLE and name not in _LONG,
        facetable=type_ is not FieldType.GEO_POINT and name not in _LONG,
        analyzer="standard.lucene" if searchable else "",
    )


def chunk_document(chunk: Chunk) -> StoredDocument:
    """A chunk as a document, without vectors."""
    values: dict[str, Json] = {
        "id": chunk.chunk_id,
        "kind": chunk.kind.value,
        "tags": list(chunk.tags),
        "objects": list(dict.fromkeys(found.label for found in chunk.objects)),
        "colors": list(chunk.colors),
        "facts": list(chunk.facts),
        "group_ids": list(chunk.group_ids),
        "feature": chunk.feature.value or None,
        "page": chunk.locator.page,
        "start_ms": chunk.locator.start_ms,
        "end_ms": chunk.locator.end_ms,
    }
    for name in ("document_id", "asset_id", "media_type", "source", "title", "filepath", "url", *sorted(_LONG)):
        values[name] = getattr(chunk, name)
    for name in (
        "language",
        "camera",
        "width_px",
        "height_px",
        "size_bytes",
        "hate",
        "self_harm",
        "sexual",
        "violence",
    ):
        values[name] = getattr(chunk, name)
    for name in ("taken_at", "modified_at"):
        moment = getattr(chunk, name)
        values[name] = moment.isoformat().replace("+00:00", "Z") if moment else None
    if chunk.latitude is not None and chunk.longitude is not None:
        values["location"] = {"type": "Point", "coordinates": [chunk.longitude, chunk.latitude]}
    return StoredDocument(key=chunk.chunk_id, values={k: v for k, v in values.items() if v is not None})


class ChunkDocuments:
    """`foveal.ports.DocumentSnapshot` over the chunks that some groups may see. For one thread, one request.

    Args:
        search: Searches the index as `foveal search` does; the query carries the groups.
        groups: As in `Query.groups`.
    """

    def __init__(
        self,
        definition: IndexDefinition,
        snapshot: ChunkSnapshot,
        search: Callable[[Query], SearchResult],
        groups: tuple[str, ...] | None,
    ) -> None:
        self._definition = definition
        self._snapshot = snapshot
        self._search = search
        self._groups = groups
        self._documents: list[StoredDocument] = []
        self._numbers: dict[str, int] = {}

    def find_words(self, query: DocumentQuery) -> ScoredRows:
        """What `foveal search` finds, with its scores."""
        found = self._search(
            Query(
                text=query.words,
                mode=Mode.HYBRID,
                filter=query.filter,
                groups=self._groups,
                top=MOST_FOUND,
                collapse=False,
            )
        )
        rows = self._add(chunk_document(hit.chunk) for hit in found.hits)
        scores = np.array([hit.score for hit in found.hits], dtype=np.float64)
        order = np.argsort(rows)
        return ScoredRows(rows=rows[order], scores=scores[order])

    def rows(self, where: Filter | None = None) -> RowNumbers:
        """By chunk id."""
        return np.sort(self._add(chunk_document(chunk) for chunk in self._snapshot.scan(where=self._seen(where))))

    def count(self, where: Filter | None = None) -> int:
        """Chunks that pass."""
        return self._snapshot.count(self._seen(where))

    def matching(self, match: TextMatch, field: str, *, where: Filter | None = None) -> ScoredRows:
        """By `find_words`, which searches all fields together."""
        return self.find_words(DocumentQuery(words=match.text, filter=where))

    def nearest(
        self, field: str, vector: FloatArray, *, where: Filter | None = None, limit: int, exhaustive: bool = False
    ) -> ScoredRows:
        """By the index of chunks; `vector` is made a unit vector."""
        known = self._definition.vector(field)
        if known is None or vector.shape != (known.dimensions,):
            raise InvalidRequestError(f"A vector of length {vector.size} does not fit the field {field!r}.")
        norm = float(np.linalg.norm(vector))
        if not norm:
            return ScoredRows(rows=np.empty(0, np.int64), scores=np.empty(0))
        found = self._snapshot.nearest(field, vector / norm, where=self._seen(where), limit=limit)
        scores = {scored.chunk_id: scored.score for scored in found}
        chunks = self._snapshot.fetch([scored.chunk_id for scored in found], where=self._seen(None))
        rows = self._add(chunk_document(chunk) for chunk in chunks)
        return ScoredRows(rows=rows, scores=np.array([scores[chunk.chunk_id] for chunk in chunks], dtype=np.float64))

    def read(self, rows: RowNumbers, *, vectors: Collection[str] = ()) -> list[StoredDocument]:
        """Vectors are not given away."""
        return [self._documents[row] for row in rows.tolist()]

    def values(self, field: str, rows: RowNumbers) -> list[Json]:
        """One field."""
        return [value_of(self._documents[row], field) for row in rows.tolist()]

    def find(self, keys: Collection[str], *, vectors: Collection[str] = ()) -> dict[str, StoredDocument]:
        """By chunk id."""
        chunks = self._snapshot.fetch([ChunkId(key) for key in keys], where=self._seen(None))
        return {chunk.chunk_id: chunk_document(chunk) for chunk in chunks}

    def _seen(self, where: Filter | None) -> Filter | None:
        return both(where, visible_to(self._groups))

    def _add(self, documents: Iterable[StoredDocument]) -> RowNumbers:
        rows = []
        for document in documents:
            if document.key not in self._numbers:
                self._numbers[document.key] = len(self._documents)
                self._documents.append(document)
            rows.append(self._numbers[document.key])
        return np.array(rows, dtype=np.int64)
