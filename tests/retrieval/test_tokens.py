"""Counting and cutting in tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.retrieval.tokens import TokenCounter, Vocabulary, _tokenizer, image_tokens

COUNTER = TokenCounter()
TEXTS = st.text(max_size=60) | st.text(alphabet="ab \n.แม犬😀é\u0301\u200d", max_size=80)


@pytest.mark.parametrize(
    ("text", "o200k", "cl100k"),
    [("antidisestablishmentarianism", 6, 6), ("2 + 2 = 4", 7, 7), ("お誕生日おめでとう", 8, 9)],
)
def test_counts_are_those_of_the_published_examples(text: str, o200k: int, cl100k: int) -> None:
    # The three examples of OpenAI's cookbook, "How to count tokens with tiktoken".
    assert TokenCounter("o200k_base").count(text) == o200k
    assert TokenCounter("cl100k_base").count(text) == cl100k


def test_a_control_token_in_a_document_is_plain_text() -> None:
    assert COUNTER.count("<|endoftext|>") > 1


def test_nothing_has_no_tokens() -> None:
    assert COUNTER.count("") == 0
    assert COUNTER.cut("anything", 0) == ""
    assert COUNTER.cut("anything", -3) == ""


def test_text_that_fits_comes_back_as_it_is() -> None:
    assert COUNTER.cut("  two dogs \n", 50) == "  two dogs \n"


def test_a_cut_keeps_whole_words() -> None:
    assert COUNTER.cut("Two dogs are running on the beach", 3) == "Two dogs are"
    assert COUNTER.cut("A photosynthesis-like incomprehensibility", 3) in ("A", "A photosynthesis")


def test_a_script_without_blanks_is_cut_between_letters_with_their_marks() -> None:
    text = "สุนัขสองตัวกำลังวิ่งเล่นอยู่บนชายหาดในตอนเช้า"
    cut = COUNTER.cut(text, 8)
    assert 0 < len(cut) < len(text)
    assert text.startswith(cut)
    assert text[len(cut)] not in "ุัิู่้"


def test_a_million_characters_are_no_trouble() -> None:
    assert COUNTER.count("word " * 300_000) > 299_999
    assert COUNTER.count(COUNTER.cut("word " * 300_000, 1_000)) == 1_000


def test_a_lone_surrogate_is_counted_and_cut_like_any_character() -> None:
    assert COUNTER.count("a \ud800 b") > 2
    assert COUNTER.cut("a \ud800", 1) == "a"


@given(TEXTS, st.integers(0, 30))
def test_a_cut_is_a_beginning_within_its_limit(text: str, limit: int) -> None:
    cut = COUNTER.cut(text, limit)
    assert text.startswith(cut)
    assert COUNTER.count(cut) <= limit
    assert COUNTER.cut(cut, limit) == cut


@given(TEXTS, st.integers(0, 30))
def test_a_larger_limit_never_keeps_less(text: str, limit: int) -> None:
    assert len(COUNTER.cut(text, limit)) <= len(COUNTER.cut(text, limit + 1))


@pytest.mark.parametrize(
    ("width_px", "height_px", "tokens"),
    [
        (2048, 4096, 1105),
        (4096, 2048, 1105),
        (1024, 1024, 765),
        (512, 512, 255),
        (1, 1, 255),
        (513, 512, 425),
        (10_000, 100, 765),
    ],
)
def test_an_image_costs_what_the_documentation_says(width_px: int, height_px: int, tokens: int) -> None:
    assert image_tokens(width_px, height_px, "high") == tokens
    assert image_tokens(width_px, height_px) == tokens
    assert image_tokens(width_px, height_px, "low") == 85


def test_other_models_have_other_prices() -> None:
    assert image_tokens(512, 512, "high", base=2833, tile=5667) == 8500


@pytest.mark.parametrize("vocabulary", ["cl100k_base", "o200k_base"])
@given(text=st.text(max_size=60))
def test_tokens_are_decoded_to_the_text_they_came_from(vocabulary: Vocabulary, text: str) -> None:
    ids = _tokenizer(vocabulary).encode(text)
    assert TokenCounter(vocabulary).decode(ids) == text


@given(st.lists(st.integers(0, 100_255), max_size=40))
def test_any_tokens_of_text_are_decoded(ids: list[int]) -> None:
    assert isinstance(TokenCounter("cl100k_base").decode(ids), str)


def test_tokens_cut_inside_a_character_keep_the_characters_around_it() -> None:
    ids = _tokenizer("cl100k_base").encode("a 語 family 👩‍👩‍👧")
    assert TokenCounter("cl100k_base").decode(ids[:-1]).startswith("a 語 family 👩‍👩‍")


@pytest.mark.parametrize("wrong", [-1, 100_256, 100_257, 2**70])
def test_an_id_that_no_text_has_is_refused(wrong: int) -> None:
    with pytest.raises(ValueError, match=str(wrong)):
        TokenCounter("cl100k_base").decode([15339, wrong])
