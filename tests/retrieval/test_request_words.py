"""C3: what is asked for, without the asking."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.retrieval.request_words import subject_of_request


@pytest.mark.parametrize(
    ("question", "subject"),
    [
        ("Show me the rocket launch", "rocket launch"),
        ("Is there a photo of a grizzly bear?", "a grizzly bear"),
        ("Which pictures show something to drink?", "something to drink"),
        ("Do we have any images with dogs?", "dogs"),
        ("please find all photos where it rains", "it rains"),
        ("Gibt es ein Foto von einer Katze?", "Katze"),
        ("Zeig mir Bilder vom Strand", "Strand"),
        ("Welche Bilder zeigen eine Rakete?", "eine Rakete"),
        ("¿Hay una foto de un gato?", "gato"),
        ("Muéstrame las fotos de la playa", "la playa"),
        ("Y a-t-il une photo d'un chien ?", "chien"),
        ("Ci sono foto di un cane?", "cane"),
        ("มีรูปแมวไหม", "แมว"),
        ("ขอดูรูปภาพของสุนัขหน่อย", "สุนัขหน่อย"),
    ],
)
def test_the_asking_is_left_out(question: str, subject: str) -> None:
    assert subject_of_request(question) == subject


@pytest.mark.parametrize(
    "question",
    ["When does the ferry leave?", "Who is the astronaut?", "Show me", "two dogs", "มีรูปไหม", "", "Wer spielt Tennis?"],
)
def test_a_question_that_is_no_request_is_left_as_it_is(question: str) -> None:
    assert subject_of_request(question) == question


@given(st.text(max_size=200))
def test_something_is_always_left_and_it_is_part_of_the_question(question: str) -> None:
    subject = subject_of_request(question)
    assert subject in question
    assert bool(subject.strip()) == bool(question.strip())
