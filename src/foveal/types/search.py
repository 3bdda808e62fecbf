"""Queries, hits and what each leg of the search contributed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from foveal.types.chunks import Chunk, ChunkId, Generation
from foveal.types.filters import Filter
from foveal.types.locators import Box
from foveal.types.vectors import Pixels


class Mode(StrEnum):
    """How a query is searched; `SEMANTIC` is hybrid and then re-ranked."""

    KEYWORD = "keyword"
    VECTOR = "vector"
    HYBRID = "hybrid"
    SEMANTIC = "semantic"


class Leg(StrEnum):
    """One ranked list that goes into the fusion."""

    KEYWORD = "keyword"
    """BM25 over `content`."""
    TEXT = "text"
    """Nearest `text_vector` to the question."""
    SEEN = "seen"
    """Nearest `seen_vector`: images found by what they show, without any words on them."""
    IMAGE = "image"
    """Nearest `image_vector` to an image of the query."""
    REGION = "region"
    """Nearest of an image's `region_vectors` and of its `image_vector` to a part of an image of the query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What to look for. Text, images and filter work together; at least one of text, images and regions is given.

    Attributes:
        images: Images to find the like of. Where nothing looks like one as a whole, it is sought as a part of others.
        regions: Parts of images, cut out, to find the like of anywhere in an image.
        filter: Applied inside every leg, never after the cut.
        groups: Groups of the caller: a chunk with `group_ids` is found only when one of them is here. None lifts
            the restriction (the operator's own CLI); an empty tuple sees only chunks without groups.
        strictness: 1..5, see `foveal.retrieval.strictness`; None keeps every hit, however weak.
        top: Hits wanted.
        skip: Hits to leave out from the front, for paging.
        collapse: Whether near-duplicate images become one hit that lists them.
    """

    text: str = ""
    images: tuple[Pixels, ...] = ()
    regions: tuple[Pixels, ...] = ()
    mode: Mode = Mode.HYBRID
    filter: Filter | None = None
    groups: tuple[str, ...] | None = None
    strictness: int | None = None
    top: int = 10
    skip: int = 0
    collapse: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredChunk:
    """A chunk as one leg ranks it; larger scores are better whatever the leg."""

    chunk_id: ChunkId
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LegScore:
    """What one leg says of one hit.

    Attributes:
        rank: 1-based position in that leg.
        score: The leg's own score (BM25, cosine, dot product).
        confidence: 0..1, calibrated so that legs can be compared (see `foveal.retrieval.strictness`).
        contribution: What it added to the fused score.
    """

    leg: Leg
    rank: int
    score: float
    confidence: float
    contribution: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """An extractive caption: a stretch of a hit's own words.

    Attributes:
        highlights: `(start, end)` code-point spans in `text` that match the question.
    """

    text: str
    score: float
    highlights: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One result.

    Attributes:
        score: What the order follows: the fused score, or the re-ranker's where there was one.
        confidence: 0..1, the best of its legs (or the re-ranker's), compared with the strictness cut-off.
        rerank_score: 0..4 as in Azure AI Search, None when nothing re-ranked.
        duplicates: Near-duplicates that were collapsed into it, best first.
        matched: The part of the image that a part of the query's image looks like; None where it is the whole, or where
            nothing was sought by parts.
    """

    chunk: Chunk
    score: float
    confidence: float
    legs: tuple[LegScore, ...]
    rerank_score: float | None = None
    extract: Extract | None = None
    duplicates: tuple[Chunk, ...] = ()
    matched: Box | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractiveAnswer:
    """A sentence of a hit that answers the question by itself."""

    chunk_id: ChunkId
    extract: Extract


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """Hits of one query on one generation of one index.

    Attributes:
        hits: Best first.
        rejected: Hits below the strictness cut-off, best first (at most `top`): the nearest things when nothing
            matches.
        answers: Best first, with semantic mode only.
        elapsed_ms: Milliseconds per stage, in the order they ran.
    """

    index: str
    generation: Generation
    hits: tuple[Hit, ...]
    rejected: tuple[Hit, ...] = ()
    answers: tuple[ExtractiveAnswer, ...] = ()
    elapsed_ms: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """What a re-ranker reads of one candidate."""

    chunk_id: ChunkId
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reranked:
    """A re-ranker's judgement of one candidate.

    Attributes:
        score: 0..4, the scale of Azure AI Search's semantic ranker (4 answers the question, 0 irrelevant).
        extract: The stretch that speaks for it, None when the re-ranker gives none.
    """

    chunk_id: ChunkId
    score: float
    extract: Extract | None = None
