from __future__ import annotations

from datetime import UTC, datetime

from foveal.retrieval.composing import compose_description, image_content
from foveal.types.content import DetectedObject, ImageFacts, OcrLine, Tag
from foveal.types.locators import Box

BOX = Box(x=0, y=0, width=1, height=1)
CORNERS = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
NOTHING = ImageFacts(width_px=10, height_px=10)


def things(*labels: str) -> list[DetectedObject]:
    return [DetectedObject(label=label, score=0.9, box=BOX) for label in labels]


def line(text: str, score: float = 0.99) -> OcrLine:
    return OcrLine(text=text, score=score, polygon=CORNERS)


def test_everything_known_is_said_in_plain_english() -> None:
    facts = ImageFacts(
        width_px=10,
        height_px=10,
        taken_at=datetime(2019, 5, 12, 14, 3, tzinfo=UTC),
        latitude=13.7523,
        longitude=100.5012,
        camera="Canon EOS 6D",
        colors=("blue", "white"),
    )
    tags = [Tag(label=label, score=0.5) for label in ("golden retriever", "beach", "seashore")]
    assert compose_description(tags, things("dog", "person", "person"), [line("STOP")], facts) == (
        "Photo with a dog and two people; looks like: golden retriever, beach, seashore. Text in the image: “STOP”. "
        "Mostly blue and white. Taken on 12 May 2019 with Canon EOS 6D near 13.75° N, 100.50° E."
    )


def test_what_is_not_known_is_not_said() -> None:
    assert compose_description([], [], [], NOTHING) == ""
    assert compose_description([], things("dog"), [], NOTHING) == "Picture with a dog."
    assert compose_description([Tag(label="sea", score=1)], [], [], NOTHING) == "Picture that looks like: sea."


def test_objects_are_counted_with_their_plurals() -> None:
    found = compose_description(
        [], things(*["bus"] * 2, *["knife"] * 3, *["wine glass"] * 2, "umbrella", "skis", *["sheep"] * 11), [], NOTHING
    )
    assert found == "Picture with two buses, three knives, two wine glasses, an umbrella, skis and 11 sheep."


def test_a_tag_that_is_also_an_object_is_said_once() -> None:
    found = compose_description([Tag(label="dog", score=0.9)], things("dog"), [], NOTHING)
    assert found == "Picture with a dog."


def test_southern_and_western_places_have_their_letters() -> None:
    facts = ImageFacts(width_px=1, height_px=1, latitude=-33.86, longitude=-70.6)
    assert compose_description([], [], [], facts) == "Taken near 33.86° S, 70.60° W."


def test_long_text_is_cut_at_a_word_and_doubtful_lines_are_left_out() -> None:
    found = compose_description([], [], [line("word " * 100), line("smudge", 0.2)], NOTHING)
    assert found.endswith("word…”.")
    assert "smudge" not in found
    assert len(found) < 340


def test_a_persons_words_come_first_and_nothing_twice() -> None:
    content = image_content(
        "My dog Rex", "A dog on a beach.", "Picture with a dog.", "STOP", ["dog", "beach", "Rex", "sand"]
    )
    assert content == "My dog Rex\nA dog on a beach.\nPicture with a dog.\nsand\nSTOP"


def test_text_that_the_composed_description_quotes_is_not_repeated() -> None:
    composed = compose_description([], [], [line("NO"), line("ENTRY")], NOTHING)
    assert image_content("", "", composed, "NO\nENTRY", []) == composed
