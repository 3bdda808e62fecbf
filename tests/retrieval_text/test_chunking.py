from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.retrieval.chunking import TextPiece, chunk_text
from foveal.retrieval.tokens import TokenCounter
from foveal.types.content import TextContent
from foveal.types.locators import Locator

THAI = "สุนัขสองตัววิ่งเล่นบนชายหาดในยามเย็น พระอาทิตย์กำลังจะตกดิน เด็กๆ เล่นน้ำกันอย่างสนุกสนาน "
CHINESE = "两只狗在海滩上奔跑。夕阳西下，孩子们在水里玩耍。远处有一艘船！"


def words(text: str) -> int:
    return len(text.split())


def characters(text: str) -> int:
    return len(text)


def cut(text: str, max_tokens: int, overlap_tokens: int = 0, count=characters) -> list[TextPiece]:
    return chunk_text([TextContent(text=text)], max_tokens=max_tokens, overlap_tokens=overlap_tokens, count=count)


def test_a_short_text_is_one_piece() -> None:
    (piece,) = cut("Two dogs run. They are happy.", 100)
    assert piece.text == "Two dogs run. They are happy."


def test_paragraphs_stay_whole_where_they_fit() -> None:
    text = "First paragraph here.\n\nSecond paragraph here.\n\nThird paragraph here."
    assert [p.text for p in cut(text, 50)] == [
        "First paragraph here.\n\nSecond paragraph here.",
        "Third paragraph here.",
    ]


def test_a_long_paragraph_is_cut_at_sentences() -> None:
    text = "One two three. Four five six. Seven eight nine. Ten eleven twelve."
    pieces = cut(text, 32)
    assert [p.text for p in pieces] == ["One two three. Four five six.", "Seven eight nine.", "Ten eleven twelve."]


def test_chinese_is_cut_at_its_own_full_stops() -> None:
    assert all(p.text[-1] in "。！" for p in cut(CHINESE * 4, 40))


def test_thai_is_cut_at_blanks_and_never_inside_a_cluster() -> None:
    assert all(p.text in THAI * 3 for p in cut(THAI * 3, 60))
    for size in range(2, 12):
        for piece in cut(THAI.replace(" ", ""), size):
            assert piece.text[0] not in "ัิีึืุู็่้๊๋์ํ", size


def test_an_overlap_repeats_whole_sentences() -> None:
    text = " ".join(f"Sentence number {i} is here." for i in range(20))
    pieces = cut(text, 100, 30)
    for before, after in pairwise(pieces):
        shared = before.locator.end_char - after.locator.start_char
        assert 0 < shared <= 30
        assert after.text.startswith("Sentence number")


def test_pieces_keep_heading_title_page_and_place() -> None:
    contents = [
        TextContent(text="alpha beta", title="T", heading=("A",), locator=Locator(page=2, start_char=10, end_char=20)),
        TextContent(text="gamma", title="T", heading=("A", "B"), locator=Locator(start_char=40, end_char=45)),
    ]
    pieces = chunk_text(contents, max_tokens=1, overlap_tokens=0, count=words)
    assert [(p.text, p.heading, p.locator.start_char, p.locator.end_char, p.locator.page) for p in pieces] == [
        ("alpha", ("A",), 10, 15, 2),
        ("beta", ("A",), 16, 20, 2),
        ("gamma", ("A", "B"), 40, 45, None),
    ]


def test_nothing_comes_of_nothing() -> None:
    assert chunk_text([], max_tokens=10, overlap_tokens=0, count=words) == []
    assert cut(" \n ", 10) == []


@pytest.mark.parametrize("text", [THAI * 80, CHINESE * 80, "Two dogs run on the beach. " * 300, "x9" * 4000])
def test_the_real_token_counter_is_obeyed(text: str) -> None:
    count = TokenCounter().count
    pieces = cut(text, 100, 20, count)
    assert max(count(p.text) for p in pieces) <= 100
    assert sum(count(p.text) for p in pieces) / len(pieces) > 50


def test_time_stays_in_proportion_with_the_real_counter_and_tiny_words() -> None:
    count = TokenCounter().count
    began = time.monotonic()
    pieces = cut("word " * 200_000, 1024, 128, count)
    assert time.monotonic() - began < 10
    assert len(pieces) < 250


TEXTS = st.one_of(
    st.text(max_size=300),
    st.lists(
        st.sampled_from(["word ", "a. ", "\n", "\n\n", "句子。", "ไทย ", "ที่", "e\u0301", "👩\u200d🚀", "long" * 30])
    ).map("".join),
)


@given(
    TEXTS, st.integers(1, 60), st.integers(0, 60), st.sampled_from([characters, words, lambda t: len(t.encode()) // 3])
)
def test_every_character_is_covered_in_order_within_the_limit(text: str, most: int, overlap: int, count) -> None:
    pieces = cut(text, most, overlap, count)
    covered = [False] * len(text)
    last = 0
    for piece in pieces:
        start, end = piece.locator.start_char, piece.locator.end_char
        assert text[start:end] == piece.text == piece.text.strip() != ""
        assert end > last
        last = end
        assert count(piece.text) <= most or len(piece.text) < 8 or count(piece.text[0]) > most
        covered[start:end] = [True] * (end - start)
    assert all(was or c.isspace() for was, c in zip(covered, text, strict=True))


@pytest.mark.parametrize(
    "text", ["word " * 200_000, "x" * 500_000, "字" * 200_000, "A sentence. " * 80_000, "line\n" * 150_000]
)
def test_time_grows_with_the_text_and_not_faster(text: str) -> None:
    began = time.monotonic()
    assert cut(text, 1000, 100)
    assert time.monotonic() - began < 8
