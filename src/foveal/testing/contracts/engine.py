"""What stands behind the HTTP interface must do this. Subclass it in your tests and give `engine` and `picture`."""

from __future__ import annotations

import asyncio

import pytest

from foveal.api.engine import Engine
from foveal.errors import DeploymentNotFoundError, FilterError, ImageError, IndexNotFoundError, NotFoundError
from foveal.types.assets import MediaKind
from foveal.types.chat import ChatEvent, ChatRequest, DataSource, Finished, Message, Retrieved, TextDelta
from foveal.types.chunks import Chunk, ChunkId
from foveal.types.filters import Comparison
from foveal.types.search import Mode, Query

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

    def test_every_index_named_has_a_status(self, engine: Engine) -> None:
        """Counts are of what was put in."""
        assert engine.index_names() == [INDEX]
        status = engine.index_status(INDEX)
        assert (status.name, status.documents, status.chunks, status.images) == (INDEX, 3, 3, 1)

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
            engine.check_deployment(deployment.name)
        with pytest.raises(DeploymentNotFoundError, match="no-such"):
            engine.check_deployment("no-such")

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

    def test_what_a_search_finds_can_be_opened(self, engine: Engine) -> None:
        """By chunk id, with the same words; the original's bytes are the file's."""
        chunk = found(engine, "sturdy cage perches", "parrot.txt")
        opened = engine.chunk(INDEX, chunk.chunk_id, None)
        assert (opened.filepath, opened.content) == (chunk.filepath, chunk.content)
        media_type, data = engine.original(INDEX, chunk.chunk_id, None)
        assert media_type == chunk.media_type
        assert data == PARROT.encode()

    def test_images_have_thumbnails_and_texts_have_none(self, engine: Engine, picture: bytes) -> None:
        """A JPEG at any size asked for."""
        chunk = image_of(engine, picture)
        thumbnail = engine.thumbnail(INDEX, chunk.chunk_id, None, long_side_px=16)
        assert thumbnail.startswith(b"\xff\xd8")
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

    def test_every_check_that_is_off_or_failed_says_why(self, engine: Engine) -> None:
        """`foveal doctor` and `/v1/health` print them."""
        assert all(check.name and check.detail for check in engine.checks())


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
