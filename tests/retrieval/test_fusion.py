"""Reciprocal rank fusion."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.retrieval.fusion import RANK_CONSTANT, fuse
from foveal.types.chunks import ChunkId
from foveal.types.search import Leg, ScoredChunk

IDS = [ChunkId(f"doc{number}-0") for number in range(8)]
RANKINGS = st.dictionaries(
    st.sampled_from(list(Leg)), st.lists(st.sampled_from(IDS), unique=True, max_size=8), max_size=4
)


def leg(ids: list[ChunkId]) -> list[ScoredChunk]:
    return [ScoredChunk(chunk_id=chunk_id, score=10.0 - place) for place, chunk_id in enumerate(ids)]


def fused_scores(rankings: dict[Leg, list[ChunkId]]) -> dict[ChunkId, float]:
    return {one.chunk_id: one.score for one in fuse({name: leg(ids) for name, ids in rankings.items()})}


def test_the_score_is_the_papers_sum_over_legs() -> None:
    fused = fuse({Leg.KEYWORD: leg([IDS[0], IDS[1]]), Leg.TEXT: leg([IDS[1]])})
    assert [one.chunk_id for one in fused] == [IDS[1], IDS[0]]
    assert fused[0].score == pytest.approx(1 / 62 + 1 / 61)
    assert fused[1].score == pytest.approx(1 / 61)


def test_every_legs_rank_score_confidence_and_contribution_is_kept() -> None:
    fused = fuse(
        {Leg.SEEN: leg([IDS[1], IDS[0]]), Leg.KEYWORD: leg([IDS[0]])},
        weight=lambda _, leg: 2.0 if leg is Leg.SEEN else 1.0,
        confidence={Leg.SEEN: {IDS[0]: 0.75}},
    )
    best = fused[0]
    assert best.chunk_id == IDS[0]
    assert [(one.leg, one.rank, one.score, one.confidence) for one in best.legs] == [
        (Leg.KEYWORD, 1, 10.0, 0.0),
        (Leg.SEEN, 2, 9.0, 0.75),
    ]
    assert [one.contribution for one in best.legs] == [1 / 61, 2 / 62]


def test_ties_go_by_chunk_id() -> None:
    fused = fuse({Leg.KEYWORD: leg([IDS[3]]), Leg.TEXT: leg([IDS[1]]), Leg.IMAGE: leg([IDS[2]])})
    assert [one.chunk_id for one in fused] == [IDS[1], IDS[2], IDS[3]]


def test_a_chunk_listed_twice_in_a_leg_counts_where_it_stands_first() -> None:
    fused = fuse({Leg.KEYWORD: leg([IDS[0], IDS[1], IDS[0]])})
    assert fused[0].score == 1 / (RANK_CONSTANT + 1)


def test_no_legs_give_no_hits() -> None:
    assert fuse({}) == []
    assert fuse({Leg.KEYWORD: []}) == []


@given(RANKINGS, st.randoms())
def test_the_order_of_the_legs_does_not_matter(rankings: dict[Leg, list[ChunkId]], random: object) -> None:
    names = list(rankings)
    random.shuffle(names)  # type: ignore[attr-defined]
    assert fuse({name: leg(rankings[name]) for name in names}) == fuse({n: leg(ids) for n, ids in rankings.items()})


@given(RANKINGS)
def test_contributions_add_up_and_the_order_follows_the_scores(rankings: dict[Leg, list[ChunkId]]) -> None:
    fused = fuse({name: leg(ids) for name, ids in rankings.items()})
    assert {one.chunk_id for one in fused} == {chunk_id for ids in rankings.values() for chunk_id in ids}
    assert [one.score for one in fused] == sorted((one.score for one in fused), reverse=True)
    for one in fused:
        assert one.score == pytest.approx(sum(score.contribution for score in one.legs))


@given(RANKINGS.filter(lambda rankings: any(len(ids) > 1 for ids in rankings.values())), st.data())
def test_a_better_rank_never_lowers_the_score(rankings: dict[Leg, list[ChunkId]], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([name for name, ids in rankings.items() if len(ids) > 1]))
    place = data.draw(st.integers(1, len(rankings[name]) - 1))
    better = list(rankings[name])
    better[place - 1], better[place] = better[place], better[place - 1]
    chunk_id = rankings[name][place]
    assert fused_scores({**rankings, name: better})[chunk_id] > fused_scores(rankings)[chunk_id]


@given(st.integers(1, 8))
def test_two_legs_at_a_rank_beat_one_leg_at_that_rank(rank: int) -> None:
    filler = [[ChunkId(f"{name}{place}") for place in range(rank - 1)] for name in "abc"]
    scores = fused_scores(
        {
            Leg.KEYWORD: [*filler[0], IDS[0]],
            Leg.TEXT: [*filler[1], IDS[0]],
            Leg.SEEN: [*filler[2], IDS[1]],
        }
    )
    assert scores[IDS[0]] > scores[IDS[1]]
