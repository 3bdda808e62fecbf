"""The token budget and what is put into it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.retrieval.grounding import (
    DOCUMENT_OVERHEAD_TOKENS,
    SMALLEST_DOCUMENT_TOKENS,
    Budget,
    budget,
    citations,
    cut_role_information,
    document_text,
    select_documents,
    trim_history,
)
from foveal.retrieval.tokens import TokenCounter
from foveal.types.assets import AssetId, DocumentId, MediaKind
from foveal.types.chat import ImageInput, Message
from foveal.types.chunks import Chunk, ChunkId
from foveal.types.search import Extract, Hit

COUNTER = TokenCounter()


def hit(name: str = "a", *, kind: MediaKind = MediaKind.TEXT, extract: Extract | None = None, **texts: str) -> Hit:
    texts.setdefault("content", "")
    chunk = Chunk(
        chunk_id=ChunkId(f"{name}-0"),
        document_id=DocumentId(name),
        asset_id=AssetId(name),
        kind=kind,
        media_type="text/plain",
        source="/photos",
        title=name,
        filepath=f"{name}.txt",
        **texts,
    )
    return Hit(chunk=chunk, score=1.0, confidence=0.9, legs=(), extract=extract)


def words(count: int, word: str = "word") -> str:
    return " ".join([word] * count)


# --- budget -----------------------------------------------------------------------------------------------


def test_the_budget_of_an_8000_token_window_is_the_seeds() -> None:
    assert budget(8_000) == Budget(system_tokens=400, history_tokens=2_000, answer_tokens=1_500, documents_tokens=4_000)


@pytest.mark.parametrize(
    ("window", "system", "longest"),
    [
        (7_999, 399, 1_500),
        (8_000, 400, 1_500),
        (15_999, 400, 1_500),
        (16_000, 1_000, 3_200),
        (31_999, 1_000, 3_200),
        (32_000, 2_000, 6_400),
        (127_999, 2_000, 6_400),
        (128_000, 4_000, 6_400),
        (1_000_000, 4_000, 6_400),
    ],
)
def test_each_row_of_the_seeds_table_holds_from_its_window_to_the_next(window: int, system: int, longest: int) -> None:
    shares = budget(window, max_answer_tokens=window)
    assert (shares.system_tokens, shares.answer_tokens) == (system, longest)
    assert budget(window).answer_tokens == 1_500


@pytest.mark.parametrize("window", [8_000, 16_000, 32_000, 128_000])
def test_a_fifth_of_the_window_is_kept_for_the_answer_and_the_documents_have_what_is_left(window: int) -> None:
    shares = budget(window, prompt_tokens=600)
    assert shares.history_tokens == 2_000
    assert shares.documents_tokens == window - window // 5 - 600 - 2_000 - shares.system_tokens


def test_a_fifth_of_a_small_window_is_kept_for_the_answer_and_documents_still_get_room() -> None:
    small = budget(4_000)
    assert (small.answer_tokens, small.system_tokens, small.history_tokens) == (800, 200, 1_000)
    assert small.documents_tokens == 2_000


def test_a_caller_may_ask_for_a_shorter_answer_and_for_a_longer_one_within_the_table() -> None:
    assert budget(8_000, max_answer_tokens=100).answer_tokens == 100
    assert budget(8_000, max_answer_tokens=1_501).answer_tokens == 1_500
    assert budget(16_000, max_answer_tokens=1_501).answer_tokens == 1_501
    assert budget(16_000, max_answer_tokens=3_201).answer_tokens == 3_200


@given(st.integers(0, 200_000), st.integers(0, 5_000))
def test_the_shares_never_exceed_the_window(context_tokens: int, prompt_tokens: int) -> None:
    shares = budget(context_tokens, prompt_tokens=prompt_tokens)
    fixed = shares.system_tokens + shares.history_tokens + shares.answer_tokens
    assert fixed + shares.documents_tokens + prompt_tokens <= max(context_tokens, fixed + prompt_tokens)
    assert shares.documents_tokens >= 0


# --- history ----------------------------------------------------------------------------------------------


def turns(*texts: str) -> list[Message]:
    return [Message(role="user" if place % 2 == 0 else "assistant", text=text) for place, text in enumerate(texts)]


def test_a_short_conversation_is_kept_whole() -> None:
    messages = turns("What is this?", "A dog.", "Which breed?")
    assert trim_history(messages, 100, COUNTER) == tuple(messages)


def test_the_oldest_turns_are_dropped_first_and_with_them_orphaned_answers() -> None:
    messages = turns(words(50), words(10), "new question", "new answer", "last question")
    assert [m.text for m in trim_history(messages, 30, COUNTER)] == ["new question", "new answer", "last question"]


def test_the_question_is_cut_only_when_it_alone_is_too_long_and_keeps_its_images() -> None:
    image = ImageInput(data=b"", media_type="image/png", pixels=np.zeros((1, 1, 3), np.uint8))
    question = Message(role="user", text=words(100), images=(image,))
    kept = trim_history([*turns("a", "b"), question], 20, COUNTER)
    assert len(kept) == 1
    assert COUNTER.count(kept[0].text) == 20
    assert kept[0].images == (image,)


def test_history_is_kept_to_its_last_token_and_one_more_drops_the_oldest_turn() -> None:
    messages = turns(words(500), words(500), words(1_000))
    assert trim_history(messages, 2_000, COUNTER) == tuple(messages)
    assert trim_history([*messages[:-1], Message(role="user", text=words(1_001))], 2_000, COUNTER) == (
        Message(role="user", text=words(1_001)),
    )


def test_system_messages_are_not_history() -> None:
    messages = [Message(role="system", text="Be brief."), *turns("Hello")]
    assert trim_history(messages, 100, COUNTER) == (messages[1],)
    assert trim_history(messages[:1], 100, COUNTER) == ()


@given(st.lists(st.integers(1, 30), min_size=1, max_size=8), st.integers(1, 60))
def test_what_is_kept_of_a_conversation_fits_and_ends_with_the_question(lengths: list[int], limit: int) -> None:
    messages = turns(*(words(length) for length in lengths))
    kept = trim_history(messages, limit, COUNTER)
    assert sum(COUNTER.count(message.text) for message in kept) <= limit
    assert messages[-1].text.startswith(kept[-1].text)
    assert list(kept[:-1]) == messages[len(messages) - len(kept) : -1]


def test_role_information_is_cut_never_refused() -> None:
    assert cut_role_information("Answer like a pirate.", 400, COUNTER) == "Answer like a pirate."
    assert cut_role_information(words(400), 400, COUNTER) == words(400)
    assert COUNTER.count(cut_role_information(words(401), 400, COUNTER)) == 400


def test_role_information_may_have_a_lower_limit_than_system_messages() -> None:
    messages = [Message(role="system", text=words(150, "kind")), *turns("Hello")]
    assert cut_role_information(words(101), 1_000, COUNTER, own_limit=100) == words(100)
    both = cut_role_information(words(101), 1_000, COUNTER, messages=messages, own_limit=100)
    assert both == f"{words(100)}\n\n{words(150, 'kind')}"


def test_system_messages_of_the_conversation_are_instructions_too() -> None:
    messages = [Message(role="system", text="Be brief."), *turns("Hello")]
    assert cut_role_information("Be kind.", 400, COUNTER, messages=messages) == "Be kind.\n\nBe brief."
    assert cut_role_information("", 400, COUNTER, messages=messages) == "Be brief."


# --- documents --------------------------------------------------------------------------------------------


def test_documents_are_numbered_from_one_in_the_order_of_the_hits() -> None:
    documents = select_documents([("photos", hit("b")), ("notes", hit("a"))], tokens=1_000, counter=COUNTER)
    assert [(d.number, d.index, d.hit.chunk.title) for d in documents] == [(1, "photos", "b"), (2, "notes", "a")]


def test_only_the_longest_documents_are_cut() -> None:
    hits = [
        ("i", hit("a", content=words(500))),
        ("i", hit("b", content=words(60))),
        ("i", hit("c", content=words(900))),
    ]
    room = 3 * DOCUMENT_OVERHEAD_TOKENS + 460
    documents = select_documents(hits, tokens=room, counter=COUNTER)
    assert [COUNTER.count(document.text) for document in documents] == [200, 60, 200]


def test_documents_are_left_out_from_the_end_when_there_is_no_room_to_say_anything() -> None:
    hits = [("i", hit(str(number), content=words(500))) for number in range(10)]
    room = 2 * (DOCUMENT_OVERHEAD_TOKENS + SMALLEST_DOCUMENT_TOKENS)
    documents = select_documents(hits, tokens=room, counter=COUNTER)
    assert [document.number for document in documents] == [1, 2]
    assert select_documents(hits, tokens=0, counter=COUNTER) == ()
    assert select_documents([], tokens=1_000, counter=COUNTER) == ()


@given(st.lists(st.integers(0, 120), max_size=6), st.integers(0, 700))
def test_the_documents_fit_their_room(lengths: list[int], room: int) -> None:
    hits = [("i", hit(str(place), content=words(length))) for place, length in enumerate(lengths)]
    documents = select_documents(hits, tokens=room, counter=COUNTER)
    used = sum(COUNTER.count(document.text) + DOCUMENT_OVERHEAD_TOKENS for document in documents)
    assert used <= room or not documents
    if sum(lengths) + len(lengths) * DOCUMENT_OVERHEAD_TOKENS <= room:
        assert [document.text for document in documents] == [one.chunk.content for _, one in hits]


def test_an_images_texts_say_whose_words_they_are_the_persons_first() -> None:
    image = hit(
        kind=MediaKind.IMAGE,
        content="everything",
        description="My dog Rex.",
        caption="A brown dog on sand.",
        composed="Objects: dog. Text: BEACH.",
        ocr_text="BEACH",
    )
    assert document_text(image.chunk).splitlines() == [
        "Description by a person: My dog Rex.",
        "Caption by a model: A brown dog on sand.",
        "Detected by Foveal: Objects: dog. Text: BEACH.",
    ]


def test_text_seen_in_an_image_is_not_lost() -> None:
    assert document_text(hit(kind=MediaKind.IMAGE, caption="A sign.", ocr_text="EXIT").chunk).splitlines() == [
        "Caption by a model: A sign.",
        "Text in the image: EXIT",
    ]


def test_a_text_chunk_is_its_content() -> None:
    assert document_text(hit(content="Plain words.").chunk) == "Plain words."


def test_every_document_becomes_a_citation_with_its_number_and_extract() -> None:
    extract = Extract(text="words", score=2.0)
    hits = [("i", hit("a", content="some words", extract=extract)), ("j", hit("b", content="more"))]
    made = citations(select_documents(hits, tokens=500, counter=COUNTER))
    assert [(c.number, c.index, c.chunk.title, c.text) for c in made] == [
        (1, "i", "a", "some words"),
        (2, "j", "b", "more"),
    ]
    assert made[0].extract is extract
    assert made[1].extract is None
    with pytest.raises(AttributeError):
        made[0].number = 5  # type: ignore[misc]
