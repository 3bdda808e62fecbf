"""What of an image a question is about."""

from __future__ import annotations

from foveal.retrieval.pointing import pointed
from foveal.types.content import DetectedObject, OcrLine
from foveal.types.locators import Box

BOX = Box(x=0.1, y=0.1, width=0.2, height=0.2)
OTHER = Box(x=0.6, y=0.1, width=0.2, height=0.2)
THINGS = (
    DetectedObject(label="dog", score=0.9, box=BOX),
    DetectedObject(label="person", score=0.8, box=BOX),
    DetectedObject(label="dog", score=0.7, box=OTHER),
)
LINES = tuple(
    OcrLine(text=text, score=0.9, polygon=((0, 0), (1, 0), (1, 0.1), (0, 0.1))) for text in ("HARBOUR OFFICE", "closed")
)


def test_every_thing_of_a_class_that_is_named_is_meant() -> None:
    assert pointed("Is there a puppy in it?", THINGS, ()).objects == (0, 2)
    assert pointed("Which photos show people?", THINGS, ()).objects == (1,)


def test_lines_that_share_a_telling_word_are_meant() -> None:
    assert pointed("Where is the harbour?", (), LINES).lines == (0,)


def test_a_question_about_something_else_points_at_nothing() -> None:
    assert pointed("What is the capital of Norway?", THINGS, LINES) == pointed("  ", THINGS, LINES)
