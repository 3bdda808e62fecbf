"""Things that a question names and a detector can tell (R4, U3)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from foveal.retrieval.asked_things import asked_things
from foveal.retrieval.strictness import CUTOFFS
from foveal.testing.contracts.chunk_store import text_chunk
from foveal.types.assets import MediaKind
from foveal.types.chunks import Chunk
from foveal.types.content import DetectedObject
from foveal.types.locators import Box

SURE = CUTOFFS[3]
WHOLE = Box(x=0.0, y=0.0, width=1.0, height=1.0)


def picture(*labels: str, composed: str = "Picture.") -> Chunk:
    objects = tuple(DetectedObject(label=label, score=0.9, box=WHOLE) for label in labels)
    return replace(text_chunk("a", composed), kind=MediaKind.IMAGE, objects=objects, composed=composed)


@pytest.mark.parametrize(
    "question",
    [
        "Where did we see dogs?",
        "Is there a photo of a dog?",
        "dog",
        "Gibt es Fotos mit Hunden?",
        "Wo haben wir einen Hund gesehen?",
        "Hund",
        "¿Hay fotos con perros?",
        "¿Dónde vimos un perro?",
        "perro",
        "มีรูปหมาไหม",
        "เราเห็นสุนัขที่ไหน",
        "犬の写真はありますか",
        "どこで犬を見ましたか",
        "有狗的照片吗?",
        "我们在哪里看到狗?",
    ],
)
def test_a_picture_in_which_the_asked_thing_was_detected_answers_in_every_language(question: str) -> None:
    asked = asked_things(question)
    assert asked.confidence(picture("dog", "person")) >= SURE
    assert asked.confidence(picture("cat", "person")) == 0.0


@pytest.mark.parametrize("question", ["", "lighthouse", "Who wrote the report?", "street without people", "Leuchtturm"])
def test_a_question_that_names_nothing_the_detector_knows_is_told_nothing(question: str) -> None:
    assert asked_things(question).confidence(picture("dog", "person", "book")) == 0.0


@pytest.mark.parametrize(
    "question",
    [
        "Do we have photos of animals?",
        "Wo haben wir Tiere gesehen?",
        "¿Hay fotos con animales?",
        "มีรูปสัตว์ไหม",
        "有动物的照片吗?",
    ],
)
def test_what_classes_are_called_together_is_told_by_any_of_them(question: str) -> None:
    asked = asked_things(question)
    assert min(asked.confidence(picture("zebra", "person")), asked.confidence(picture("cat"))) >= SURE
    assert asked.confidence(picture("car", "person")) == 0.0


def test_a_kind_and_a_thing_have_both_to_be_there() -> None:
    asked = asked_things("a person with a pet")
    assert asked.confidence(picture("person", "cat")) >= SURE
    assert asked.confidence(picture("person", "horse")) == asked.confidence(picture("cat")) == 0.0
    assert asked_things("vehicles").confidence(picture("bus")) >= SURE


def test_every_thing_that_is_named_has_to_be_there() -> None:
    asked = asked_things("a cat on a sofa")
    assert asked.confidence(picture("cat", "couch")) >= SURE
    assert asked.confidence(picture("cat")) == 0.0


def test_the_more_else_is_asked_the_less_a_thing_alone_tells() -> None:
    dog = picture("dog")
    alone, outside, dressed = (
        asked_things(text).confidence(dog) for text in ("a dog", "a dog on grass", "a dog with a santa hat")
    )
    assert alone > outside >= SURE > dressed
    seen = picture("dog", composed="Picture with a dog; looks like: sombrero hat. Mostly green.")
    assert asked_things("a dog with a santa hat").confidence(seen) > dressed


def test_words_that_are_written_in_a_picture_were_not_seen_in_it() -> None:
    read = picture("dog", composed="Picture with a dog. Text in the image: “santa hat”.")
    assert asked_things("a dog with a santa hat").confidence(read) < SURE


@pytest.mark.parametrize(
    ("question", "label"), [("a bride", "person"), ("golden retrievers", "dog"), ("a police car", "car")]
)
def test_a_word_for_some_of_a_class_is_not_told_by_the_class(question: str, label: str) -> None:
    assert asked_things(question).confidence(picture(label)) < SURE


def test_a_narrower_word_is_told_where_it_was_recognised() -> None:
    seen = picture("dog", composed="Picture with a dog; looks like: Golden Retriever.")
    assert asked_things("golden retrievers").confidence(seen) >= SURE


def test_people_are_told_apart_by_halves() -> None:
    anybody, woman = asked_things("people"), asked_things("a woman")
    assert anybody.confidence(picture("person")) > woman.confidence(picture("person")) >= SURE


def test_a_sentence_in_which_a_thing_is_a_detail_is_not_answered_by_it() -> None:
    assert asked_things("Who won the world cup in 1998?").confidence(picture("cup")) < SURE
    assert asked_things("Which person founded the company in Vienna?").confidence(picture("person")) < SURE


@pytest.mark.parametrize("question", ["boot", "boots", "Kind regards", "bank"])
def test_an_english_word_is_not_taken_for_a_name_of_another_language(question: str) -> None:
    assert not asked_things(question).names
