"""What the legs of one search found, read no further than its page needs.

Reading chunks takes as long as searching them, so a chunk is read only when its ranks could bring it onto the page
whatever it turns out to be (the threshold algorithm of Fagin, Lotem and Naor, PODS 2001, with bounds on the weights).
The order is exactly that of reading all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from foveal.pipeline.weighing import Weights
from foveal.ports.stores import ChunkSnapshot
from foveal.retrieval.fusion import RANK_CONSTANT, Fused, fuse
from foveal.retrieval.strictness import Keywords, keywords
from foveal.types.chunks import Chunk, ChunkId, Feature
from foveal.types.search import Leg, ScoredChunk

HEAD = 12
"""First candidates of each leg, read in any case: among them a question's terms are counted."""
BATCH = 20
"""Chunks read at once, or twice as many as are wanted; later half as many as were read already: few rounds."""


class Candidates:
    """Candidates of one query; reads the first of each leg at once.

    Args:
        legs: Each best first.
        searched: Legs of the query's mode.
        named: Whether the question asks for things that were looked for in pictures, and hardly anything else.

    Attributes:
        snapshot: What is read.
        chunks: What has been read, without vectors.
        words: The question's terms, weighed.
        unread: The most that a chunk not read yet could score; 0 when all are read.
        raised: Whether scores are raised by how sure a hit is: moments of videos are among the first of the legs, or
            pictures are and the question is `named`.
    """

    def __init__(
        self,
        snapshot: ChunkSnapshot,
        question: str,
        legs: Mapping[Leg, Sequence[ScoredChunk]],
        *,
        searched: frozenset[Leg],
        named: bool = False,
    ) -> None:
        self.snapshot = snapshot
        self._legs = legs
        self._ranks = _ranks(legs)
        self.chunks: dict[ChunkId, Chunk] = {}
        self._scores: dict[ChunkId, float] = {}
        heads = list(dict.fromkeys(scored.chunk_id for leg in legs.values() for scored in leg[:HEAD]))
        self._read(heads)
        self.words: Keywords = keywords(question, [chunk.content for chunk in self.chunks.values()])
        heads_read = self.chunks.values()
        self.raised = any(one.feature is not Feature.NONE or (named and one.is_picture) for one in heads_read)
        self._weights = Weights.for_query(searched, self._first_by_keyword())
        bounds = _bounds(self._ranks, self._weights)
        rest = bounds.keys() - set(heads)
        self._rest = sorted(((bounds[i], i) for i in rest), reverse=True)
        self.unread = self._rest[0][0] if self._rest else 0.0

    def settle(self, count: int) -> None:
        """Read until the first `count` of the fused order are certain."""
        while self._rest and self._score_at(count) <= self.unread:
            batch = max(BATCH, len(self.chunks) // 2, 2 * count)
            self._read([chunk_id for _, chunk_id in self._rest[:batch]])
            del self._rest[:batch]
            self.unread = self._rest[0][0] if self._rest else 0.0

    def fused(self, confidence: Mapping[Leg, Mapping[ChunkId, float]] | None = None) -> list[Fused]:
        """Those read, best first. What scores no more than `unread` may still move down."""
        return fuse(self._legs, weight=self._weight, confidence=confidence, only=self.chunks)

    def _weight(self, chunk_id: ChunkId, leg: Leg) -> float:
        return self._weights.of(self.chunks[chunk_id], leg)

    def _score_at(self, count: int) -> float:
        """Score of the chunk at that place of the fused order; 0 when there are fewer."""
        for chunk_id in self.chunks.keys() - self._scores.keys():
            ranks = self._ranks[chunk_id]
            self._scores[chunk_id] = sum(
                self._weight(chunk_id, leg) / (RANK_CONSTANT + ranks[leg]) for leg in Leg if leg in ranks
            )
        if not 0 < count <= len(self._scores):
            return 0.0
        return sorted(self._scores.values(), reverse=True)[count - 1]

    def _read(self, chunk_ids: Sequence[ChunkId]) -> None:
        found = self.snapshot.fetch(chunk_ids, vectors=False)
        self.chunks.update((chunk.chunk_id, chunk) for chunk in found)

    def _first_by_keyword(self) -> float:
        """Confidence of the keyword leg's first hit; 0 without one."""
        found = (self.chunks[s.chunk_id] for s in self._legs.get(Leg.KEYWORD, ()) if s.chunk_id in self.chunks)
        first = next(found, None)
        return self.words.confidence(first.content) if first else 0.0


def _ranks(legs: Mapping[Leg, Sequence[ScoredChunk]]) -> dict[ChunkId, dict[Leg, int]]:
    """Where each chunk stands in the legs that found it, from 1."""
    ranks: defaultdict[ChunkId, dict[Leg, int]] = defaultdict(dict)
    for leg, scored in legs.items():
        for rank, one in enumerate(scored, start=1):
            ranks[one.chunk_id].setdefault(leg, rank)
    return dict(ranks)


def _bounds(ranks: Mapping[ChunkId, Mapping[Leg, int]], weights: Weights) -> dict[ChunkId, float]:
    """The most each chunk could score."""
    most = {(by, leg): weights.at_most(by, leg) for by in {frozenset(found) for found in ranks.values()} for leg in by}
    bounds: dict[ChunkId, float] = {}
    for chunk_id, found in ranks.items():
        by = frozenset(found)
        bounds[chunk_id] = sum(most[by, leg] / (RANK_CONSTANT + rank) for leg, rank in found.items())
    return bounds
