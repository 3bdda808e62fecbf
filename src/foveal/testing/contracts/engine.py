"""What stands behind the HTTP interface must do this. Subclass it in your tests and give `engine` and `picture`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from foveal.api.engine import Engine
from foveal.errors import (
    DeploymentNotFoundError,
    FilterError,
    ImageError,
    IndexNotFoundError,
    InvalidRequestError,
    NotFoundError,
    OperationError,
)
from foveal.pipeline.history import CitedState, Reader
from foveal.types.assets import MediaKind
from foveal.types.chat import (
    ChatEvent,
    ChatRequest,
    DataSource,
    Enhancements,
    Finished,
    Grounded,
    Message,
    Retrieved,
    TextDelta,
)
from foveal.types.chunks import Chunk, ChunkId
from foveal.types.conversations import CitedItem, PersonId, Said, Speaker
from foveal.types.filters import Comparison
from foveal.types.locators import Box
from foveal.types.safety import CATEGORIES, Side
from foveal.types.search import Mode, Query
from foveal.types.sources import SourceDraft, SourceKind, SourceState

SIDES: tuple[Side, ...] = ("prompt", "answer")
INDEX = "collection"
PARROT = "A parrot needs a sturdy cage, perches and toys."
BOARD = "The board decided to sell the parrot house."
QUESTION = "What does a parrot need?"


class EngineContract:
    """The specification of `foveal.api.engine.Engine` as tests."""

    @pytest.fixture
    def engine(self) -> Engine:
        """An engine with one index, `INDEX`: `parrot.txt` with the text `PARROT`, `board.txt` with `BOARD` for the
        group `board` only, and one image `picture.png`.
        """
        raise pytest.UsageError("a subclass of EngineContract gives the fixture `engine`")

    @pytest.fixture
    def picture(self) -> bytes:
        """The bytes of that image."""
        raise pytest.UsageError("a subclass of EngineContract gives the fixture `picture`")

    @pytest.fixture
    def picture_url(self) -> str:
        """An address where that image is fetched."""
        raise pytest.UsageError("a subclass of EngineContract gives the fixture `picture_url`")

    def test_every_index_named_has_a_status(self, engine: Engine) -> None:
        """Counts are of what was put in."""
        assert engine.index_names() == [INDEX]
        status = engine.index_status(INDEX)
        assert (status.name, status.documents, status.chunks, status.images) == (INDEX, 3, 3, 1)

    def test_nothing_stands_in_for_another_services_index_that_nobody_mapped(self, engine: Engine) -> None:
        """Whatever its name."""
        assert engine.mapped_index("contoso.search.windows.net", INDEX) is None
        assert engine.mapped_index("", INDEX) is None

    def test_an_unknown_index_is_named_in_the_error(self, engine: Engine) -> None:
        """Everywhere, and by a chat before its first event."""
        with pytest.raises(IndexNotFoundError, match="nothing"):
            engine.index_status("nothing")
        with pytest.raises(IndexNotFoundError, match="nothing"):
            engine.search("nothing", Query(text="x"))
        with pytest.raises(IndexNotFoundError, match="nothing"):
            engine.chunk("nothing", ChunkId("x-0"), None)
        with pytest.raises(IndexNotFoundError, match="nothing"):
            events(
                engine, ChatRequest(messages=(Message(role="user", text="x"),), sources=(DataSource(index="nothing"),))
            )

    def test_deployments_listed_are_deployments_known(self, engine: Engine) -> None:
        """And no others."""
        assert engine.deployments()
        for deployment in engine.deployments():
            assert engine.deployment(deployment.name) == deployment
            engine.upstream(deployment.name)
        with pytest.raises(DeploymentNotFoundError, match="no-such"):
            engine.deployment("no-such")
        with pytest.raises(DeploymentNotFoundError, match="no-such"):
            engine.upstream("no-such")

    def test_an_embedding_deployment_embeds_and_a_chat_deployment_does_not(self, engine: Engine) -> None:
        """One row a text, of unit length; a text alone has the same row; only the model's own length is sure."""
        kinds = {kind: [d.name for d in engine.deployments() if d.kind == kind] for kind in ("chat", "embedding")}
        texts = ["A parrot.", "The board decided.", "A parrot."]
        rows = engine.embed(kinds["embedding"][0], texts)
        assert rows.dtype == np.float32
        assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-3)
        assert np.allclose(rows[0], rows[2], atol=1e-4)
        assert not np.allclose(rows[0], rows[1], atol=1e-2)
        (question,) = engine.embed(kinds["embedding"][0], texts[:1], queries=True, dimensions=rows.shape[1])
        assert question.shape == rows[0].shape
        with pytest.raises(OperationError):
            engine.embed(kinds["chat"][0], texts)
        with pytest.raises(DeploymentNotFoundError, match="no-such"):
            engine.embed("no-such", texts)

    def test_a_model_of_one_length_gives_no_other(self, engine: Engine) -> None:
        """It says so, instead of cutting vectors that mean nothing when cut."""
        name = next(d.name for d in engine.deployments() if d.kind == "embedding")
        with pytest.raises(InvalidRequestError, match="dimensions"):
            engine.embed(name, ["A parrot."], dimensions=7)

    def test_blank_filters_are_none_and_broken_ones_are_refused(self, engine: Engine) -> None:
        """The dialect itself is tested elsewhere."""
        assert [engine.parse_filter(text) for text in (None, "", "  ")] == [None, None, None]
        assert engine.parse_filter("title eq 'x'") == Comparison(field="title", op="eq", value="x")
        with pytest.raises(FilterError):
            engine.parse_filter("title eq")

    def test_given_grounding_options_win_over_defaults(self, engine: Engine) -> None:
        """Zero-like values count as given."""
        options = engine.grounding(top_n_documents=7, strictness=1, in_scope=False)
        assert (options.top_n_documents, options.strictness, options.in_scope) == (7, 1, False)
        assert 1 <= engine.grounding().strictness <= 5

    def test_images_are_told_by_their_bytes(self, engine: Engine, picture: bytes) -> None:
        """The bytes are kept as given; the pixels are RGB."""
        image = engine.open_image(picture)
        assert image.data == picture
        assert image.pixels.ndim == 3
        assert image.pixels.shape[2] == 3
        with pytest.raises(ImageError):
            engine.open_image(b"not an image")

    def test_an_image_given_by_address_is_fetched(self, engine: Engine, picture: bytes, picture_url: str) -> None:
        """And opened as if it had been sent."""
        image = engine.fetch_image(picture_url)
        assert image.data == picture
        assert image.pixels.shape == engine.open_image(picture).pixels.shape

    def test_an_address_where_no_image_is_fetched_is_named_without_its_query(self, engine: Engine) -> None:
        """It may hold a signature."""
        with pytest.raises(ImageError) as caught:
            engine.fetch_image("http://10.11.12.13/folder/a.png?sig=hidden")
        assert "10.11.12.13/folder/a.png" in str(caught.value)
        assert "hidden" not in str(caught.value)

    def test_what_a_search_finds_can_be_opened(self, engine: Engine) -> None:
        """By chunk id, with the same words; the original's bytes are the file's."""
        chunk = found(engine, "sturdy cage perches", "parrot.txt")
        opened = engine.chunk(INDEX, chunk.chunk_id, None)
        assert (opened.filepath, opened.content) == (chunk.filepath, chunk.content)
        media_type, data = engine.original(INDEX, chunk.chunk_id, None)
        assert media_type == chunk.media_type
        assert data == PARROT.encode()
        with engine.open_original(INDEX, chunk.chunk_id, None) as file:
            assert file.read() == data

    def test_images_have_thumbnails_and_texts_have_none(self, engine: Engine, picture: bytes) -> None:
        """A JPEG at any size asked for."""
        chunk = image_of(engine, picture)
        thumbnail = engine.thumbnail(INDEX, chunk.chunk_id, None, long_side_px=16)
        assert thumbnail.startswith(b"\xff\xd8")
        boxed = engine.thumbnail(
            INDEX, chunk.chunk_id, None, long_side_px=16, boxes=(Box(x=0.25, y=0.25, width=0.5, height=0.5),)
        )
        assert boxed.startswith(b"\xff\xd8")
        assert boxed != thumbnail
        text = found(engine, "sturdy cage perches", "parrot.txt")
        with pytest.raises(NotFoundError):
            engine.thumbnail(INDEX, text.chunk_id, None, long_side_px=16)

    def test_what_a_caller_may_not_see_does_not_exist(self, engine: Engine) -> None:
        """On any path: search, chunk, original."""
        secret = found(engine, "board decided to sell", "board.txt")
        assert engine.chunk(INDEX, secret.chunk_id, ("board", "staff")).chunk_id == secret.chunk_id
        for groups in ((), ("staff",)):
            hits = engine.search(INDEX, Query(text="board decided to sell", groups=groups)).hits
            assert secret.chunk_id not in [hit.chunk.chunk_id for hit in hits]
            with pytest.raises(NotFoundError):
                engine.chunk(INDEX, secret.chunk_id, groups)
            with pytest.raises(NotFoundError):
                engine.original(INDEX, secret.chunk_id, groups)
            with pytest.raises(NotFoundError):
                engine.open_original(INDEX, secret.chunk_id, groups)

    def test_an_unknown_chunk_is_not_found(self, engine: Engine) -> None:
        """Whatever its id looks like."""
        for chunk_id in ("x-0", "", "' or 1 eq 1", "\x00", "é" * 500):
            with pytest.raises(NotFoundError):
                engine.chunk(INDEX, ChunkId(chunk_id), None)

    def test_an_answer_is_retrieved_then_words_then_finished(self, engine: Engine) -> None:
        """Citations are numbered from one and the answer cites only these."""
        retrieved, *words, finished = events(
            engine, ChatRequest(messages=(Message(role="user", text=QUESTION),), sources=(DataSource(index=INDEX),))
        )
        assert isinstance(retrieved, Retrieved)
        assert isinstance(finished, Finished)
        texts = [word.text for word in words if isinstance(word, TextDelta)]
        assert len(texts) == len(words) > 0
        numbers = [citation.number for citation in retrieved.citations]
        assert numbers == list(range(1, len(numbers) + 1))
        assert "cage" in "".join(texts)
        assert "[doc" in "".join(texts)

    def test_places_come_right_before_the_end_when_they_are_asked_for(self, engine: Engine, picture: bytes) -> None:
        """Each slices the answer to its own words, and lies in an image of the question."""
        message = Message(role="user", text="What is this?", images=(engine.open_image(picture),))
        wanted = ChatRequest(messages=(message,), enhancements=Enhancements(grounding=True))
        *words, grounded, finished = events(engine, wanted)
        assert isinstance(finished, Finished)
        assert isinstance(grounded, Grounded)
        said = "".join(word.text for word in words if isinstance(word, TextDelta))
        for span in grounded.spans:
            assert said[span.offset : span.offset + span.length].lower() == span.text.lower()
            assert span.image == 0
            assert len(span.polygon) == 4
        plain = events(engine, ChatRequest(messages=(message,)))
        assert not any(isinstance(event, Grounded) for event in plain)

    def test_a_judgement_names_each_category_once_as_judged_or_as_missing(self, engine: Engine) -> None:
        """What is missing has a cause; what is filtered was judged; nothing to judge is not filtered."""
        for side in SIDES:
            for texts in ([], ["", "A parrot."]):
                judgement = engine.judge(side, texts, [])
                assert bool(judgement.missing) == bool(judgement.cause)
                assert set(judgement.severities) | set(judgement.missing) == set(CATEGORIES)
                assert not judgement.filtered
        assert engine.holds_answers in {True, False}

    def test_an_image_is_judged_like_words(self, engine: Engine, picture: bytes) -> None:
        """Harmless here, so it is not filtered."""
        assert not engine.judge("prompt", ["What is this?"], [engine.open_image(picture)]).filtered

    def test_a_source_is_tried_out_and_refreshed_by_its_name(self, engine: Engine, tmp_path: Path) -> None:
        """Here a folder; nothing is left of it afterwards."""
        (tmp_path / "a.txt").write_text("A zeppelin.")
        draft = SourceDraft(name="contract", kind=SourceKind.FOLDER, index=INDEX, path=str(tmp_path))
        engine.sources.add(engine.sources.settle(draft, None), None)
        assert engine.sources.test("contract").readable == "a.txt"
        assert engine.sources.plan("contract").counts.found == 1
        assert engine.sources.refresh("contract").counts.found == 1
        assert engine.sources.get("contract").state is SourceState.SUCCEEDED
        engine.sources.remove("contract")
        assert "contract" not in [source.settings.name for source in engine.sources.all()]

    def test_words_and_an_image_become_vectors_of_one_space(self, engine: Engine, picture: bytes) -> None:
        """1,024 numbers of length one, and the space is named."""
        vectorizer = engine.vision.vectorizer
        words, image = vectorizer.of_text("a picture"), vectorizer.of_image(engine.open_image(picture).pixels)
        for got in (words, image):
            assert got.vector.shape == (1024,)
            assert np.linalg.norm(got.vector) == pytest.approx(1, abs=1e-4)
        assert words.space == image.space == vectorizer.name

    def test_every_check_that_is_off_or_failed_says_why(self, engine: Engine) -> None:
        """`foveal doctor` and `/v1/health` print them."""
        assert all(check.name and check.detail for check in engine.checks())

    def test_a_conversation_shows_what_its_reader_may_see(self, engine: Engine) -> None:
        """Whatever was cited is looked up in the index it is from, which nobody need name."""
        found = engine.search(INDEX, Query(text="board sell", mode=Mode.KEYWORD, groups=None)).hits
        board = next(hit.chunk for hit in found if hit.chunk.filepath.endswith("board.txt"))
        cited = CitedItem(number=1, index="", chunk_id=board.chunk_id, title="", filepath="")
        person, history = PersonId("local"), engine.people.history
        said = [
            Said(speaker=Speaker.USER, text=QUESTION),
            Said(speaker=Speaker.ASSISTANT, text=BOARD, citations=(cited,)),
        ]
        kept = history.start(Reader(person=person, groups=None), said).conversation_id
        for groups, state in ((None, CitedState.HERE), (("board",), CitedState.HERE), ((), CitedState.WITHHELD)):
            answer = history.read(Reader(person=person, groups=groups), kept).turns[1]
            assert [item.state for item in answer.citations] == [state]
            assert answer.turn.said.text == ("" if groups == () else BOARD)


def events(engine: Engine, request: ChatRequest) -> list[ChatEvent]:
    """All events of a chat."""

    async def collected() -> list[ChatEvent]:
        return [event async for event in engine.chat(request)]

    return asyncio.run(collected())


def found(engine: Engine, text: str, filepath: str) -> Chunk:
    """The chunk of a file as a search for its words finds it."""
    hits = engine.search(INDEX, Query(text=text, mode=Mode.KEYWORD)).hits
    return next(hit.chunk for hit in hits if hit.chunk.filepath.endswith(filepath))


def image_of(engine: Engine, picture: bytes) -> Chunk:
    """The image as a search by itself finds it."""
    hits = engine.search(INDEX, Query(images=(engine.open_image(picture).pixels,), top=50)).hits
    return next(hit.chunk for hit in hits if hit.chunk.kind is MediaKind.IMAGE)
