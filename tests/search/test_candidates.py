"""Candidates are read no further than needed, and the order is that of reading all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveal.pipeline.candidates import Candidates
from foveal.pipeline.search import LEGS
from foveal.pipeline.weighing import SURE, Weights, surest_first
from foveal.retrieval.fusion import fuse
from foveal.testing.contracts.chunk_store import image_chunk, text_chunk
from foveal.testing.fakes_stores import InMemoryChunkStore
from foveal.types.assets import MediaKind
from foveal.types.chunks import Chunk, ChunkChange, ChunkId, Feature, IndexSchema
from foveal.types.filters import Filter
from foveal.types.search import Hit, Leg, LegScore, Mode, ScoredChunk

WORD_LEGS = (Leg.KEYWORD, Leg.TEXT, Leg.SEEN)


def chunk_of(kind: str, name: str) -> Chunk:
    if kind == "text":
        return text_chunk(name, f"harbour {name}")
    bare = replace(image_chunk(name, "harbour"), description="", caption="", ocr_text="")
    return bare if kind == "wordless" else replace(bare, description="a harbour")


CHUNKS = {
    name: chunk_of(kind, name)
    for kind in ("text", "worded", "wordless")
    for name in (f"{kind}{n:02}" for n in range(40))
}
FOUND_BY = {"text": (Leg.KEYWORD, Leg.TEXT), "worded": tuple(Leg), "wordless": (Leg.KEYWORD, Leg.SEEN, Leg.IMAGE)}
"""Legs that can find each kind: a text is not seen, an image without words has no text vector."""


class CountedReads:
    """A snapshot that says what was read of it."""

    def __init__(self) -> None:
        store = InMemoryChunkStore()
        schema = IndexSchema(text_dim=8, image_dim=4)
        generation = store.apply("i", store.create("i", schema), ChunkChange(put=tuple(CHUNKS.values())))
        self._snapshot = store.snapshot("i", generation)
        self.read: list[ChunkId] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._snapshot, name)

    def fetch(self, chunk_ids: Sequence[ChunkId], *, where: Filter | None = None, vectors: bool = True) -> list[Chunk]:
        self.read += chunk_ids
        return self._snapshot.fetch(chunk_ids, where=where, vectors=vectors)


@st.composite
def rankings(draw: st.DrawFn) -> dict[Leg, list[ScoredChunk]]:
    legs = {}
    for leg in draw(st.lists(st.sampled_from(list(Leg)), unique=True, min_size=1)):
        able = [c.chunk_id for name, c in CHUNKS.items() if leg in FOUND_BY[name[:-2]]]
        order = draw(st.permutations(able))[: draw(st.integers(0, 50))]
        legs[leg] = [ScoredChunk(chunk_id=one, score=1.0 / place) for place, one in enumerate(order, start=1)]
    return legs


@settings(deadline=None)
@given(legs=rankings(), count=st.integers(1, 40), question=st.sampled_from(["harbour", "harbour and much else", ""]))
def test_the_first_are_those_of_reading_everything(
    legs: dict[Leg, list[ScoredChunk]], count: int, question: str
) -> None:
    candidates = Candidates(CountedReads(), question, legs, searched=LEGS[Mode.HYBRID])  # type: ignore[arg-type]
    candidates.settle(count)
    early = [(one.chunk_id, one.score) for one in candidates.fused()][:count]
    candidates.settle(1_000)
    assert candidates.unread == 0.0
    assert early == [(one.chunk_id, one.score) for one in candidates.fused()][:count]
    assert len(candidates.fused()) == len({one.chunk_id for leg in legs.values() for one in leg})


def test_no_chunk_is_read_twice_and_most_are_not_read_for_one_page() -> None:
    ids = {kind: [c.chunk_id for name, c in CHUNKS.items() if name.startswith(kind)] for kind in FOUND_BY}
    legs = {
        Leg.KEYWORD: [ScoredChunk(chunk_id=one, score=1.0) for one in ids["text"]],
        Leg.TEXT: [ScoredChunk(chunk_id=one, score=1.0) for one in ids["text"]],
        Leg.SEEN: [ScoredChunk(chunk_id=one, score=1.0) for one in ids["wordless"]],
    }
    snapshot = CountedReads()
    candidates = Candidates(snapshot, "harbour", legs, searched=LEGS[Mode.HYBRID])  # type: ignore[arg-type]
    candidates.settle(10)
    assert len(snapshot.read) <= 40
    candidates.settle(1_000)
    assert sorted(snapshot.read) == sorted([*ids["text"], *ids["wordless"]])


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("confidence", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("kind", list(FOUND_BY))
def test_the_weights_of_the_word_legs_add_up_to_one(mode: Mode, confidence: float, kind: str) -> None:
    weights = Weights.for_query(LEGS[mode], confidence)
    able = [leg for leg in WORD_LEGS if leg in LEGS[mode]]
    total = sum(weights.of(CHUNKS[f"{kind}00"], leg) for leg in able)
    assert total == pytest.approx(1.0 if set(able) & set(FOUND_BY[kind]) else 0.0)


@given(confidence=st.floats(0.0, 1.0), mode=st.sampled_from(list(Mode)))
def test_no_weight_is_over_the_bound(confidence: float, mode: Mode) -> None:
    weights = Weights.for_query(LEGS[mode], confidence)
    for kind, able in FOUND_BY.items():
        for leg in able:
            for found_by in ({leg}, set(able)):
                assert weights.of(CHUNKS[f"{kind}00"], leg) <= weights.at_most(found_by, leg)


def test_a_keyword_leg_that_found_little_of_the_question_counts_for_little() -> None:
    chunk = CHUNKS["text00"]
    found = {Leg.KEYWORD: [ScoredChunk(chunk_id=chunk.chunk_id, score=1.0)]}
    shares = [
        fuse(found, weight=lambda _, leg, sure=sure: Weights.for_query(LEGS[Mode.HYBRID], sure).of(chunk, leg))[0].score
        for sure in (0.1, 0.5, 1.0)
    ]
    assert shares == sorted(shares)
    assert shares[0] < 0.05 * shares[2]
    assert chunk.kind is MediaKind.TEXT


def moment(name: str, feature: Feature, *, score: float, confidence: float) -> Hit:
    leg = LegScore(leg=Leg.SEEN, rank=1, score=0.5, confidence=confidence, contribution=score)
    chunk = replace(image_chunk(name, "harbour"), feature=feature)
    return Hit(chunk=chunk, score=score, confidence=confidence, legs=(leg,))


def test_of_moments_a_sure_one_comes_before_a_frame_that_is_only_the_most_alike() -> None:
    frame = moment("a", Feature.VISION, score=0.0164, confidence=0.0)
    said = moment("b", Feature.SPEECH, score=0.0160, confidence=0.8)
    first, second = surest_first([frame, said])
    assert (first.chunk, second) == (said.chunk, frame)
    assert first.score == pytest.approx(0.0160 * (1 + 0.8 * SURE)) == sum(leg.contribution for leg in first.legs)


@pytest.mark.parametrize(("feature", "moments"), [(Feature.NONE, False), (Feature.SPEECH, True)])
def test_candidates_tell_whether_there_are_moments_among_them(feature: Feature, moments: bool) -> None:
    store = InMemoryChunkStore()
    chunk = replace(text_chunk("one", "harbour"), feature=feature)
    schema = IndexSchema(text_dim=8, image_dim=4)
    generation = store.apply("i", store.create("i", schema), ChunkChange(put=(chunk,)))
    legs = {Leg.KEYWORD: [ScoredChunk(chunk_id=chunk.chunk_id, score=1.0)]}
    found = Candidates(store.snapshot("i", generation), "harbour", legs, searched=LEGS[Mode.HYBRID])
    assert found.raised is moments
