"""Searching: legs, filters, groups, pages, duplicates, strictness, generations."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveal.errors import IndexNotFoundError, InvalidRequestError
from foveal.models.local_reranker import LocalReranker
from foveal.retrieval.strictness import CUTOFFS
from foveal.testing.fakes_remote import FakeReranker
from foveal.types.assets import MediaKind
from foveal.types.chunks import Chunk, ChunkId
from foveal.types.content import DetectedObject
from foveal.types.filters import Comparison
from foveal.types.locators import Box
from foveal.types.search import Hit, Leg, Mode, Query, SearchResult
from foveal.types.vectors import FloatArray

from .conftest import INDEX, SUBJECTS, SearchHome, names, picture

ASKED = st.lists(st.sampled_from(SUBJECTS), min_size=1, max_size=3).map(" ".join)
IMAGES_ONLY = Comparison(field="kind", op="eq", value=MediaKind.IMAGE.value)


def shown(found: SearchResult) -> list[Chunk]:
    return [chunk for hit in (*found.hits, *found.rejected) for chunk in (hit.chunk, *hit.duplicates)]


# --- what may be seen


@settings(max_examples=40, deadline=None)
@given(
    question=ASKED,
    groups=st.lists(st.sampled_from(["red", "blue", "green", "nobody"]), max_size=3).map(tuple),
    mode=st.sampled_from(list(Mode)),
    strictness=st.sampled_from([None, 1, 4]),
)
def test_whatever_is_shown_is_visible_to_the_callers_groups(
    crowd: SearchHome, question: str, groups: tuple[str, ...], mode: Mode, strictness: int | None
) -> None:
    query = Query(text=question, images=(picture(3),), groups=groups, mode=mode, strictness=strictness, top=30)
    found = shown(crowd.search(query))
    assert found
    assert all(not chunk.group_ids or set(chunk.group_ids) & set(groups) for chunk in found)


@pytest.mark.parametrize("mode", [Mode.KEYWORD, Mode.VECTOR, Mode.HYBRID])
def test_groups_apply_before_the_cut_of_every_leg(home: SearchHome, mode: Mode) -> None:
    better = [home.text(f"hidden{n:03}", "harbour harbour", ("secret",)) for n in range(150)]
    home.commit(*better, home.text("mine", "a harbour among many other words", ("mine",)))
    assert names(home.search(Query(text="harbour", mode=mode, groups=("mine",)))) == ["mine"]


def test_without_groups_everything_is_searched_and_with_none_only_what_is_open(crowd: SearchHome) -> None:
    everything = shown(crowd.search(Query(text="harbour", groups=None, top=60)))
    open_to_all = shown(crowd.search(Query(text="harbour", groups=(), top=60)))
    assert {chunk.group_ids for chunk in everything} == {("red",), ("blue",), ("red", "blue"), ("green",), ()}
    assert {chunk.group_ids for chunk in open_to_all} == {()}


@pytest.mark.parametrize("mode", list(Mode))
def test_a_filter_applies_inside_every_leg(home: SearchHome, mode: Mode) -> None:
    texts = [home.text(f"t{n:03}", "glacier glacier") for n in range(120)]
    home.commit(*texts, home.image("photo", picture(1), "a glacier far behind other things"))
    assert names(home.search(Query(text="glacier", filter=IMAGES_ONLY, mode=mode))) == ["photo"]


def test_words_an_image_and_a_filter_work_in_one_query(crowd: SearchHome) -> None:
    query = Query(text="glacier shines", images=(picture(11),), filter=IMAGES_ONLY, groups=("green", "blue", "red"))
    found = crowd.search(query)
    assert found.hits[0].chunk.document_id == "i011"
    assert {hit.chunk.kind for hit in found.hits} == {MediaKind.IMAGE}
    assert {leg.leg for hit in found.hits for leg in hit.legs} == {Leg.KEYWORD, Leg.TEXT, Leg.SEEN, Leg.IMAGE}


# --- order


def test_each_legs_rank_and_score_are_the_engines_and_contributions_add_up(crowd: SearchHome) -> None:
    found = crowd.search(Query(text="violin waits", images=(picture(11),), top=20, collapse=False))
    snapshot = crowd.store.snapshot(INDEX, found.generation)
    asked: FloatArray = crowd.embedder.embed_queries(["violin waits"])[0]
    pictured = crowd.encoder.encode([picture(11)])[0].vector
    legs = {
        Leg.KEYWORD: snapshot.keyword("violin waits", where=None, limit=50),
        Leg.TEXT: snapshot.nearest("text_vector", asked, where=None, limit=50),
        Leg.SEEN: snapshot.nearest("seen_vector", crowd.adapter.query(asked), where=None, limit=50),
        Leg.IMAGE: snapshot.nearest("image_vector", pictured, where=None, limit=50),
    }
    assert len(found.hits) == 20
    for hit in found.hits:
        assert hit.score == pytest.approx(sum(leg.contribution for leg in hit.legs))
        assert hit.confidence == max(leg.confidence for leg in hit.legs)
        for leg in hit.legs:
            assert legs[leg.leg][leg.rank - 1].chunk_id == hit.chunk.chunk_id
            assert legs[leg.leg][leg.rank - 1].score == pytest.approx(leg.score, abs=1e-5)
        for name, ranking in legs.items():
            there = hit.chunk.chunk_id in {one.chunk_id for one in ranking}
            assert there == (name in {leg.leg for leg in hit.legs})
    assert [hit.score for hit in found.hits] == sorted((hit.score for hit in found.hits), reverse=True)


def test_keyword_mode_keeps_the_engines_order_whatever_the_chunks_are(crowd: SearchHome) -> None:
    found = crowd.search(Query(text="library shines", mode=Mode.KEYWORD, top=25, collapse=False))
    ranking = crowd.store.snapshot(INDEX, found.generation).keyword("library shines", where=None, limit=50)
    assert [hit.chunk.chunk_id for hit in found.hits] == [one.chunk_id for one in ranking][:25]


def test_a_shared_name_does_not_lift_a_passage_over_the_one_that_means_the_question(home: SearchHome) -> None:
    question, answer = "wie viele Tore erzielte Miller insgesamt", "the striker scored forty goals"
    home.embedder.meanings[question] = answer
    others = [home.text(f"o{n}", f"{subject} and Miller the painter") for n, subject in enumerate(SUBJECTS)]
    home.commit(home.text("answer", answer), *others)
    assert names(home.search(Query(text=question, mode=Mode.KEYWORD)))[0] != "answer"
    assert names(home.search(Query(text=question)))[0] == "answer"


@settings(max_examples=25, deadline=None)
@given(
    question=ASKED,
    cuts=st.lists(st.integers(1, 24), unique=True, max_size=4).map(sorted),
    mode=st.sampled_from([Mode.KEYWORD, Mode.VECTOR, Mode.HYBRID]),
)
def test_pages_are_stretches_of_one_long_page(crowd: SearchHome, question: str, cuts: list[int], mode: Mode) -> None:
    whole = crowd.search(Query(text=question, mode=mode, top=25))
    edges = [0, *cuts, 25]
    pages = [
        crowd.search(Query(text=question, mode=mode, skip=start, top=end - start)) for start, end in pairwise(edges)
    ]
    assert [(hit.chunk.chunk_id, hit.score) for page in pages for hit in page.hits] == [
        (hit.chunk.chunk_id, hit.score) for hit in whole.hits
    ]


def test_every_chunk_can_be_paged_to(crowd: SearchHome) -> None:
    assert len(crowd.search(Query(text="number", mode=Mode.KEYWORD, top=500)).hits) == 105  # 15 images have no words


# --- duplicates


def copies(home: SearchHome) -> list[Chunk]:
    """Three copies of a photo, one hash bit apart each, a different photo, and a text."""
    photos = [
        replace(home.image(f"copy{n}", picture(5), "a harbour at dawn"), perceptual_hash=(1 << n) - 1) for n in range(3)
    ]
    other = replace(home.image("other", picture(6), "a harbour at dawn"), perceptual_hash=2**63 - 1)
    return [*photos, other, home.text("note", "a harbour at dawn")]


def test_near_duplicates_become_one_hit_that_lists_them(home: SearchHome) -> None:
    home.commit(*copies(home))
    found = home.search(Query(text="harbour at dawn", images=(picture(5),)))
    assert sorted(names(found)) == ["copy0", "note", "other"]
    (hit,) = [hit for hit in found.hits if hit.duplicates]
    assert [chunk.document_id for chunk in hit.duplicates] == ["copy1", "copy2"]


def test_without_collapsing_every_copy_is_a_hit(home: SearchHome) -> None:
    home.commit(*copies(home))
    found = home.search(Query(text="harbour at dawn", images=(picture(5),), collapse=False))
    assert sorted(names(found)) == ["copy0", "copy1", "copy2", "note", "other"]
    assert not any(hit.duplicates for hit in found.hits)


@pytest.mark.parametrize("mode", [Mode.HYBRID, Mode.SEMANTIC])
def test_many_copies_do_not_crowd_others_off_the_page(home: SearchHome, mode: Mode) -> None:
    same = [replace(home.image(f"copy{n:02}", picture(5)), perceptual_hash=7) for n in range(40)]
    hashes = (0x0F0F0F0F0F0F0F0F, 0x00FF00FF00FF00FF, 0x0000FFFF0000FFFF, 0x5555555555555555)
    others = [replace(home.image(f"other{n}", picture(50 + n)), perceptual_hash=h) for n, h in enumerate(hashes)]
    home.commit(*same, *others)
    found = home.search(Query(images=(picture(5),), mode=mode, top=3))
    assert len(found.hits) == 3
    assert len(found.hits[0].duplicates) == 39


def test_when_copies_collapse_the_page_is_filled_with_what_comes_next(home: SearchHome) -> None:
    same = [replace(home.image(f"copy{n:02}", picture(5)), perceptual_hash=7) for n in range(30)]
    others = [replace(home.image(f"other{n}", picture(50 + n)), perceptual_hash=None) for n in range(5)]
    notes = [replace(home.text(f"note{n:02}", f"violin {n}"), text_vector=None) for n in range(12)]
    home.commit(*same, *others, *notes)
    found = home.search(Query(text="violin", images=(picture(5),), filter=None, top=6))
    assert names(found)[0].startswith("copy")
    assert all(name.startswith("other") for name in names(found)[1:])


# --- strictness


@settings(max_examples=8, deadline=None)
@given(question=ASKED, mode=st.sampled_from(list(Mode)))
def test_higher_strictness_never_adds_a_hit_and_rejected_holds_the_rest(
    crowd: SearchHome, question: str, mode: Mode
) -> None:
    found = [crowd.search(Query(text=question, mode=mode, strictness=strictness, top=200)) for strictness in CUTOFFS]
    everything = _ids(found[0].hits) | _ids(found[0].rejected)
    before = everything
    for one, cutoff in zip(found, CUTOFFS.values(), strict=True):
        kept, rejected = _ids(one.hits), _ids(one.rejected)
        assert all(hit.confidence >= cutoff for hit in one.hits)
        assert all(hit.confidence < cutoff for hit in one.rejected)
        assert kept <= before
        assert kept | rejected == everything
        before = kept


def _ids(hits: tuple[Hit, ...]) -> set[ChunkId]:
    return {hit.chunk.chunk_id for hit in hits}


def test_nothing_that_matches_gives_no_hits_but_the_nearest_things(crowd: SearchHome) -> None:
    question = "umbrella"
    crowd.embedder.meanings[question] = "near the number"  # as near to any text of the collection as to the next
    found = crowd.search(Query(text=question, strictness=5))
    assert found.hits == ()
    assert len(found.rejected) == 10


# --- things


def test_pictures_of_the_thing_that_is_asked_for_come_first_and_are_sure(home: SearchHome) -> None:
    dog = DetectedObject(label="dog", score=0.9, box=Box(x=0.1, y=0.1, width=0.5, height=0.5))
    shown = [home.image(f"i{n:02}", picture(n)) for n in range(20)]
    last = [chunk.document_id for chunk in shown if chunk.document_id in {"i03", "i11"}]
    home.commit(*(replace(one, objects=(dog,)) if one.document_id in last else one for one in shown))
    for question in ("Where did we see dogs?", "Gibt es Fotos mit Hunden?", "มีรูปหมาไหม"):
        found = home.search(Query(text=question, top=20))
        assert set(names(found)[:2]) == set(last)
        sure = {hit.chunk.document_id for hit in found.hits if hit.confidence >= CUTOFFS[3]}
        assert sure == set(last)
        kept = home.search(Query(text=question, top=20, strictness=3))
        assert set(names(kept)) == set(last)


def test_where_a_thing_is_but_a_part_of_the_question_it_changes_no_order(home: SearchHome) -> None:
    dog = DetectedObject(label="dog", score=0.9, box=Box(x=0.1, y=0.1, width=0.5, height=0.5))
    question = "a dog in a red coat jumps over a wooden fence"
    chunks = [home.image(f"i{n:02}", picture(n)) for n in range(20)]
    home.commit(*chunks)
    before = names(home.search(Query(text=question, top=20)))
    home.commit(
        *(replace(one, objects=(dog,)) if one.document_id == before[-1] else one for one in chunks),
        delete=tuple(one.document_id for one in chunks),
    )
    assert names(home.search(Query(text=question, top=20))) == before


# --- semantic


def test_semantic_mode_orders_by_the_re_ranker_and_gives_extracts_and_answers(home: SearchHome) -> None:
    home.reranker = LocalReranker(home.embedder)
    home.commit(
        home.text("often", "harbour harbour harbour harbour"),
        home.text("answer", "The old harbour opens at nine every morning."),
        home.text("far", "An orchard in the hills."),
    )
    found = home.search(Query(text="harbour opens nine", mode=Mode.SEMANTIC))
    assert names(found)[0] == "answer"
    scores = [hit.rerank_score for hit in found.hits]
    assert scores == sorted(scores, key=lambda score: -(score or 0.0))
    assert [hit.score for hit in found.hits] == scores
    assert found.hits[0].extract is not None
    assert found.answers[0].chunk_id == found.hits[0].chunk.chunk_id
    assert found.answers[0].extract == found.hits[0].extract


def test_an_answer_that_strictness_rejects_is_not_offered(home: SearchHome) -> None:
    home.commit(*(home.text(f"t{n}", f"{subject} number {n}") for n, subject in enumerate(SUBJECTS)))
    found = home.search(Query(text="zzyzx", mode=Mode.SEMANTIC, strictness=5))
    assert found.hits == found.answers == ()


def test_other_modes_do_not_re_rank(crowd: SearchHome) -> None:
    counting = crowd.reranker = FakeReranker()
    for mode in (Mode.KEYWORD, Mode.VECTOR, Mode.HYBRID):
        found = crowd.search(Query(text="violin", mode=mode))
        assert found.answers == ()
        assert all(hit.rerank_score is None for hit in found.hits)
    assert counting.calls == 0
    crowd.search(Query(text="violin", mode=Mode.SEMANTIC))
    assert counting.calls == 1


# --- generations and errors


def test_a_search_during_a_commit_sees_one_generation_only(home: SearchHome, monkeypatch: pytest.MonkeyPatch) -> None:
    home.commit(home.text("old", "a volcano of the old kind"))
    generation = home.catalog.index(INDEX).generation
    embed = home.embedder.embed_queries

    def embed_after_a_commit(texts: list[str]) -> FloatArray:
        monkeypatch.setattr(home.embedder, "embed_queries", embed)
        home.commit(home.text("new", "a volcano of the new kind"), delete=("old",))
        return embed(texts)

    monkeypatch.setattr(home.embedder, "embed_queries", embed_after_a_commit)
    during = home.search(Query(text="volcano"))
    after = home.search(Query(text="volcano"))
    assert (during.generation, names(during)) == (generation, ["old"])
    assert after.generation > generation
    assert names(after) == ["new"]


@pytest.mark.parametrize("text", ["", "  \n"])
def test_a_query_without_words_or_images_is_refused(home: SearchHome, text: str) -> None:
    with pytest.raises(InvalidRequestError, match="nothing to search for"):
        home.search(Query(text=text))


def test_an_unknown_index_is_named_with_its_neighbours(home: SearchHome) -> None:
    with pytest.raises(IndexNotFoundError, match="'thingz'") as caught:
        home.searcher.search("thingz", Query(text="x"))
    assert INDEX in (caught.value.remedy or "")


def test_an_empty_index_gives_no_hits(home: SearchHome) -> None:
    assert home.search(Query(text="harbour", images=(picture(1),))).hits == ()
