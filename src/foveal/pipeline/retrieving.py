"""Retrieval for a chat: every query on every data source, joined to one ranked list a source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from foveal.errors import FovealError
from foveal.types.chat import ChatRequest, DataSource
from foveal.types.chunks import ChunkId, Generation
from foveal.types.search import Hit, Query, SearchResult
from foveal.types.vectors import Pixels

Retrieve = Callable[[DataSource, Query], SearchResult]
"""Searches one data source.

Raises:
    IndexNotFoundError: Its index does not exist.
    FilterError: Its filter names a field that the index does not have.
"""

RRF_K = 60
"""Constant of reciprocal rank fusion (Cormack et al., SIGIR 2009) where several queries are joined."""
OVERFETCH = 2
"""Times `top_n_documents` that is retrieved: what is left out of it is told as such (`all_retrieved_documents`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest:
    """What the searches of one request brought.

    Attributes:
        results: One a source, in their order.
        found_by: The queries that found a chunk.
    """

    results: tuple[SearchResult, ...]
    found_by: Mapping[ChunkId, tuple[str, ...]]


def search_sources(request: ChatRequest, intents: Sequence[str], retrieve: Retrieve) -> Harvest:
    """Search every source by every intent, and by the images of the question.

    Raises:
        FovealError: A search failed and its source may not, or no search succeeded.
    """
    images = tuple(image.pixels for image in request.messages[-1].images)
    texts: Sequence[str] = intents or ([""] if images else [])
    options = request.grounding
    top = OVERFETCH * options.top_n_documents
    found_by: dict[ChunkId, tuple[str, ...]] = {}
    results: list[SearchResult] = []
    failures: list[FovealError] = []
    succeeded = not texts
    for source in request.sources:
        found: list[SearchResult] = []
        for text in texts:
            query = Query(
                text=text,
                images=images,
                mode=source.mode,
                filter=source.filter,
                groups=options.groups,
                strictness=options.strictness,
                top=top,
            )
            result = _tried(source, query, retrieve, failures)
            if result is None:
                continue
            found.append(result)
            for hit in (*result.hits, *result.rejected) if text else ():
                found_by[hit.chunk.chunk_id] = tuple(dict.fromkeys((*found_by.get(hit.chunk.chunk_id, ()), text)))
        succeeded = succeeded or bool(found)
        results.append(_joined(found, top) if found else _nothing(source))
    if not succeeded:
        raise failures[0]
    return Harvest(results=tuple(results), found_by=found_by)


def search_things(request: ChatRequest, things: Sequence[Pixels], retrieve: Retrieve) -> tuple[SearchResult, ...]:
    """Search every source, in their order, for what shows one of these things, however weakly.

    Raises:
        FovealError: A search failed and its source may not.
    """
    options, found = request.grounding, []
    for source in request.sources:
        query = Query(
            regions=tuple(things),
            mode=source.mode,
            filter=source.filter,
            groups=options.groups,
            top=OVERFETCH * options.top_n_documents,
        )
        found.append(_tried(source, query, retrieve, []) or _nothing(source))
    return tuple(found)


def _tried(source: DataSource, query: Query, retrieve: Retrieve, failures: list[FovealError]) -> SearchResult | None:
    """None, and one failure more, where the search failed and its source may."""
    try:
        return retrieve(source, query)
    except FovealError as error:
        if not source.may_fail:
            raise
        failures.append(error)
        return None


def interleaved(results: Sequence[SearchResult]) -> list[tuple[str, Hit]]:
    """Hits of all sources in one order, each chunk once: by rank in their source, then by confidence."""
    ranked = [(rank, -hit.confidence, r.index, hit) for r in results for rank, hit in enumerate(r.hits)]
    first: dict[tuple[str, ChunkId], Hit] = {}
    for _, _, index, hit in sorted(ranked, key=lambda t: t[:3]):
        first.setdefault((index, hit.chunk.chunk_id), hit)
    return [(index, hit) for (index, _), hit in first.items()]


def _nothing(source: DataSource) -> SearchResult:
    return SearchResult(index=source.index, generation=Generation(0), hits=())


def _joined(results: Sequence[SearchResult], top: int) -> SearchResult:
    """The hits of several queries on one source, by reciprocal rank fusion."""
    if len(results) == 1:
        return results[0]
    scores: dict[str, float] = {}
    best: dict[str, Hit] = {}
    for result in results:
        for rank, hit in enumerate(result.hits, 1):
            key = hit.chunk.chunk_id
            scores[key] = scores.get(key, 0.0) + 1 / (RRF_K + rank)
            if key not in best or hit.confidence > best[key].confidence:
                best[key] = hit
    order = sorted(best, key=lambda key: (-scores[key], key))
    rejected = {h.chunk.chunk_id: h for r in results for h in r.rejected if h.chunk.chunk_id not in best}
    return replace(
        results[0],
        hits=tuple(best[key] for key in order[:top]),
        rejected=tuple(sorted(rejected.values(), key=lambda h: -h.confidence)[:top]),
        answers=tuple(a for r in results for a in r.answers),
    )
