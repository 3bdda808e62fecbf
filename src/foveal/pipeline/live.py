"""Indexes of other services as data of a conversation: searched where they are, their documents found as chunks are.

What a service orders by (a fused score) says nothing of whether a hit answers, so a hit is as sure as the surest of:
the words of the question that its content has; how much nearer its vector is to the question than passages about
nothing in particular are, with the model that embeds the question; the judgement of a re-ranker. Where the service
embeds the question, with a model that is not here, nearness is measured from the last of what it found: the tail of a
page of fifty is about as near as anything in the index.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from foveal.errors import InvalidRequestError
from foveal.pipeline.search import ANSWER_SCORE, ANSWERS, RERANKED
from foveal.ports.live import LiveIndex
from foveal.ports.models import Reranker, TextEmbedder
from foveal.retrieval.background import SUBJECTS
from foveal.retrieval.live_mapping import merged
from foveal.retrieval.strictness import (
    Calibration,
    Keywords,
    calibrate,
    keywords,
    passes,
    rerank_confidence,
    tail_confidence,
)
from foveal.types.assets import AssetId, DocumentId, MediaKind
from foveal.types.chat import DataSource
from foveal.types.chunks import Chunk, ChunkId, Generation
from foveal.types.documents import Json
from foveal.types.filters import Verbatim
from foveal.types.live import LiveHit, LiveHits, LiveQuery
from foveal.types.live_settings import FieldsMapping, LiveSettings
from foveal.types.search import ExtractiveAnswer, Hit, Leg, LegScore, Mode, Passage, Query, SearchResult
from foveal.types.vectors import FloatArray

POOL = 50
"""Documents asked of a service at least: what a semantic ranker looks at, and enough for a tail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLive:
    """A live index, ready to be searched.

    Attributes:
        name: What it is called here.
        settings: Complete: the mapping, the lengths of the vectors.
        index: Opens the settings with a mapping that a request completed.
        groups: Groups that may see it as a whole; empty: everybody.
        words: Whether the service finds by words; where it does not, every search goes by vectors.
        reranks: Whether the service has a re-ranker.
    """

    name: str
    settings: LiveSettings
    index: Callable[[LiveSettings], LiveIndex]
    groups: tuple[str, ...] = ()
    words: bool = True
    reranks: bool = False


@dataclass(frozen=True, slots=True)
class _Asked:
    """The question embedded by one model."""

    model: TextEmbedder
    vector: FloatArray


class LiveSearcher:
    """Answers data sources whose index another service keeps.

    Args:
        embedder: Gives the text model of a deployment (empty: any) whose vectors have a length, or None.
        reranker: Gives Foveal's own re-ranker, for services without one.
    """

    def __init__(
        self, *, embedder: Callable[[str, int], TextEmbedder | None], reranker: Callable[[], Reranker]
    ) -> None:
        self._embedder = embedder
        self._reranker = reranker
        self._calibrations: dict[str, Calibration] = {}
        self._lock = threading.Lock()

    def search(self, opened: OpenLive, source: DataSource, query: Query) -> SearchResult:
        """Search one source; images of the query are passed over: what embedded an index's images is not here.

        Raises:
            InvalidRequestError: A pure vector search has no model whose vectors are of the index's length.
            SourceUnusableError: The service cannot be reached, or refuses.
            LiveIndexBusyError: The service cannot answer now.
        """
        nothing = SearchResult(index=opened.name, generation=Generation(0), hits=())
        if not query.text.strip() or not _may_see(opened.groups, query.groups):
            return nothing
        settings = replace(
            opened.settings,
            mapping=merged(source.mapping, opened.settings.mapping),
            semantic=source.semantic or opened.settings.semantic,
            deployment=source.deployment or opened.settings.deployment,
        )
        by_vectors = not opened.words or _by_vectors(source, query.mode)
        asked = self._asked(settings, source, query) if by_vectors else {}
        there = query.mode is Mode.SEMANTIC and opened.reranks and bool(settings.semantic)
        wanted = query.skip + query.top
        found = opened.index(settings).search(
            self._live_query(opened, settings, asked, query, by_vectors=by_vectors, rerank=there)
        )
        if query.mode is Mode.SEMANTIC and (not there or found.partial):
            found = self._reranked(found, settings.mapping, query.text)
        hits = self._judged(found, settings, asked, query)
        kept = [h for h in hits if query.strictness is None or passes(h.confidence, query.strictness)]
        rejected = [h for h in hits if query.strictness is not None and not passes(h.confidence, query.strictness)]
        kept_ids = {h.chunk.chunk_id for h in kept}
        return replace(
            nothing,
            hits=tuple(kept[query.skip : wanted]),
            rejected=tuple(rejected[: query.top]),
            answers=tuple(
                ExtractiveAnswer(chunk_id=ChunkId(key), extract=extract)
                for key, extract in found.answers
                if key in kept_ids
            ),
        )

    def _live_query(
        self,
        opened: OpenLive,
        settings: LiveSettings,
        asked: Mapping[str, _Asked],
        query: Query,
        *,
        by_vectors: bool,
        rerank: bool,
    ) -> LiveQuery:
        left = (name for name in settings.mapping.vectors if name in settings.vectorized and name not in asked)
        vectorize = tuple(left) if by_vectors else ()
        words = opened.words and query.mode is not Mode.VECTOR
        if not words and not asked and not vectorize:
            raise InvalidRequestError(
                f"The index {opened.name} cannot be searched by vectors alone: no model here gives vectors of the "
                "length of its vector fields.",
                remedy="Use the query type simple, or have the operator set an embedding deployment.",
            )
        return LiveQuery(
            text=query.text,
            words=words,
            vectors={name: one.vector for name, one in asked.items()},
            vectorize=vectorize,
            rerank=rerank,
            filter=_own_words(query),
            groups=query.groups,
            top=max(POOL, query.skip + 2 * query.top),
        )

    def _asked(self, settings: LiveSettings, source: DataSource, query: Query) -> dict[str, _Asked]:
        """The question by vector field, of those for which there is a model; a service's own comes first."""
        found: dict[str, _Asked] = {}
        embedded: dict[str, FloatArray] = {}
        for name in settings.mapping.vectors:
            if name in settings.vectorized and not source.deployment:
                continue
            model = self._embedder(settings.deployment, settings.length(name))
            if model is not None:
                if model.identity not in embedded:
                    embedded[model.identity] = model.embed_queries([query.text])[0]
                found[name] = _Asked(model, embedded[model.identity])
        return found

    def _judged(self, found: LiveHits, settings: LiveSettings, asked: Mapping[str, _Asked], query: Query) -> list[Hit]:
        contents = [_content(settings.mapping, hit.values) for hit in found.hits]
        words = keywords(query.text, contents) if query.mode is not Mode.VECTOR else None
        tails = {
            name: min((h.cosines[name] for h in found.hits if name in h.cosines), default=1.0)
            for name in settings.mapping.vectors
        }

        def nearness(name: str, cosine: float) -> float:
            if name in asked:
                return self._calibration(asked[name].model).text_confidence(asked[name].vector, cosine)
            return tail_confidence(cosine, tails.get(name, 1.0))

        return [
            _hit(hit, settings, rank=rank, words=words, nearness=nearness) for rank, hit in enumerate(found.hits, 1)
        ]

    def _calibration(self, model: TextEmbedder) -> Calibration:
        """What is ordinary for a model, of which nothing is known but passages about nothing in particular."""
        with self._lock:
            if model.identity not in self._calibrations:
                background = model.embed_passages(SUBJECTS)
                none = np.empty((0, 0), np.float32)
                self._calibrations[model.identity] = calibrate(
                    background, [""] * len(background), none, background=background
                )
            return self._calibrations[model.identity]

    def _reranked(self, found: LiveHits, mapping: FieldsMapping, question: str) -> LiveHits:
        """The first in the order of Foveal's own re-ranker, the others after them as they were."""
        first = found.hits[:RERANKED]
        passages = [
            Passage(
                chunk_id=ChunkId(hit.key),
                text="\n".join(filter(None, (_text(hit.values.get(mapping.title)), _content(mapping, hit.values)))),
            )
            for hit in first
        ]
        judged = self._reranker().rerank(question, passages)
        scored = sorted(zip(first, judged, strict=True), key=lambda pair: -pair[1].score)
        best = [(hit.key, one.extract) for hit, one in scored[:ANSWERS] if one.extract and one.score >= ANSWER_SCORE]
        return LiveHits(
            hits=(
                *(replace(hit, rerank_score=one.score, caption=one.extract) for hit, one in scored),
                *found.hits[RERANKED:],
            ),
            answers=tuple((key, extract) for key, extract in best if extract is not None),
            partial=found.partial,
        )


def _by_vectors(source: DataSource, mode: Mode) -> bool:
    return mode in (Mode.VECTOR, Mode.HYBRID) or (mode is Mode.SEMANTIC and not source.vectorless)


def _may_see(groups: tuple[str, ...], caller: tuple[str, ...] | None) -> bool:
    return caller is None or not groups or bool(set(groups) & set(caller))


def _own_words(query: Query) -> str:
    if query.filter is None:
        return ""
    if not isinstance(query.filter, Verbatim):
        raise TypeError(f"not a filter of another service: {query.filter!r}")
    return query.filter.text


def _hit(
    hit: LiveHit, settings: LiveSettings, *, rank: int, words: Keywords | None, nearness: Callable[[str, float], float]
) -> Hit:
    content = _content(settings.mapping, hit.values)
    legs: list[LegScore] = []
    if words is not None:
        legs.append(_leg(Leg.KEYWORD, rank, hit.score, words.confidence(content), hit.score))
    for name, cosine in hit.cosines.items():
        legs.append(_leg(Leg.TEXT, rank, cosine, nearness(name, cosine), 0.0 if legs else hit.score))
    confidence = max((leg.confidence for leg in legs), default=0.0)
    if hit.rerank_score is not None:
        confidence = max(confidence, rerank_confidence(hit.rerank_score))
    return Hit(
        chunk=_chunk(hit, settings, content),
        score=hit.score if hit.rerank_score is None else hit.rerank_score,
        confidence=confidence,
        legs=tuple(legs),
        rerank_score=hit.rerank_score,
        extract=hit.caption,
    )


def _leg(leg: Leg, rank: int, score: float, confidence: float, contribution: float) -> LegScore:
    return LegScore(leg=leg, rank=rank, score=score, confidence=confidence, contribution=contribution)


def _chunk(hit: LiveHit, settings: LiveSettings, content: str) -> Chunk:
    mapping = settings.mapping
    title, url, filepath = (
        _text(hit.values.get(name)) if name else "" for name in (mapping.title, mapping.url, mapping.filepath)
    )
    return Chunk(
        chunk_id=ChunkId(hit.key),
        document_id=DocumentId(hit.key),
        asset_id=AssetId(""),
        kind=MediaKind.TEXT,
        media_type="text/plain",
        source=settings.index,
        title=title,
        filepath=filepath,
        url=url or None,
        content=content,
    )


def _content(mapping: FieldsMapping, values: Mapping[str, Json]) -> str:
    return mapping.separator.join(filter(None, (_text(values.get(name)) for name in mapping.content)))


def _text(value: Json) -> str:
    """A field's value as words."""
    if isinstance(value, list):
        return ", ".join(filter(None, map(_text, value)))
    if isinstance(value, dict):
        return ", ".join(filter(None, map(_text, value.values())))
    return "" if value is None else str(value)
