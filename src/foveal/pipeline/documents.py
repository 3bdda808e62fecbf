"""Indexes of callers' own fields as data of a conversation: their documents become chunks, found as chunks are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from foveal.errors import InvalidRequestError
from foveal.pipeline.document_finder import DocumentFinder, DocumentHit, field_text
from foveal.pipeline.search import POOL
from foveal.ports.fields import DocumentSnapshot
from foveal.retrieval.document_mapping import complete_mapping
from foveal.retrieval.strictness import Calibration, Keywords, calibrate, keywords, passes, rerank_confidence
from foveal.retrieval.text_queries import words_leaf
from foveal.types.assets import AssetId, DocumentId, MediaKind
from foveal.types.chat import DataSource
from foveal.types.chunks import Chunk, ChunkId, Generation
from foveal.types.documents import (
    DocumentQuery,
    Everything,
    IndexDefinition,
    Metric,
    SemanticConfiguration,
    StoredDocument,
    VectorQuery,
)
from foveal.types.live_settings import FieldsMapping
from foveal.types.search import ExtractiveAnswer, Hit, Leg, LegScore, Mode, Query, SearchResult
from foveal.types.vectors import FloatArray

SAMPLED = 256
"""Documents from whose vectors it is told what is ordinary in a collection."""

_SEMANTIC = "mapped"


@dataclass(frozen=True, slots=True)
class _Judge:
    """What the scores of a hit say of whether it answers."""

    definition: IndexDefinition
    words: Keywords
    asked: Mapping[str, FloatArray]
    calibrations: Mapping[str, Calibration]

    def legs(self, hit: DocumentHit, content: str, rank: int) -> tuple[LegScore, ...]:
        return tuple(
            LegScore(
                leg=Leg.TEXT if name else Leg.KEYWORD,
                rank=rank,
                score=score,
                confidence=self._confidence(name, score, content),
                contribution=hit.score,
            )
            for name, score in hit.leg_scores
        )

    def _confidence(self, name: str, score: float, content: str) -> float:
        if not name:
            return self.words.confidence(content)
        known = self.definition.vector(name)
        # Vectors of a text model have length 1, so that distances and cosines say the same.
        cosine = 1.0 - score * score / 2.0 if known and known.metric is Metric.EUCLIDEAN else score
        return self.calibrations[name].text_confidence(self.asked[name], cosine)


class DocumentSearcher:
    """Answers data sources whose index has fields of its own.

    Args:
        open_index: The definition and what the index holds now.
        background: Vectors of that length of passages about nothing in particular (see `strictness.calibrate`).
    """

    def __init__(
        self,
        finder: DocumentFinder,
        open_index: Callable[[str], tuple[IndexDefinition, DocumentSnapshot]],
        *,
        background: Callable[[int], FloatArray],
    ) -> None:
        self._finder = finder
        self._open = open_index
        self._background = background

    def search(self, source: DataSource, query: Query) -> SearchResult:
        """Search one source; images of the query are passed over, since such an index has only words and vectors.

        Raises:
            IndexNotFoundError: No such index.
            InvalidRequestError: The mapping names a field that is not there, or a pure vector search has no model
                whose vectors are of the index's length.
        """
        definition, snapshot = self._open(source.index)
        mapping = complete_mapping(source.mapping, definition)
        if not query.text.strip():
            return SearchResult(index=source.index, generation=Generation(0), hits=())
        vectors = self._vectors(definition, mapping, query) if query.mode is not Mode.KEYWORD else {}
        if query.mode is Mode.VECTOR and not vectors:
            raise InvalidRequestError(
                f"The index {source.index!r} cannot be searched by vectors alone: it has no vector field of a length "
                "that a text model here gives.",
                remedy="Use the query type simple, or have the operator set an embedding deployment.",
            )
        wanted = query.skip + query.top
        found = self._finder.find(
            _with_mapped_passages(definition, mapping),
            snapshot,
            DocumentQuery(
                text=Everything() if query.mode is Mode.VECTOR else words_leaf(query.text, "any"),
                words=query.text,
                vectors=tuple(
                    VectorQuery(fields=(name,), vector=v, k=max(POOL, wanted)) for name, v in vectors.items()
                ),
                filter=query.filter,
                rerank=_SEMANTIC if query.mode is Mode.SEMANTIC else "",
                top=max(POOL, 3 * wanted),
            ),
        )
        contents = [_content(definition, mapping, hit.document) for hit in found.hits]
        calibrations = {name: self._calibration(name, vector, snapshot) for name, vector in vectors.items()}
        judge = _Judge(definition, keywords(query.text, contents), vectors, calibrations)
        hits = [
            _hit(hit, definition, mapping, content, judge.legs(hit, content, rank))
            for rank, (hit, content) in enumerate(zip(found.hits, contents, strict=True), 1)
        ]
        kept = [h for h in hits if query.strictness is None or passes(h.confidence, query.strictness)]
        rejected = [h for h in hits if query.strictness is not None and not passes(h.confidence, query.strictness)]
        kept_ids = {h.chunk.chunk_id for h in kept}
        return SearchResult(
            index=source.index,
            generation=Generation(0),
            hits=tuple(kept[query.skip : wanted]),
            rejected=tuple(rejected[: query.top]),
            answers=tuple(
                ExtractiveAnswer(chunk_id=ChunkId(hit.document.key), extract=extract)
                for hit, extract in found.answers
                if hit.document.key in kept_ids
            ),
        )

    def _vectors(self, definition: IndexDefinition, mapping: FieldsMapping, query: Query) -> dict[str, FloatArray]:
        """The question by vector field, of those for which a text model has the length."""
        found: dict[str, FloatArray] = {}
        for name in mapping.vectors:
            known = definition.vector(name)
            vector = self._finder.embed(known.dimensions, query.text) if known else None
            if vector is not None:
                found[name] = vector
        return found

    def _calibration(self, name: str, asked: FloatArray, snapshot: DocumentSnapshot) -> Calibration:
        """What is ordinary among the vectors of a field, from documents spread over the index."""
        rows = snapshot.rows()
        documents = snapshot.read(rows[:: max(1, len(rows) // SAMPLED)][:SAMPLED], vectors=[name])
        vectors = [document.vectors[name] for document in documents if name in document.vectors]
        units = np.array([v / max(float(np.linalg.norm(v)), 1e-9) for v in vectors], dtype=np.float32)
        texts = units.reshape(len(vectors), asked.size)
        none = np.empty((0, 0), np.float32)
        return calibrate(texts, [""] * len(vectors), none, background=self._background(asked.size))


def _with_mapped_passages(definition: IndexDefinition, mapping: FieldsMapping) -> IndexDefinition:
    configuration = SemanticConfiguration(name=_SEMANTIC, title=mapping.title, content=mapping.content)
    return IndexDefinition(
        name=definition.name, fields=definition.fields, vectors=definition.vectors, semantic=(configuration,)
    )


def _content(definition: IndexDefinition, mapping: FieldsMapping, document: StoredDocument) -> str:
    return mapping.separator.join(filter(None, (field_text(definition, n, document) for n in mapping.content)))


def _hit(
    hit: DocumentHit, definition: IndexDefinition, mapping: FieldsMapping, content: str, legs: tuple[LegScore, ...]
) -> Hit:
    confidence = max((leg.confidence for leg in legs), default=0.0)
    if hit.rerank_score is not None:
        confidence = max(confidence, rerank_confidence(hit.rerank_score))
    return Hit(
        chunk=_chunk(definition, mapping, hit.document, content),
        score=hit.score if hit.rerank_score is None else hit.rerank_score,
        confidence=confidence,
        legs=legs,
        rerank_score=hit.rerank_score,
        extract=hit.extract,
    )


def _chunk(definition: IndexDefinition, mapping: FieldsMapping, document: StoredDocument, content: str) -> Chunk:
    title, url, filepath = (
        field_text(definition, name, document) if name else ""
        for name in (mapping.title, mapping.url, mapping.filepath)
    )
    return Chunk(
        chunk_id=ChunkId(document.key),
        document_id=DocumentId(document.key),
        asset_id=AssetId(""),
        kind=MediaKind.TEXT,
        media_type="text/plain",
        source=definition.name,
        title=title,
        filepath=filepath,
        url=url or None,
        content=content,
    )
