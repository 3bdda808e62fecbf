"""Search in an index of a caller's own fields: words and vectors ∥ → fuse → order or re-rank → count, facets, page.

Sources for the scores: "Vector query response in Azure AI Search" (1 / (1 + distance) for one vector query), "Relevance
scoring in hybrid search using Reciprocal Rank Fusion" (1 / (60 + rank), ranks from 0 as the service's replies have
them), Microsoft. Words alone score by BM25.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from foveal.errors import InvalidRequestError
from foveal.pipeline.search import ANSWER_SCORE, ANSWERS, RERANKED
from foveal.ports.fields import DocumentSnapshot
from foveal.ports.models import Reranker, TextEmbedder
from foveal.retrieval.document_values import scalars, value_of
from foveal.retrieval.facets import count_facet
from foveal.retrieval.fusion import RANK_CONSTANT
from foveal.retrieval.orders import ordered, sort_values
from foveal.types.chunks import ChunkId
from foveal.types.documents import (
    DocumentQuery,
    Everything,
    FacetBucket,
    IndexDefinition,
    Metric,
    OrderKey,
    ScoredRows,
    SemanticConfiguration,
    StoredDocument,
    TextClauses,
    TextLeaf,
    TextQuery,
    VectorQuery,
)
from foveal.types.filters import Filter
from foveal.types.search import Extract, Passage, Reranked
from foveal.types.vectors import FloatArray

FROM_TEXT = 1_000
"""Best text results that go into a fusion, as `maxTextRecallSize` of Azure AI Search."""

Scores = NDArray[np.float64]

FindWords = Callable[[DocumentQuery], ScoredRows]
"""Documents that have to do with the words of a query and pass its filter; rows ascending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentHit:
    """One result.

    Attributes:
        rerank_score: 0..4, None where nothing re-ranked.
        extract: What the re-ranker found to speak for it.
        leg_scores: What each list that has it says: BM25 for words (its name is empty), similarity by vector field.
    """

    document: StoredDocument
    score: float
    rerank_score: float | None = None
    extract: Extract | None = None
    leg_scores: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundDocuments:
    """A page of results.

    Attributes:
        count: All that were found, on this page or not.
        answers: Best first; the hit and its sentence.
        facets: By field, in the order asked for.
    """

    hits: tuple[DocumentHit, ...]
    count: int
    answers: tuple[tuple[DocumentHit, Extract], ...] = ()
    facets: tuple[tuple[str, tuple[FacetBucket, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class _Leg:
    """One ranked list; `name` is the vector field, empty for words."""

    name: str
    found: ScoredRows
    weight: float = 1.0
    metric: Metric = Metric.COSINE


@dataclass(slots=True)
class _Ranking:
    """Rows in the present order, with their scores."""

    rows: NDArray[np.int64]
    scores: Scores
    judged: dict[int, Reranked] = field(default_factory=dict)


class DocumentFinder:
    """Finds documents, from any number of threads.

    Args:
        embedder: Gives a text model whose vectors have that length, None when there is none.
        reranker: Gives the re-ranker; called only for queries that re-rank.
    """

    def __init__(
        self,
        *,
        embedder: Callable[[int], TextEmbedder | None],
        reranker: Callable[[], Reranker],
    ) -> None:
        self._embedder = embedder
        self._reranker = reranker

    def find(
        self,
        definition: IndexDefinition,
        snapshot: DocumentSnapshot,
        query: DocumentQuery,
        *,
        words: FindWords | None = None,
    ) -> FoundDocuments:
        """Search one index.

        Args:
            words: Finds documents by the query's words where the index does that in a way of its own.

        Raises:
            InvalidRequestError: The query names what the index does not have.
            ModelError: Words cannot be embedded or re-ranked now.
        """
        legs = self._legs(definition, snapshot, query, words)
        ranking = _rank(legs, snapshot, query)
        if query.order:
            _order(ranking, definition, snapshot, query)
        elif query.rerank:
            self._rerank(ranking, definition, snapshot, query)
        page = ranking.rows[query.skip : query.skip + query.top]
        hits = _hits(page, ranking, snapshot, legs, query.with_vectors)
        return FoundDocuments(
            hits=hits,
            count=len(ranking.rows),
            answers=self._answers(ranking, snapshot) if query.rerank else (),
            facets=tuple(
                (f.field, count_facet(f, known, snapshot.values(f.field, ranking.rows)))
                for f in query.facets
                if (known := definition.plain(f.field)) is not None
            ),
        )

    def embed(self, dimensions: int, text: str) -> FloatArray | None:
        """A question as a vector of that length, None when no model gives one."""
        model = self._embedder(dimensions)
        return None if model is None else model.embed_queries([text])[0]

    def _legs(
        self, definition: IndexDefinition, snapshot: DocumentSnapshot, query: DocumentQuery, words: FindWords | None
    ) -> list[_Leg]:
        legs: list[_Leg] = []
        if not isinstance(query.text, Everything) and words is not None:
            legs.append(_Leg("", words(query)))
        elif not isinstance(query.text, Everything) or not query.vectors:
            legs.append(_Leg("", _Text(definition, snapshot, query).found(query.text)))
        allowed = np.sort(snapshot.rows(query.filter)) if query.filter_after and query.vectors else None
        before = None if query.filter_after else query.filter
        for asked in query.vectors:
            for name in asked.fields:
                found = self._nearest(definition, snapshot, asked, name, before)
                if allowed is not None:
                    kept = np.isin(found.rows, allowed)
                    found = ScoredRows(rows=found.rows[kept], scores=found.scores[kept])
                known = definition.vector(name)
                legs.append(_Leg(name, found, asked.weight, known.metric if known else Metric.COSINE))
        return legs

    def _nearest(
        self,
        definition: IndexDefinition,
        snapshot: DocumentSnapshot,
        asked: VectorQuery,
        name: str,
        where: Filter | None,
    ) -> ScoredRows:
        known = definition.vector(name)
        if known is None:
            raise InvalidRequestError(
                f"{name!r} is not a vector field of the index {definition.name!r}.",
                remedy=f"Vector fields: {', '.join(v.name for v in definition.vectors) or 'none'}.",
            )
        vector = asked.vector if asked.vector is not None else self.embed(known.dimensions, asked.text)
        if vector is None:
            raise InvalidRequestError(
                f"No text model here gives vectors of {known.dimensions} numbers, as the field {name!r} has.",
                remedy='Send the vector itself (kind "vector"), or have the operator set an embedding deployment.',
            )
        return snapshot.nearest(name, vector, where=where, limit=asked.k, exhaustive=asked.exhaustive)

    def _rerank(
        self, ranking: _Ranking, definition: IndexDefinition, snapshot: DocumentSnapshot, query: DocumentQuery
    ) -> None:
        """The first in the re-ranker's order, the others after them as they were."""
        configuration = _configuration(definition, query.rerank)
        first = ranking.rows[:RERANKED]
        documents = snapshot.read(first)
        passages = [
            Passage(chunk_id=ChunkId(document.key), text=passage_text(definition, configuration, document))
            for document in documents
        ]
        judged = self._reranker().rerank(query.words, passages)
        ranking.judged = dict(zip(first.tolist(), judged, strict=True))
        order = sorted(range(len(first)), key=lambda n: -judged[n].score)
        ranking.rows[: len(first)] = first[order]
        ranking.scores[: len(first)] = ranking.scores[: len(first)][order]

    def _answers(self, ranking: _Ranking, snapshot: DocumentSnapshot) -> tuple[tuple[DocumentHit, Extract], ...]:
        best = [
            (row, judged, judged.extract)
            for row in ranking.rows[:ANSWERS].tolist()
            if (judged := ranking.judged.get(row)) is not None
            and judged.extract is not None
            and judged.score >= ANSWER_SCORE
        ]
        documents = snapshot.read(np.array([row for row, _, _ in best], dtype=np.int64))
        return tuple(
            (DocumentHit(document=document, score=judged.score, rerank_score=judged.score, extract=extract), extract)
            for document, (_, judged, extract) in zip(documents, best, strict=True)
        )


# --- words ------------------------------------------------------------------------------------------------


class _Text:
    """A query over words, evaluated clause by clause: every clause to all rows that match it and their scores."""

    def __init__(self, definition: IndexDefinition, snapshot: DocumentSnapshot, query: DocumentQuery) -> None:
        self._snapshot = snapshot
        self._where = query.filter
        self._fields = query.search_fields or definition.searchable
        unknown = next((f for f in self._fields if f not in definition.searchable), None)
        if unknown is not None:
            raise InvalidRequestError(
                f"{unknown!r} is not a searchable field of the index {definition.name!r}.",
                remedy=f"Searchable fields: {', '.join(definition.searchable) or 'none'}.",
            )

    def found(self, query: TextQuery) -> ScoredRows:
        """Rows ascending."""
        match query:
            case Everything():
                rows = self._snapshot.rows(self._where)
                return ScoredRows(rows=rows, scores=np.ones(len(rows)))
            case TextLeaf():
                return _boosted(self._leaf(query), query.boost)
            case TextClauses():
                return _boosted(self._clauses(query), query.boost)

    def _leaf(self, leaf: TextLeaf) -> ScoredRows:
        fields = leaf.fields or self._fields
        return _union([self._snapshot.matching(leaf.match, field, where=self._where) for field in fields])

    def _clauses(self, clauses: TextClauses) -> ScoredRows:
        should = _union([self.found(one) for one in clauses.should])
        if clauses.must:
            kept = _intersection([self.found(one) for one in clauses.must])
            extra = _scores_of(should, kept.rows)
            kept = ScoredRows(rows=kept.rows, scores=kept.scores + extra)
        elif clauses.should:
            kept = should
        elif clauses.must_not:
            kept = self.found(Everything())
        else:
            kept = should
        for one in clauses.must_not:
            left = ~np.isin(kept.rows, self.found(one).rows)
            kept = ScoredRows(rows=kept.rows[left], scores=kept.scores[left])
        return kept


def _boosted(found: ScoredRows, boost: float) -> ScoredRows:
    return found if boost == 1.0 else ScoredRows(rows=found.rows, scores=found.scores * boost)


def _union(parts: Sequence[ScoredRows]) -> ScoredRows:
    """Rows of any part, with the sum of their scores."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return ScoredRows(rows=np.empty(0, np.int64), scores=np.empty(0))
    rows, places = np.unique(np.concatenate([part.rows for part in parts]), return_inverse=True)
    scores = np.bincount(places, weights=np.concatenate([part.scores for part in parts]), minlength=len(rows))
    return ScoredRows(rows=rows, scores=scores.astype(np.float64))


def _intersection(parts: Sequence[ScoredRows]) -> ScoredRows:
    """Rows of every part, with the sum of their scores."""
    rows = parts[0].rows
    for part in parts[1:]:
        rows = np.intersect1d(rows, part.rows, assume_unique=True)
    scores = np.sum([_scores_of(part, rows) for part in parts], axis=0)
    return ScoredRows(rows=rows, scores=scores)


def _scores_of(found: ScoredRows, rows: NDArray[np.int64]) -> Scores:
    """Scores of these rows, 0 for those not found; `found.rows` is ascending."""
    if not len(found.rows):
        return np.zeros(len(rows))
    places = np.minimum(np.searchsorted(found.rows, rows), len(found.rows) - 1)
    scores: Scores = np.where(found.rows[places] == rows, found.scores[places], 0.0)
    return scores


# --- ranking ----------------------------------------------------------------------------------------------


def _rank(legs: Sequence[_Leg], snapshot: DocumentSnapshot, query: DocumentQuery) -> _Ranking:
    """Every row of every leg, best first, ties by row."""
    if len(legs) == 1:
        leg = legs[0]
        scores = leg.found.scores if not leg.name else _vector_scores(leg)
        rows = leg.found.rows
    else:
        fused = _union([_contributions(leg) for leg in legs])
        rows, scores = fused.rows, fused.scores
    order = np.lexsort((rows, -scores))
    return _Ranking(rows=rows[order].copy(), scores=scores[order].copy())


def _contributions(leg: _Leg) -> ScoredRows:
    """What each row of a leg adds to the fused score; rows ascending."""
    order = np.lexsort((leg.found.rows, -leg.found.scores))
    if not leg.name:
        order = order[:FROM_TEXT]
    terms = leg.weight / (RANK_CONSTANT + np.arange(len(order)))
    rows = leg.found.rows[order]
    ascending = np.argsort(rows)
    return ScoredRows(rows=rows[ascending], scores=terms[ascending])


def _vector_scores(leg: _Leg) -> Scores:
    """1 / (1 + distance)."""
    scores: Scores = leg.found.scores
    distances = -scores if leg.metric is Metric.EUCLIDEAN else 1.0 - scores
    if leg.metric is Metric.DOT_PRODUCT:  # below -1 for long vectors, where Azure's formula has a pole
        return np.where(distances > 0, 1.0 / (1.0 + np.maximum(distances, 0.0)), scores)
    return 1.0 / (1.0 + np.maximum(distances, 0.0))


def _order(ranking: _Ranking, definition: IndexDefinition, snapshot: DocumentSnapshot, query: DocumentQuery) -> None:
    keys: list[tuple[Sequence[object], bool]] = []
    for order in query.order:
        if order.by is OrderKey.SCORE:
            keys.append((ranking.scores.tolist(), order.descending))
        else:
            values = snapshot.values(order.field, ranking.rows)
            keys.append((sort_values(order, definition, values), order.descending))
    places = ordered(len(ranking.rows), keys)
    ranking.rows, ranking.scores = ranking.rows[places], ranking.scores[places]


def _hits(
    page: NDArray[np.int64],
    ranking: _Ranking,
    snapshot: DocumentSnapshot,
    legs: Sequence[_Leg],
    with_vectors: Sequence[str],
) -> tuple[DocumentHit, ...]:
    scores = dict(zip(ranking.rows.tolist(), ranking.scores.tolist(), strict=True))
    known = {leg.name: dict(zip(leg.found.rows.tolist(), leg.found.scores.tolist(), strict=True)) for leg in legs}
    return tuple(
        DocumentHit(
            document=document,
            score=scores[row],
            rerank_score=judged.score if (judged := ranking.judged.get(row)) else None,
            extract=judged.extract if judged else None,
            leg_scores=tuple((name, found[row]) for name, found in known.items() if row in found),
        )
        for row, document in zip(page.tolist(), snapshot.read(page, vectors=with_vectors), strict=True)
    )


# --- re-ranking -------------------------------------------------------------------------------------------


def _configuration(definition: IndexDefinition, name: str) -> SemanticConfiguration:
    found = next((c for c in definition.semantic if c.name == name), None)
    if found is None:
        raise InvalidRequestError(
            f"The index {definition.name!r} has no semantic configuration {name!r}.",
            remedy=f"It has: {', '.join(c.name for c in definition.semantic) or 'none'}.",
        )
    return found


def passage_text(definition: IndexDefinition, configuration: SemanticConfiguration, document: StoredDocument) -> str:
    """What a re-ranker reads: title, content, keywords; all searchable fields where none is prioritised."""
    named = [configuration.title, *configuration.content, *configuration.keywords]
    fields = [name for name in named if name] or list(definition.searchable)
    return "\n".join(filter(None, (field_text(definition, name, document) for name in fields)))


def field_text(definition: IndexDefinition, name: str, document: StoredDocument) -> str:
    """A field's value as words."""
    known = definition.plain(name)
    if known is None:
        return ""
    return ", ".join(str(one) for one in scalars(known, value_of(document, name)))
