"""Chat over data: what is searched, what is given to the answerer, and what goes on when a source fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from foveal.errors import FilterError, FovealError, IndexNotFoundError, InvalidRequestError
from foveal.pipeline.chat import PICTURE_TOKENS, PROMPT_TOKENS, Chat, collect
from foveal.pipeline.relating import CutThings, Relate, no_things, unrelated
from foveal.retrieval.grounding import budget
from foveal.retrieval.tokens import TokenCounter
from foveal.testing.fakes_engine import FakeEngine, fake_chunk
from foveal.testing.fakes_remote import FakeAnswerer, FakeChatModel
from foveal.types.assets import MediaKind
from foveal.types.chat import (
    Answer,
    ChatRequest,
    DataSource,
    FieldsMapping,
    GroundingOptions,
    ImageInput,
    Message,
    Sampling,
)
from foveal.types.relations import Relation, RelationKind
from foveal.types.search import Hit, Mode, Query, SearchResult

DOGS = "Two dogs run along the beach."
COUNTER = TokenCounter()


class Intending(FakeAnswerer):
    """Turns every question into these queries."""

    def __init__(self, *queries: str, context_tokens: int = 16_384) -> None:
        super().__init__(context_tokens=context_tokens)
        self.queries = queries

    async def intents(self, request: ChatRequest) -> tuple[str, ...]:
        return self.queries


class Retrieving:
    """A fake engine's search, with what was asked of it; some indexes and queries fail."""

    def __init__(self, engine: FakeEngine, fails: Callable[[DataSource, Query], FovealError | None]) -> None:
        self.engine = engine
        self.fails = fails
        self.asked: list[tuple[DataSource, Query]] = []

    def __call__(self, source: DataSource, query: Query) -> SearchResult:
        self.asked.append((source, query))
        error = self.fails(source, query)
        if error is not None:
            raise error
        return self.engine.search(source.index, query)


def retrieving(fails: Callable[[DataSource, Query], FovealError | None] = lambda *_: None) -> Retrieving:
    photos = [fake_chunk("dogs.jpg", DOGS), fake_chunk("cats.jpg", "Two cats sleep on the sofa.")]
    texts = [fake_chunk(f"{n}.txt", f"dogs number {n}") for n in range(9)]
    return Retrieving(FakeEngine({"photos": photos, "texts": texts}), fails)


def asked(question: str = "dogs", *sources: DataSource, **grounding: object) -> ChatRequest:
    return ChatRequest(
        messages=(Message(role="user", text=question),),
        sources=sources or (DataSource(index="photos"),),
        grounding=GroundingOptions(**grounding),  # type: ignore[arg-type]
    )


def answer(
    request: ChatRequest,
    retrieve: Retrieving,
    answerer: FakeAnswerer | None = None,
    *,
    picture: bytes | None = None,
    relate: Relate = unrelated,
    things: CutThings = no_things,
) -> Answer:
    chat = Chat(
        retrieve=retrieve,
        answerers=lambda _: answerer or FakeAnswerer(),
        models=lambda _: FakeChatModel(),
        tokens=COUNTER,
        picture=lambda *_: picture,
        relate=relate,
        things=things,
    )

    async def run() -> Answer:
        return collect([event async for event in chat.stream(request)])

    return asyncio.run(run())


def test_each_source_is_searched_in_its_own_way() -> None:
    retrieve = retrieving()
    mapping = FieldsMapping(content=("body",))
    sources = (
        DataSource(index="photos", mode=Mode.KEYWORD),
        DataSource(index="texts", mode=Mode.SEMANTIC, mapping=mapping),
    )
    got = answer(asked("dogs", *sources, top_n_documents=3, strictness=2, groups=("a",)), retrieve)
    assert [source for source, _ in retrieve.asked] == list(sources)
    assert [query.mode for _, query in retrieve.asked] == [Mode.KEYWORD, Mode.SEMANTIC]
    assert {(query.strictness, query.groups) for _, query in retrieve.asked} == {(2, ("a",))}
    assert [result.index for result in got.retrieved.results] == ["photos", "texts"]
    assert [citation.index for citation in got.retrieved.citations] == ["photos", "texts", "texts"]


def test_no_more_documents_are_given_than_are_asked_for_and_what_is_left_out_is_known() -> None:
    got = answer(asked("dogs", DataSource(index="texts"), top_n_documents=4), retrieving())
    assert len(got.retrieved.citations) == 4
    assert len(got.retrieved.results[0].hits) == 8


def test_a_chunk_that_two_sources_find_is_one_document() -> None:
    sources = (DataSource(index="photos"), DataSource(index="photos", mode=Mode.KEYWORD))
    got = answer(asked("dogs", *sources), retrieving())
    assert [citation.chunk.filepath for citation in got.retrieved.citations] == ["dogs.jpg"]


def test_every_query_is_searched_and_documents_know_theirs() -> None:
    got = answer(asked("?"), retrieving(), Intending("dogs", "cats", "two"))
    found = {c.chunk.filepath: got.retrieved.found_by[c.chunk.chunk_id] for c in got.retrieved.citations}
    assert found == {"dogs.jpg": ("dogs", "two"), "cats.jpg": ("cats", "two")}


@pytest.mark.parametrize(("most", "searched"), [(1, ["dogs"]), (2, ["dogs", "cats"]), (None, ["dogs", "cats", "two"])])
def test_queries_over_the_limit_are_not_searched(most: int | None, searched: list[str]) -> None:
    retrieve = retrieving()
    got = answer(asked("?", max_queries=most), retrieve, Intending("dogs", "cats", "two"))
    assert [query.text for _, query in retrieve.asked] == searched
    assert got.retrieved.intents == tuple(searched)


def test_an_image_alone_is_searched_once() -> None:
    retrieve = retrieving()
    image = ImageInput(data=b"x", media_type="image/png", pixels=np.zeros((1, 1, 3), np.uint8))
    request = replace(asked(), messages=(Message(role="user", text="", images=(image,)),))
    got = answer(request, retrieve).retrieved
    assert (got.intents, got.found_by) == ((), {})
    assert [(query.text, len(query.images)) for _, query in retrieve.asked] == [("", 1)]


def shows_the_dog(_: ImageInput, hits: Sequence[Hit]) -> list[tuple[Relation, ...]]:
    dog = Relation(kind=RelationKind.SAME_OBJECT, score=0.9, reason="The same dog.", labels=("dog",))
    return [(dog,) if hit.chunk.filepath == "dogs.jpg" else () for hit in hits]


class SeekingThings(Retrieving):
    """Whole images are like nothing; a part of one is like the dogs."""

    def __call__(self, source: DataSource, query: Query) -> SearchResult:
        found = super().__call__(source, query)
        dogs = self.engine.search("photos", Query(text="dogs")).hits
        return replace(found, hits=dogs if query.regions else ())


@pytest.mark.parametrize(("intents", "sought"), [((), True), (("dogs",), False)])
def test_where_relations_are_asked_for_the_things_of_an_image_are_looked_for_by_themselves(
    intents: tuple[str, ...], sought: bool
) -> None:
    """C5: with the caller's filter and groups, and no strictness, since the relation decides."""
    plain = retrieving()
    retrieve = SeekingThings(plain.engine, plain.fails)
    thing = np.zeros((40, 40, 3), np.uint8)
    image = ImageInput(data=b"x", media_type="image/png", pixels=np.zeros((80, 80, 3), np.uint8))
    request = replace(asked(groups=("a",)), messages=(Message(role="user", text="related?", images=(image,)),))
    got = answer(request, retrieve, Intending(*intents), relate=shows_the_dog, things=lambda _: (thing,))
    queries = [query for _, query in retrieve.asked if query.regions]
    assert [(query.groups, query.strictness) for query in queries] == ([(("a",), None)] if sought else [])
    assert [citation.chunk.filepath for citation in got.retrieved.citations] == (["dogs.jpg"] if sought else [])


def test_a_source_that_fails_and_may_hides_no_other_s_same_objects() -> None:
    plain = retrieving(lambda source, _: IndexNotFoundError("gone") if source.index == "gone" else None)
    retrieve = SeekingThings(plain.engine, plain.fails)
    image = ImageInput(data=b"x", media_type="image/png", pixels=np.zeros((80, 80, 3), np.uint8))
    sources = (DataSource(index="gone", may_fail=True), DataSource(index="photos"))
    request = replace(asked("", *sources), messages=(Message(role="user", text="", images=(image,)),))
    got = answer(request, retrieve, relate=shows_the_dog, things=lambda _: (image.pixels,))
    assert [citation.chunk.filepath for citation in got.retrieved.citations] == ["dogs.jpg"]


def test_without_a_question_nothing_is_searched() -> None:
    with pytest.raises(InvalidRequestError):
        answer(asked(" "), retrieving())


def test_a_source_that_fails_fails_the_answer() -> None:
    sources = (DataSource(index="photos"), DataSource(index="gone"))
    with pytest.raises(IndexNotFoundError):
        answer(asked("dogs", *sources), retrieving())


def test_a_source_that_may_fail_is_left_out_and_keeps_its_place() -> None:
    sources = (DataSource(index="gone", may_fail=True), DataSource(index="photos"))
    got = answer(asked("dogs", *sources), retrieving())
    assert [(result.index, len(result.hits)) for result in got.retrieved.results] == [("gone", 0), ("photos", 1)]
    assert got.finished.answered


def test_when_no_search_succeeds_the_first_failure_is_told() -> None:
    sources = (DataSource(index="gone", may_fail=True), DataSource(index="photos", may_fail=True))
    with pytest.raises(IndexNotFoundError):
        answer(asked("dogs", *sources), retrieving(lambda s, _: FilterError("x") if s.index == "photos" else None))


def test_one_query_that_fails_leaves_the_others() -> None:
    retrieve = retrieving(lambda _, query: FilterError("x") if query.text == "cats" else None)
    got = answer(asked("?", DataSource(index="photos", may_fail=True)), retrieve, Intending("cats", "dogs"))
    assert [c.chunk.filepath for c in got.retrieved.citations] == ["dogs.jpg"]


def test_a_mistake_in_the_program_is_no_partial_result() -> None:
    def broken(source: DataSource, query: Query) -> FovealError | None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        answer(asked("dogs", DataSource(index="photos", may_fail=True)), retrieving(broken))


def words(count: int, word: str = "dogs") -> str:
    return " ".join([word] * count)


@pytest.mark.parametrize(("window", "limit"), [(8_000, 400), (16_000, 1_000), (32_000, 2_000), (128_000, 4_000)])
def test_instructions_are_cut_to_the_window_and_role_information_to_its_own_limit(window: int, limit: int) -> None:
    answerer = FakeAnswerer(context_tokens=window)
    request = asked("dogs", role_information=words(5_000))
    answer(request, retrieving(), answerer)
    assert COUNTER.count(answerer.calls[-1][0].grounding.role_information) == limit
    answer(replace(request, grounding=replace(request.grounding, role_tokens=100)), retrieving(), answerer)
    assert COUNTER.count(answerer.calls[-1][0].grounding.role_information) == 100


def test_question_and_history_are_cut_to_2000_tokens() -> None:
    answerer = FakeAnswerer()
    history = (Message(role="user", text=words(1_000)), Message(role="assistant", text=words(900)))
    whole = (*history, Message(role="user", text=words(100)))
    answer(replace(asked(), messages=whole), retrieving(), answerer)
    assert answerer.calls[-1][0].messages == whole
    answer(replace(asked(), messages=(*history, Message(role="user", text=words(101)))), retrieving(), answerer)
    assert [m.role for m in answerer.calls[-1][0].messages] == ["user"]
    answer(replace(asked(), messages=(Message(role="user", text=words(2_001)),)), retrieving(), answerer)
    assert COUNTER.count(answerer.calls[-1][0].messages[-1].text) == 2_000


@pytest.mark.parametrize(
    ("window", "wanted", "given"),
    [
        (8_000, None, 1_500),
        (8_000, 99, 99),
        (8_000, 9_999, 1_500),
        (16_000, 9_999, 3_200),
        (32_000, 9_999, 6_400),
        (4_000, None, 800),
    ],
)
def test_an_answer_is_as_long_as_asked_for_within_the_table(window: int, wanted: int | None, given: int) -> None:
    answerer = FakeAnswerer(context_tokens=window)
    answer(replace(asked(), sampling=Sampling(max_tokens=wanted)), retrieving(), answerer)
    assert answerer.calls[-1][0].sampling.max_tokens == given


def test_pictures_of_the_question_take_their_tokens_from_the_documents() -> None:
    retrieve = retrieving()
    retrieve.engine.indexes["photos"] = [fake_chunk(f"{n}", words(4_000)) for n in range(5)]
    image = ImageInput(data=b"x", media_type="image/png", pixels=np.zeros((512, 512, 3), np.uint8))
    used = []
    for sees in (False, True):
        answerer = FakeAnswerer(context_tokens=8_000, sees=sees)
        answer(replace(asked(), messages=(Message(role="user", text="dogs", images=(image,)),)), retrieve, answerer)
        used.append(sum(COUNTER.count(document.text) for document in answerer.calls[-1][1]))
    assert used[0] - used[1] == pytest.approx(255, abs=5)


def test_pictures_of_documents_leave_half_of_the_room_to_words() -> None:
    retrieve = retrieving()
    photos = [fake_chunk(f"{n}.jpg", f"dogs {n}", kind=MediaKind.IMAGE) for n in range(20)]
    retrieve.engine.indexes["photos"] = photos
    answerer = FakeAnswerer(context_tokens=16_000, sees=True)
    answer(asked("dogs", top_n_documents=20), retrieve, answerer, picture=b"jpeg")
    _, documents = answerer.calls[-1]
    room = budget(16_000, prompt_tokens=PROMPT_TOKENS).documents_tokens
    shown = [d.number for d in documents if d.image]
    assert len(documents) == 20
    assert shown == list(range(1, room // 2 // PICTURE_TOKENS + 1))


def test_documents_are_cut_to_what_the_window_has_left() -> None:
    retrieve = retrieving()
    retrieve.engine.indexes["photos"] = [fake_chunk(f"{n}", words(4_000)) for n in range(5)]
    answerer = FakeAnswerer(context_tokens=8_000)
    answer(asked("dogs"), retrieve, answerer)
    _, documents = answerer.calls[-1]
    room = budget(8_000, prompt_tokens=PROMPT_TOKENS).documents_tokens
    assert len(documents) == 5
    assert room - 200 < sum(COUNTER.count(d.text) for d in documents) <= room
