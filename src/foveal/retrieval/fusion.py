"""Reciprocal rank fusion: one ranking out of several legs whose scores cannot be compared.

Source: G. V. Cormack, C. L. A. Clarke, S. Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual
Rank Learning Methods", SIGIR 2009: score(d) = Σ over legs of 1 / (k + rank of d in the leg), with k = 60 and ranks
from 1. The weight of a leg multiplies its term.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass

from foveal.types.chunks import ChunkId
from foveal.types.search import Leg, LegScore, ScoredChunk

RANK_CONSTANT = 60
"""k of the paper, found there in a pilot and "not altered" since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fused:
    """One chunk of the fused ranking.

    Attributes:
        legs: What each leg that found it says, in the order of `Leg`; the contributions add up to `score`.
    """

    chunk_id: ChunkId
    score: float
    legs: tuple[LegScore, ...]


def fuse(
    legs: Mapping[Leg, Sequence[ScoredChunk]],
    *,
    k: int = RANK_CONSTANT,
    weight: Callable[[ChunkId, Leg], float] = lambda _chunk_id, _leg: 1.0,
    confidence: Mapping[Leg, Mapping[ChunkId, float]] | None = None,
    only: Container[ChunkId] | None = None,
) -> list[Fused]:
    """Every chunk of every leg, best first, ties by chunk id; the order of `legs` does not matter.

    Args:
        legs: Each best first. A chunk that is listed twice in one leg counts where it stands first.
        weight: At least 0: what a rank in that leg counts for that chunk.
        confidence: Calibrated 0..1 per leg and chunk, passed through to `LegScore`; 0 where there is none.
        only: Chunks to speak of; the others keep their ranks. None for all.
    """
    confidence = confidence or {}
    found: dict[ChunkId, dict[Leg, LegScore]] = {}
    for leg in Leg:
        known = confidence.get(leg, {})
        for rank, scored in enumerate(legs.get(leg, ()), start=1):
            if only is not None and scored.chunk_id not in only:
                continue
            found.setdefault(scored.chunk_id, {}).setdefault(
                leg,
                LegScore(
                    leg=leg,
                    rank=rank,
                    score=scored.score,
                    confidence=known.get(scored.chunk_id, 0.0),
                    contribution=weight(scored.chunk_id, leg) / (k + rank),
                ),
            )
    fused = [
        Fused(chunk_id=chunk_id, score=sum(s.contribution for s in scores.values()), legs=tuple(scores.values()))
        for chunk_id, scores in found.items()
    ]
    return sorted(fused, key=lambda one: (-one.score, one.chunk_id))
