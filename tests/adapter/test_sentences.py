"""Sentences and terms of many languages."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.retrieval.sentences import content_terms, highlights, sentences, term_spans, terms


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    "expected",
    [
        ["Dr. Smith arrived at 3.15 p.m. on Monday.", "He left."],
        ["It ended!", "Did it?", "“Yes.”", "Good."],
        ["Am 3. Mai kam Dr. Müller (z.B. mit J. S. Bach).", "Er ging."],
        ["¿Quién lo hizo?", "El Sr. García."],
        ["Он родился в 1903 г. в Москве.", "Потом уехал."],
        ["यह पहला वाक्य है।", "यह दूसरा है।"],
        ["متى حدث ذلك؟", "لا أحد يعرف."],
        ["Version 2.0 costs $3.50.", "Buy it."],
    ],
)
def test_spaced_languages_split_at_their_full_stops(expected: list[str]) -> None:
    assert split(" ".join(expected)) == expected


def test_chinese_and_japanese_split_without_blanks() -> None:
    assert split("狗在跑。猫在睡！“真的吗？”是的。") == ["狗在跑。", "猫在睡！", "“真的吗？”", "是的。"]
    assert split("犬が走る。猫が「寝る。」と言う。") == ["犬が走る。", "猫が「寝る。」", "と言う。"]


def test_thai_splits_at_blanks_once_it_is_long() -> None:
    clause = "สุนัขสองตัววิ่งเล่นบนชายหาดในตอนเช้า" * 4
    assert split(f"{clause} {clause} สั้น") == [clause, f"{clause} สั้น"]
    assert split("สุนัข วิ่ง เล่น") == ["สุนัข วิ่ง เล่น"]


def test_blank_lines_and_list_items_end_sentences_and_wrapped_lines_do_not() -> None:
    assert split("# Title\n\none line\nwraps here\n- first\n- second") == [
        "# Title",
        "one line\nwraps here",
        "- first",
        "- second",
    ]


@given(st.text(max_size=400) | st.text(alphabet="ab .!?。ก \n-3“”", max_size=2000))
def test_spans_are_exact_in_order_and_leave_out_blanks_only(text: str) -> None:
    spans = sentences(text)
    assert all(start < end for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert "".join("".join(text[start:end] for start, end in spans).split()) == "".join(text.split())


def test_a_text_without_stops_is_cut_into_sentences_of_bearable_length() -> None:
    assert max(end - start for start, end in sentences("word " * 20_000)) < 1_300
    assert max(end - start for start, end in sentences("x" * 20_000)) < 1_300


def test_word_forms_share_a_term() -> None:
    assert terms("dogs running") == terms("Dog run")
    assert terms("Hunde spielen") == terms("hund spiel")
    assert terms("perros") == terms("perro")


def test_vowel_signs_do_not_break_words() -> None:
    assert len(terms("किताब")) == 1
    assert "".join(t.text[0] for t in term_spans("สุนัข")) == "สุ"


def test_words_that_only_ask_are_not_content() -> None:
    assert content_terms("Which photos show two dogs on the beach?") == ["two", "dog", "beach"]
    assert content_terms("Zeig mir Bilder von Hunden am Strand") == terms("Hund Strand")
    assert content_terms("who is it") != []


@given(st.text(max_size=200), st.text(max_size=40))
def test_highlights_lie_inside_the_text_apart_and_in_order(text: str, question: str) -> None:
    spans = highlights(text, question)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(before[1] < after[0] for before, after in pairwise(spans))


def test_highlights_mark_the_words_of_the_question() -> None:
    text = "Two dogs run along the beach."
    assert [text[start:end] for start, end in highlights(text, "dog at a beach")] == ["dogs", "beach"]
