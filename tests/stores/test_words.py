from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from foveal.stores.words import needle, word_line, words


def test_signs_separate_words_and_case_is_folded() -> None:
    assert words("The Dog's IMG_1234.JPG (Straße)") == ["the", "dog", "s", "img", "1234", "jpg", "strasse"]


def test_only_signs_have_no_words() -> None:
    assert words("!?… — 😀 \x00") == []
    assert word_line("!!") == ""


def test_a_part_of_a_chinese_or_japanese_run_is_among_its_words() -> None:
    assert set(words("窗台")) <= set(words("一只猫睡在窗台上"))
    assert set(words("ｶﾒﾗ")) <= set(words("新しいカメラを買う"))


def test_thai_keeps_its_vowel_signs_and_is_found_inside_a_run() -> None:
    assert words("สุนัข") == ["สุนัข"]
    assert needle("ชายหาด") in word_line("สุนัขสองตัววิ่งบนชายหาด")


def test_a_needle_is_a_whole_word_where_words_have_blanks() -> None:
    assert needle("dog") not in word_line("hotdogs dogma")
    assert needle("dog") in word_line("a dog")


@given(st.text())
def test_every_word_of_a_text_is_found_in_its_line(text: str) -> None:
    line = word_line(text)
    assert all(needle(word) in line for word in words(text))


@given(st.text())
def test_splitting_words_again_gives_no_new_characters(text: str) -> None:
    for word in words(text):
        assert set("".join(words(word))) <= set(word)
        assert not any(character.isspace() for character in word)
