from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.retrieval.sounds import only_said, without_sounds
from foveal.types.speech import TimedText


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("(SOUND EFFECT)", ""),
        ("[Music]", ""),
        ("♪", ""),
        ("♪♪ [upbeat music] ♪♪", ""),
        ("(Applause) (Laughter).", ""),
        ("（拍手）", ""),
        ("[音楽]", ""),
        ("Thank you. (Applause) Now the next slide.", "Thank you. Now the next slide."),
        ("I was walking (SOUND EFFECT) and then it rained.", "I was walking and then it rained."),
        ("[MAN]: Who is there?", "Who is there?"),
        ("(WHISPERS) Who is there?", "Who is there?"),
        ("[in French] Bonjour.", "Bonjour."),
    ],
)
def test_what_is_heard_and_not_said_is_left_out(written: str, said: str) -> None:
    assert without_sounds(written) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("♪ Row, row, row your boat ♪", "Row, row, row your boat"),
        ("♫ gently down the stream", "gently down the stream"),
        ("♪ Merrily (merrily), merrily ♪", "Merrily (merrily), merrily"),
    ],
)
def test_the_words_of_a_song_are_said(written: str, said: str) -> None:
    assert without_sounds(written) == said


@pytest.mark.parametrize(
    "text",
    [
        "The company (founded in 1990) grew.",
        "The agency (NASA) said so.",
        "It grew (a little), then it stopped.",
        "He left. (He was tired.) She stayed.",
        "The fee is 40 (forty) euros.",
        "- Who? - Me.",
    ],
)
def test_what_merely_stands_in_parentheses_is_said(text: str) -> None:
    assert without_sounds(text) == text


@given(st.text("ab (.[♪)]", max_size=30))
def test_leaving_sounds_out_never_adds_a_word(text: str) -> None:
    assert len(without_sounds(text)) <= len(text)


def test_a_line_keeps_its_times_and_one_of_sounds_only_is_gone() -> None:
    lines = [TimedText(text=t, start_ms=at, end_ms=at + 900) for at, t in ((0, "[Music]"), (1000, "(Applause) Hello."))]
    assert list(only_said(lines)) == [TimedText(text="Hello.", start_ms=1000, end_ms=1900)]
