"""Follow-up questions become queries that stand alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.retrieval.intents import standalone_query
from foveal.types.chat import Message


def ask(*questions: str) -> str:
    messages: list[Message] = []
    for question in questions:
        messages += [Message(role="user", text=question), Message(role="assistant", text="An answer [doc1].")]
    return standalone_query(messages[:-1])


FOLLOW_UPS = [
    ("Which photos show dogs on a beach?", "and the second one?", ["dogs", "beach"]),
    ("Which photos show dogs on a beach?", "What about cats?", ["cats", "beach"]),
    ("Which photos show dogs on a beach?", "in winter?", ["winter", "dogs", "beach"]),
    ("Which photos show dogs on a beach?", "why?", ["dogs", "beach"]),
    ("Which photos show dogs on a beach?", "Where was it taken?", ["taken", "dogs", "beach"]),
    ("Which photos show dogs on a beach?", "What colour are they?", ["colour", "dogs"]),
    ("Is there a photo of the Eiffel Tower?", "And at night?", ["night", "Eiffel", "Tower"]),
    ("Welche Fotos zeigen Hunde am Strand?", "und im Winter?", ["Winter", "Hunde", "Strand"]),
    ("Welche Fotos zeigen Hunde am Strand?", "Was ist mit Katzen?", ["Katzen", "Strand"]),
    ("Welche Fotos zeigen Hunde am Strand?", "Und das zweite?", ["Hunde", "Strand"]),
    ("Welche Fotos zeigen Hunde am Strand?", "Wo wurde es aufgenommen?", ["aufgenommen", "Hunde"]),
    ("¿Qué fotos muestran perros en la playa?", "¿y en invierno?", ["invierno", "perros", "playa"]),
    ("¿Qué fotos muestran perros en la playa?", "¿Y los gatos?", ["gatos", "playa"]),
    ("¿Qué fotos muestran perros en la playa?", "¿De qué color es el segundo?", ["color", "perros"]),
    ("Ci sono foto di cani sulla spiaggia?", "e d'inverno?", ["inverno", "cani", "spiaggia"]),
    ("Há fotos de cães na praia?", "e no inverno?", ["inverno", "cães", "praia"]),
    ("Покажи фотографии собак на пляже", "а зимой?", ["фотографии", "собак", "пляже"]),
    ("Quelles photos montrent des chiens à la plage ?", "et en hiver ?", ["hiver", "chiens", "plage"]),
    ("มีรูปสุนัขวิ่งบนชายหาดไหม", "แล้วแมวล่ะ", ["แมว", "สุนัขวิ่งบนชายหาด"]),
    ("มีรูปสุนัขวิ่งบนชายหาดไหม", "อันที่สองล่ะ", ["สุนัขวิ่งบนชายหาด"]),
    ("มีรูปสุนัขวิ่งบนชายหาดไหม", "มันสีอะไร", ["สี", "สุนัขวิ่งบนชายหาด"]),
    ("海滩上有狗吗", "那猫呢", ["猫", "海滩上有狗"]),
]


@pytest.mark.parametrize(("first", "follow_up", "words"), FOLLOW_UPS)
def test_a_follow_up_carries_the_subject_of_the_question_before(first: str, follow_up: str, words: list[str]) -> None:
    query = ask(first, follow_up)
    assert query.startswith(follow_up)
    for word in words:
        assert word in query


NEW_QUESTIONS = [
    ("Which photos show dogs on a beach?", "How much does it cost to rent a mountain bike in Norway?"),
    ("Which photos show dogs on a beach?", "Show me photos that show a red car"),
    ("Which photos show dogs on a beach?", "sunset over mountains"),
    ("Which photos show dogs on a beach?", "cats"),
    ("Which photos show dogs on a beach?", "In which city does the train station stand?"),
    ("Welche Fotos zeigen Hunde am Strand?", "Wie viele Personen sitzen im Restaurant am Tisch?"),
    ("Welche Fotos zeigen Hunde am Strand?", "Können Sie rote Autos zeigen?"),
    ("¿Qué fotos muestran perros en la playa?", "¿Qué es un faro?"),
    ("Ci sono foto di cani sulla spiaggia?", "Dove è il faro di Genova?"),
    ("¿Qué fotos muestran perros en la playa?", "¿Cuántas personas comen en el restaurante japonés?"),
    ("มีรูปสุนัขวิ่งบนชายหาดไหม", "มีรูปเด็กผู้หญิงใส่เสื้อสีแดงในสวนสาธารณะไหม"),
]


@pytest.mark.parametrize(("first", "question"), NEW_QUESTIONS)
def test_a_question_that_stands_alone_is_searched_as_it_is(first: str, question: str) -> None:
    assert ask(first, question) == question


def test_the_first_question_is_searched_as_it_is() -> None:
    assert ask("and what about it?") == "and what about it?"


def test_a_chain_of_follow_ups_keeps_its_subject() -> None:
    query = ask("Show me dogs on a beach", "and in winter?", "why?")
    assert query.startswith("why?")
    assert "dogs" in query
    assert "winter" in query


def test_a_new_subject_ends_the_chain() -> None:
    query = ask("Show me dogs on a beach", "Find red sports cars in a garage", "and at night?")
    assert "cars" in query
    assert "dogs" not in query


def test_words_said_again_are_not_carried_twice() -> None:
    assert ask("dogs on a beach", "and dogs in snow?").casefold().count("dogs") == 1


def test_what_the_assistant_said_is_not_carried() -> None:
    messages = [
        Message(role="user", text="Show me dogs"),
        Message(role="assistant", text="Here are elephants [doc1]."),
        Message(role="user", text="and why?"),
    ]
    assert "elephants" not in standalone_query(messages)


def test_a_conversation_without_words_has_no_query() -> None:
    assert standalone_query([]) == ""
    assert standalone_query([Message(role="user", text="  ")]) == ""


@given(st.lists(st.text(max_size=30), max_size=4))
def test_the_query_always_begins_with_the_last_question(texts: list[str]) -> None:
    said = [text.strip() for text in texts if text.strip()]
    query = standalone_query([Message(role="user", text=text) for text in texts])
    assert query.startswith(said[-1] if said else "")


def test_what_an_earlier_question_was_searched_by_is_leant_on_in_its_place() -> None:
    first = Message(role="user", text="And how long does it last?", searched=("battery life of the X100 camera",))
    answer = Message(role="assistant", text="Two days [doc1].")
    query = standalone_query((first, answer, Message(role="user", text="And in winter?")))
    assert all(word in query for word in ("winter", "battery", "X100"))
    assert standalone_query((first,)) == first.text
