from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from foveal.readers.subtitles import read_subtitles
from foveal.retrieval.moments import clock, timed_title
from foveal.retrieval.passages import LONGEST_PASSAGE_MS, joined_text, passages, sentences
from foveal.types.speech import TimedText


def words(text: str, *, start_ms: int = 0, each_ms: int = 300) -> list[TimedText]:
    return [
        TimedText(text=f" {word}", start_ms=start_ms + each_ms * i, end_ms=start_ms + each_ms * (i + 1))
        for i, word in enumerate(text.split())
    ]


def test_words_become_sentences_with_the_times_of_their_first_and_last_word() -> None:
    found = list(sentences(words("So what is luck? Luck is a chance.")))
    assert [(s.text, s.start_ms, s.end_ms) for s in found] == [
        ("So what is luck?", 0, 1200),
        ("Luck is a chance.", 1200, 2400),
    ]


def test_an_abbreviation_ends_no_sentence() -> None:
    assert [s.text for s in sentences(words("We met Dr. Smith there. He left."))] == [
        "We met Dr. Smith there.",
        "He left.",
    ]


def test_a_silence_ends_a_sentence_without_a_full_stop() -> None:
    spoken = [*words("engine start"), *words("four three two", start_ms=4000)]
    assert [s.text for s in sentences(spoken)] == ["engine start", "four three two"]


def test_a_long_sentence_is_cut_at_a_comma_and_read_as_one_again() -> None:
    spoken = list(
        sentences(words("It looks like chance to all of us here, because we rarely see the levers.", each_ms=400))
    )
    assert [s.text for s in spoken] == ["It looks like chance to all of us here,", "because we rarely see the levers."]
    assert joined_text(spoken) == "It looks like chance to all of us here, because we rarely see the levers."


def test_passages_take_about_half_a_minute_and_lose_nothing() -> None:
    spoken = list(sentences(words("This is said again and again. " * 60)))
    found = list(passages((s, "en") for s in spoken))
    assert [s for p in found for s in p.sentences] == spoken
    assert all(20_000 <= p.end_ms - p.start_ms <= LONGEST_PASSAGE_MS for p in found[:-1])


def test_another_language_or_a_long_silence_begins_a_passage() -> None:
    one, two, three = (
        TimedText(text=t, start_ms=s, end_ms=s + 900) for t, s in (("a.", 0), ("b.", 1000), ("c.", 20_000))
    )
    assert [p.text for p in passages([(one, "en"), (two, "de"), (three, "de")])] == ["a.", "b.", "c."]


@given(
    st.lists(
        st.tuples(st.text("ab.,? ", min_size=1, max_size=6), st.integers(0, 4000), st.integers(0, 3000)), max_size=60
    )
)
def test_no_word_is_lost_whatever_is_said_and_when(said: list[tuple[str, int, int]]) -> None:
    at, spoken = 0, []
    for text, gap_ms, length_ms in said:
        spoken.append(TimedText(text=text, start_ms=at + gap_ms, end_ms=at + gap_ms + length_ms))
        at += gap_ms + length_ms
    found = [s for p in passages((s, "en") for s in sentences(spoken)) for s in p.sentences]
    letters = "".join("".join(t for t, _, _ in said).split())
    assert "".join("".join(s.text for s in found).split()) == letters
    starts = [s.start_ms for s in found]
    assert starts == sorted(starts)


def test_a_time_is_told_as_a_player_shows_it() -> None:
    assert [clock(ms) for ms in (0, 42_999, 60_000, 3_599_999, 3_600_000, 36_610_000)] == [
        "00:00", "00:42", "01:00", "59:59", "1:00:00", "10:10:10",
    ]  # fmt: skip
    assert timed_title("talk.mp4", 42_000) == "talk.mp4 · 00:42"
    assert timed_title("talk.mp4 · 1:00:42", 43_000) == "talk.mp4 · 00:43"


def lines(data: bytes) -> list[tuple[str, int, int]]:
    return [(line.text, line.start_ms, line.end_ms) for line in read_subtitles(data)]


def test_subrip_is_read_in_order_of_time_without_numbers_and_markup() -> None:
    data = (
        "\ufeff2\r\n00:00:05,500 --> 00:00:07,000\r\n<i>second</i> {\\an8}line\r\nof two\r\n\r\n"
        "1\r\n00:00:01,000 --> 00:00:02,000\r\nfirst &amp; best\r\n\r\n\r\n"
        "1\r\n00:00:01,000 --> 00:00:02,000\r\nfirst &amp; best\r\n"
    ).encode()
    assert lines(data) == [("first & best", 1000, 2000), ("second line of two", 5500, 7000)]


def test_webvtt_is_read_without_its_head_notes_and_settings() -> None:
    data = b"WEBVTT - a talk\n\nNOTE\nnot said\n\nintro\n00:12.440 --> 00:14.955 line:0\n<v Tina>nearly two decades\n"
    assert lines(data) == [("nearly two decades", 12_440, 14_955)]


def test_subtitles_in_an_old_encoding_and_with_missing_blank_lines_are_read() -> None:
    data = "1\n00:00:01,0 --> 00:00:02,0\nGlück für alle\n2\n00:00:03,000 --> 00:00:04,000\ngrüße aus köln\n".encode(
        "cp1252"
    )
    assert lines(data) == [("Glück für alle", 1000, 2000), ("grüße aus köln", 3000, 4000)]


def test_what_is_no_subtitle_gives_no_line() -> None:
    for data in (b"", b"\0\1\2\3" * 50, b"just words\n\nand more\n", b"00:00:01 --> \n", b"1\n2\n3\n"):
        assert lines(data) == []


@given(st.binary(max_size=400))
def test_no_file_makes_the_reader_of_subtitles_fail(data: bytes) -> None:
    starts = [line.start_ms for line in read_subtitles(b"00:01.0 --> 00:02.0\n" + data)]
    assert starts == sorted(starts)
