"""Search: legs ∥ → fuse → fetch → re-rank → collapse near-duplicates → strictness → page.

One generation is opened at the start and used by every step, so a search never sees half a commit. The filter and
the caller's groups are one condition, applied by the engine inside every leg.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np

from foveal.errors import ConflictError, InvalidRequestError
from foveal.pipeline.adapt import AdapterKeeper
from foveal.pipeline.calibrate import CalibrationKeeper
from foveal.pipeline.candidates import Candidates
from foveal.pipeline.part_vectors import PartVectors
from foveal.pipeline.pointing import pointed
from foveal.pipeline.weighing import SURE, surest_first
from foveal.ports.models import ImageEncoder, JointEmbedder, Reranker, TextEmbedder
from foveal.ports.stores import Catalog, ChunkSnapshot, ChunkStore
from foveal.retrieval.adapter import Adapter
from foveal.retrieval.asked_things import AskedThings, asked_things
from foveal.retrieval.duplicates import alike_by_hash, collapse
from foveal.retrieval.filtering import both, visible_to
from foveal.retrieval.gluing import with_joined
from foveal.retrieval.strictness import CUTOFFS, Calibration, passes, rerank_confidence, seen_confidence
from foveal.types.chunks import Chunk, ChunkId
from foveal.types.filters import Filter
from foveal.types.search import ExtractiveAnswer, Hit, Leg, Mode, Passage, Query, ScoredChunk, SearchResult
from foveal.types.vectors import FloatArray, Pixels

Vectors = Mapping[Leg, Sequence[tuple[str, FloatArray]]]
"""For every vector leg, the field it searches and a float32 [dim] vector for each thing looked for."""

Judge = Callable[[Chunk, float], float]
_Running = Future[list[ScoredChunk]]

POOL = 50
"""Candidates of a leg while up to half as many hits are wanted; doubled until that holds. So all pages within the first
25 hits are cut from one ranking, all within the first 50 from one, and so on."""
RERANKED = 50
"""Candidates a re-ranker looks at, as in Azure AI Search."""
_SAME_SCORE = 1e-3
"""The engine's scores are off by less."""
ANSWERS = 3
ANSWER_SCORE = 2.5
"""Re-ranker score (0..4) from which the best stretch of a hit is offered as an answer."""
LIKE_AS_A_WHOLE = CUTOFFS[5]
"""Confidence of the best hit of an image of the query from which it is not also sought as a part of others."""
LEGS: Mapping[Mode, frozenset[Leg]] = {
    Mode.KEYWORD: frozenset({Leg.KEYWORD, Leg.IMAGE, Leg.REGION}),
    Mode.VECTOR: frozenset({Leg.TEXT, Leg.SEEN, Leg.IMAGE, Leg.REGION}),
    Mode.HYBRID: frozenset(Leg),
    Mode.SEMANTIC: frozenset(Leg),
}
"""Legs by mode; those for which the query has nothing are left out."""


class Searcher:
    """Searches indexes, from any number of threads.

    Args:
        embedder: Embeds questions.
        encoder: Gives the image encoder; called only when a query has images or the encoder may read text.
        reranker: Gives the re-ranker of semantic mode; called only then.
        text_model: What `IndexRecord.text_model` is of indexes that it searches.
        sentences: Vectors of what is said, float32 [n, dim], from the cache where they are in it.
        parts: Encodes parts of images; None: by `encoder`.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        store: ChunkStore,
        embedder: TextEmbedder,
        encoder: Callable[[], ImageEncoder],
        adapters: AdapterKeeper,
        calibrations: CalibrationKeeper,
        reranker: Callable[[], Reranker],
        sentences: Callable[[Sequence[str]], FloatArray] | None = None,
        parts: PartVectors | None = None,
        text_model: str = "",
    ) -> None:
        self.text_model = text_model
        self._catalog = catalog
        self._store = store
        self._embedder = embedder
        self._encoder = encoder
        self._adapters = adapters
        self._calibrations = calibrations
        self._reranker = reranker
        self._sentences = sentences
        self._parts = parts or PartVectors(encoder)
        self._pool = ThreadPoolExecutor(max_workers=16, thread_name_prefix="foveal-search")

    def search(self, index: str, query: Query) -> SearchResult:
        """Search one index.

        Raises:
            IndexNotFoundError: No such index.
            InvalidRequestError: Neither words nor images.
            ConflictError: The index has vectors of another text model.
        """
        if not query.text.strip() and not query.images and not query.regions:
            raise InvalidRequestError("There is nothing to search for.", remedy="Give words or an image.")
        clock = _Clock()
        record = self._catalog.index(index)
        if record.text_model != self.text_model:
            raise ConflictError(f"The vectors of the index {index} were made anew meanwhile.", remedy="Ask again.")
        generation = record.generation
        snapshot = self._store.snapshot(index, generation)
        where = both(query.filter, visible_to(query.groups))
        adapter = self._adapters.current(index, generation)
        by_words = self._by_words(snapshot, query, where)
        vectors = self._vectors(query, adapter)
        clock.lap("embed")
        calibration = self._calibrations.current(index, generation)
        running = by_words | self._by_vectors(snapshot, query, vectors, where)
        legs = {leg: one.result() for leg, one in running.items()}
        if query.images and not query.regions and not _like_as_a_whole(calibration, vectors, legs):
            # One that is found as a part would be pushed down by everything that looks a little like the whole.
            del legs[Leg.IMAGE], vectors[Leg.IMAGE]
            vectors[Leg.REGION] = self._part_vectors(query.images)
            legs[Leg.REGION] = self._nearest(snapshot, query, vectors[Leg.REGION], where)
        clock.lap("legs")
        things = asked_things(query.text)
        judges = _judges(calibration, adapter, vectors, things)
        candidates = Candidates(snapshot, query.text, legs, searched=LEGS[query.mode], named=things.hardly_more)
        hits = _hits(candidates, query, legs, judges)
        clock.lap("fuse")
        answers: tuple[ExtractiveAnswer, ...] = ()
        if _reranks(query):
            hits, answers = self._rerank(query, hits)
            clock.lap("rerank")
            if query.collapse:
                hits = _collapsed(snapshot, hits)
        kept = [h for h in hits if query.strictness is None or passes(h.confidence, query.strictness)]
        kept_ids = {h.chunk.chunk_id for h in kept}
        rejected = [h for h in hits if h.chunk.chunk_id not in kept_ids]
        page = kept[query.skip : query.skip + query.top]
        if query.text.strip():
            page = pointed(page, candidates.words, vectors.get(Leg.TEXT), self._sentences)
            clock.lap("point")
        if query.images or query.regions:
            page = _with_parts(snapshot, page)
        return SearchResult(
            index=index,
            generation=generation,
            hits=_with_places(page, vectors.get(Leg.REGION, ())),
            rejected=tuple(rejected[: query.top]),
            answers=tuple(a for a in answers if a.chunk_id in kept_ids),
            elapsed_ms=clock.laps(),
        )

    def _vectors(self, query: Query, adapter: Adapter | None) -> dict[Leg, list[tuple[str, FloatArray]]]:
        """For every vector leg, the field it searches and one vector a thing looked for."""
        wanted = LEGS[query.mode]
        vectors: dict[Leg, list[tuple[str, FloatArray]]] = {}
        if query.text.strip() and wanted & {Leg.TEXT, Leg.SEEN}:
            asked = self._embedder.embed_queries([query.text])[0]
            vectors[Leg.TEXT] = [("text_vector", asked)]
            seen = self._seen_vector(query.text, asked, adapter)
            if seen is not None:
                vectors[Leg.SEEN] = [seen]
        if query.images and Leg.IMAGE in wanted:
            encodings = self._encoder().encode(query.images)
            vectors[Leg.IMAGE] = [("image_vector", e.vector) for e in encodings]
        if query.regions and Leg.REGION in wanted:
            vectors[Leg.REGION] = self._part_vectors(query.regions)
        return vectors

    def _part_vectors(self, parts: Sequence[Pixels]) -> list[tuple[str, FloatArray]]:
        """Each looked for among the parts of images and, since it may fill one, among whole images."""
        return [(field, vector) for vector in self._parts(parts) for field in ("region_vectors", "image_vector")]

    def _seen_vector(self, text: str, asked: FloatArray, adapter: Adapter | None) -> tuple[str, FloatArray] | None:
        """How words look for what images show: by the adapter, or in the space of a joint model."""
        if adapter is not None:
            return "seen_vector", adapter.query(asked)
        encoder = self._encoder()
        if isinstance(encoder, JointEmbedder):
            return "image_vector", encoder.embed_queries([text])[0]
        return None

    def _by_words(self, snapshot: ChunkSnapshot, query: Query, where: Filter | None) -> dict[Leg, _Running]:
        """The keyword leg, under way: it need not wait for vectors."""
        if not query.text.strip() or Leg.KEYWORD not in LEGS[query.mode]:
            return {}
        text, limit = with_joined(query.text), _depth(query.skip + query.top)
        return {Leg.KEYWORD: self._pool.submit(snapshot.keyword, text, where=where, limit=limit)}

    def _by_vectors(
        self, snapshot: ChunkSnapshot, query: Query, vectors: Vectors, where: Filter | None
    ) -> dict[Leg, _Running]:
        """The legs of the vectors, under way."""
        return {leg: self._pool.submit(self._nearest, snapshot, query, asked, where) for leg, asked in vectors.items()}

    def _nearest(
        self, snapshot: ChunkSnapshot, query: Query, asked: Sequence[tuple[str, FloatArray]], where: Filter | None
    ) -> list[ScoredChunk]:
        """Candidates of one leg."""
        limit = _depth(query.skip + query.top)
        return _best_of([snapshot.nearest(field, v, where=where, limit=limit) for field, v in asked])

    def _rerank(self, query: Query, hits: Sequence[Hit]) -> tuple[list[Hit], tuple[ExtractiveAnswer, ...]]:
        """The first candidates in the re-ranker's order, the others after them as they were."""
        first, rest = hits[:RERANKED], hits[RERANKED:]
        passages = [Passage(chunk_id=h.chunk.chunk_id, text=_own_words(h.chunk)) for h in first]
        judged = self._reranker().rerank(query.text, passages)
        reranked = [
            replace(
                hit,
                rerank_score=j.score,
                score=j.score,
                extract=j.extract,
                confidence=max(hit.confidence, rerank_confidence(j.score)),
            )
            for hit, j in zip(first, judged, strict=True)
        ]
        reranked.sort(key=lambda h: -(h.rerank_score or 0.0))
        answers = tuple(
            ExtractiveAnswer(chunk_id=h.chunk.chunk_id, extract=h.extract)
            for h in reranked[:ANSWERS]
            if h.extract is not None and (h.rerank_score or 0.0) >= ANSWER_SCORE
        )
        return [*reranked, *rest], answers


def _hits(
    candidates: Candidates, query: Query, legs: Mapping[Leg, Sequence[ScoredChunk]], judges: Mapping[Leg, Judge]
) -> list[Hit]:
    """Candidates in fused order, at least the wanted ones if there are so many; collapsed unless to be re-ranked.

    With strictness, and before re-ranking, a fixed number is judged; else no more than the page needs is read.
    """
    wanted = query.skip + query.top
    if _reranks(query) or query.strictness is not None:
        judged = max(POOL, 3 * wanted)
        candidates.settle(judged)
        hits = _judged(candidates, legs, judges)[:judged]
        return _collapsed(candidates.snapshot, hits) if query.collapse and not _reranks(query) else hits
    settled = wanted
    while True:
        candidates.settle(settled)
        hits = _judged(candidates, legs, judges)
        if query.collapse:
            hits = _collapsed(candidates.snapshot, hits)
        unread = candidates.unread * (1 + SURE if candidates.raised else 1)
        missing = wanted - sum(hit.score > unread for hit in hits)
        if missing <= 0 or not candidates.unread:
            return hits
        settled += max(missing, POOL)


def _collapsed(snapshot: ChunkSnapshot, hits: Sequence[Hit]) -> list[Hit]:
    """Near-duplicates as one hit; only of the few images that look like one are the vectors read."""
    doubtful = alike_by_hash([hit.chunk for hit in hits])
    whole = {chunk.chunk_id: chunk for chunk in snapshot.fetch(sorted(doubtful))} if doubtful else {}
    return collapse([replace(hit, chunk=whole.get(hit.chunk.chunk_id, hit.chunk)) for hit in hits])


def _judged(
    candidates: Candidates, legs: Mapping[Leg, Sequence[ScoredChunk]], judges: Mapping[Leg, Judge]
) -> list[Hit]:
    """What has been read of the candidates, best first, with what each leg's score says of it."""
    chunks, words = candidates.chunks, candidates.words
    by_leg: Mapping[Leg, Judge] = {**judges, Leg.KEYWORD: lambda chunk, _: words.confidence(chunk.content)}
    confidence = {
        leg: {s.chunk_id: by_leg[leg](chunks[s.chunk_id], s.score) for s in scored if s.chunk_id in chunks}
        for leg, scored in legs.items()
    }
    hits = [
        Hit(
            chunk=chunks[f.chunk_id],
            score=f.score,
            confidence=max((leg.confidence for leg in f.legs), default=0.0),
            legs=f.legs,
        )
        for f in candidates.fused(confidence)
    ]
    return surest_first(hits) if candidates.raised else hits


def _judges(
    calibration: Calibration, adapter: Adapter | None, vectors: Vectors, things: AskedThings
) -> dict[Leg, Judge]:
    """Confidence, 0..1, from a chunk and its score, for each vector leg."""
    described = adapter.described if adapter else 0
    judges: dict[Leg, Judge] = {
        Leg.SEEN: lambda chunk, score: max(seen_confidence(score, described=described), things.confidence(chunk))
    }
    for _, asked in vectors.get(Leg.TEXT, ()):
        judges[Leg.TEXT] = partial(_text_confidence, calibration, asked)
    for leg in (Leg.IMAGE, Leg.REGION):
        for _, image in vectors.get(leg, ()):
            judges[leg] = partial(_image_confidence, calibration, image)
    return judges


def _text_confidence(calibration: Calibration, asked: FloatArray, chunk: Chunk, cosine: float) -> float:
    return calibration.text_confidence(asked, cosine, chunk.language)


def _image_confidence(calibration: Calibration, image: FloatArray, _: Chunk, cosine: float) -> float:
    return calibration.image_confidence(image, cosine)


def _like_as_a_whole(calibration: Calibration, vectors: Vectors, legs: Mapping[Leg, Sequence[ScoredChunk]]) -> bool:
    """Whether something looks like the query's image, or one of them, as a whole."""
    best = next(iter(legs.get(Leg.IMAGE, ())), None)
    images = [vector for _, vector in vectors.get(Leg.IMAGE, ())]
    return best is not None and max(calibration.image_confidence(v, best.score) for v in images) >= LIKE_AS_A_WHOLE


def _with_parts(snapshot: ChunkSnapshot, hits: Sequence[Hit]) -> list[Hit]:
    """The hits, with the vectors of their parts."""
    parts = snapshot.region_vectors([hit.chunk.chunk_id for hit in hits if hit.chunk.regions])
    return [replace(h, chunk=replace(h.chunk, region_vectors=parts.get(h.chunk.chunk_id))) for h in hits]


def _with_places(hits: Sequence[Hit], asked: Sequence[tuple[str, FloatArray]]) -> tuple[Hit, ...]:
    """The hits, with the part that looks most like what was asked where that is no whole picture."""
    scores = {h.chunk.chunk_id: leg.score for h in hits for leg in h.legs if leg.leg is Leg.REGION}
    looked_for = [vector for field, vector in asked if field == "region_vectors"]
    placed = []
    for hit in hits:
        own, score = hit.chunk.region_vectors, scores.get(hit.chunk.chunk_id)
        likeness = np.max([own @ vector for vector in looked_for], axis=0) if own is not None and looked_for else None
        if score is not None and likeness is not None and likeness.max() >= score - _SAME_SCORE:
            hit = replace(hit, matched=hit.chunk.regions[int(likeness.argmax())])  # noqa: PLW2901
        placed.append(hit)
    return tuple(placed)


def _own_words(chunk: Chunk) -> str:
    """What a re-ranker reads of a chunk: words that stand there, or what Foveal composed where there are none."""
    if not chunk.is_picture:
        return chunk.shown_text
    return "\n".join(filter(None, (chunk.description, chunk.caption, chunk.ocr_text))) or chunk.composed


def _reranks(query: Query) -> bool:
    return query.mode is Mode.SEMANTIC and bool(query.text.strip())


def _depth(wanted: int) -> int:
    """Candidates to ask of each leg."""
    depth = POOL
    while wanted > depth // 2:
        depth *= 2
    return depth


def _best_of(lists: Sequence[Sequence[ScoredChunk]]) -> list[ScoredChunk]:
    """Several lists of one leg as one: every chunk with its best score."""
    best: dict[ChunkId, float] = {}
    for scored in lists:
        for chunk in scored:
            best[chunk.chunk_id] = max(chunk.score, best.get(chunk.chunk_id, -np.inf))
    return [ScoredChunk(chunk_id=c, score=s) for c, s in sorted(best.items(), key=lambda item: (-item[1], item[0]))]


class _Clock:
    """Milliseconds per stage."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self._laps: list[tuple[str, float]] = []

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self._laps.append((stage, (now - self._last) * 1000))
        self._last = now

    def laps(self) -> tuple[tuple[str, float], ...]:
        return tuple(self._laps)
