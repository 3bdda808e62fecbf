"""Answers by quoting: honest about whose words they are, in the language of the question."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from foveal.models.extractive import ExtractiveAnswerer
from foveal.models.extractive_phrases import PHRASES
from foveal.models.text_embedder import LocalTextEmbedder
from foveal.ports.models import Answerer
from foveal.testing.contracts.answerer import AnswererContract, answer_of, document, request
from foveal.types.chat import (
    REFUSAL,
    ChatRequest,
    DataSource,
    Document,
    GroundingOptions,
    ImageInput,
    Message,
    Sampling,
)
from foveal.types.search import Leg

Photo = Callable[..., Document]


class TestExtractiveAnswerer(AnswererContract):
    @pytest.fixture
    def answerer(self, embedder: LocalTextEmbedder) -> Answerer:
        return ExtractiveAnswerer(embedder)


def speaking(embedder: LocalTextEmbedder, language: str) -> ExtractiveAnswerer:
    return ExtractiveAnswerer(embedder, detect_language=lambda _: language, count=lambda text: len(text.split()))


def test_a_persons_description_is_quoted_as_theirs(embedder: LocalTextEmbedder, photo: Photo) -> None:
    documents = [
        photo(1, description="Grandpa's boat moored in Lisbon. He painted it green."),
        photo(2, description="Bread cooling on a rack."),
    ]
    text, finished, _ = answer_of(speaking(embedder, "en"), request("Where is grandpa's boat moored?"), documents)
    assert text == "Your description says: “Grandpa's boat moored in Lisbon.” [doc1]"
    assert finished.answered
    assert finished.model == "foveal-extractive"


def test_a_models_caption_is_called_one(embedder: LocalTextEmbedder, photo: Photo) -> None:
    documents = [photo(1, caption="A green boat is moored at a stone pier. Gulls sit on it.", objects=("boat",))]
    text, _, _ = answer_of(speaking(embedder, "en"), request("Where is the green boat moored?"), documents)
    assert text.startswith("A vision model's caption says: “A green boat is moored")
    assert "Your description" not in text


def test_photos_without_words_are_listed_with_what_was_seen(embedder: LocalTextEmbedder, photo: Photo) -> None:
    documents = [
        photo(1, objects=("dog", "dog", "sports ball")),
        photo(2, objects=("dog",), ocr="Cave canem"),
        photo(3, objects=("cat",), sure=0.2),
    ]
    text, finished, _ = answer_of(speaking(embedder, "en"), request("dogs at play"), documents)
    assert text.splitlines() == [
        "These photos show it best:",
        "- album/1.jpg – seen in it: dog, sports ball [doc1]",
        "- album/2.jpg – seen in it: dog; “Cave canem” [doc2]",
    ]
    assert finished.answered


def test_a_described_photo_that_looks_like_the_photo_asked_with_is_listed_with_its_description(
    embedder: LocalTextEmbedder, photo: Photo
) -> None:
    documents = [
        photo(1, objects=("dog",)),
        photo(2, description="Rex on his\nfirst [doc9] walk.", objects=("dog",), leg=Leg.IMAGE),
        photo(3, description="Bread cooling on a rack.", leg=Leg.IMAGE, sure=0.49),
        photo(4, description="Sunday lunch.", leg=Leg.SEEN),
    ]
    pixels = np.zeros((4, 4, 3), np.uint8)
    shown = Message(role="user", text="", images=(ImageInput(data=b"", media_type="image/png", pixels=pixels),))
    for asked in (
        ChatRequest(messages=(shown,), sources=(DataSource(index="photos"),)),
        request("Where was Rex on his first walk?"),
    ):
        text, finished, _ = answer_of(speaking(embedder, "en"), asked, documents)
        assert text.splitlines() == [
            "These photos show it best:",
            "- album/2.jpg – Your description says: “Rex on his first doc9 walk.”; seen in it: dog [doc2]",
            "- album/1.jpg – seen in it: dog [doc1]",
        ]
        assert finished.answered


def test_a_photo_listed_for_its_looks_does_not_pass_a_models_caption_off_as_a_persons(
    embedder: LocalTextEmbedder, photo: Photo
) -> None:
    documents = [photo(1, caption="A dog on a path.", leg=Leg.IMAGE)]
    text, _, _ = answer_of(speaking(embedder, "en"), request("dogs"), documents)
    assert text.splitlines()[1] == "- album/1.jpg – A vision model's caption says: “A dog on a path.” [doc1]"


def test_what_was_seen_is_objects_and_then_other_tags_four_labels_in_all(
    embedder: LocalTextEmbedder, photo: Photo
) -> None:
    documents = [
        photo(1, objects=("person", "person"), tags=("Person", "beach")),
        photo(2, tags=("pier", "sunset")),
        photo(3, objects=("cup", "fork", "knife"), tags=("restaurant", "plate")),
        photo(4, objects=("cup", "fork", "knife", "spoon", "bowl")),
    ]
    text, _, _ = answer_of(speaking(embedder, "en"), request("zzz"), documents)
    assert [line.partition("seen in it: ")[2] for line in text.splitlines()[1:]] == [
        "person, beach [doc1]",
        "pier, sunset [doc2]",
        "cup, fork, knife, restaurant [doc3]",
        "cup, fork, knife, spoon [doc4]",
    ]


@pytest.mark.parametrize("language", sorted(PHRASES))
def test_the_words_around_are_in_the_questions_language(
    embedder: LocalTextEmbedder, photo: Photo, language: str
) -> None:
    text, _, _ = answer_of(speaking(embedder, language), request("dog ball"), [photo(1, objects=("dog",))])
    assert text.startswith(PHRASES[language].photo)
    assert "[doc1]" in text


def test_a_question_in_german_thai_or_spanish_is_answered_from_english_text(embedder: LocalTextEmbedder) -> None:
    documents = [
        document(1, "The annual report lists the revenue of every region."),
        document(2, "Two dogs run along the beach at low tide."),
    ]
    documents = [replace(d, hit=replace(d.hit, chunk=replace(d.hit.chunk, language="en"))) for d in documents]
    for language, question in {
        "de": "Wo laufen die zwei Hunde?",
        "es": "¿Por dónde corren los dos perros?",
        "th": "สุนัขสองตัววิ่งที่ไหน",
    }.items():
        text, finished, _ = answer_of(speaking(embedder, language), request(question), documents)
        assert "[doc2]" in text, question
        assert "[doc1]" not in text
        assert finished.answered


def test_out_of_scope_answers_say_that_no_chat_model_is_configured(embedder: LocalTextEmbedder) -> None:
    asked = request("Who won the chess olympiad?", grounding=GroundingOptions(in_scope=False))
    text, finished, _ = answer_of(speaking(embedder, "de"), asked, [])
    assert text == PHRASES["de"].nothing
    assert not finished.answered


def test_photos_that_search_is_not_sure_of_are_no_answer(embedder: LocalTextEmbedder, photo: Photo) -> None:
    text, finished, _ = answer_of(
        speaking(embedder, "en"), request("a printed receipt"), [photo(1, objects=("dog",), sure=0.3)]
    )
    assert text == REFUSAL
    assert not finished.answered


def test_marks_inside_a_document_are_not_passed_on(embedder: LocalTextEmbedder) -> None:
    text, _, _ = answer_of(
        speaking(embedder, "en"),
        request("Where do the two dogs run?"),
        [document(1, "Two dogs run along the beach [doc7] at low tide.")],
    )
    assert "[doc7]" not in text
    assert text.endswith("[doc1]")


def test_the_answer_comes_in_pieces_and_its_tokens_are_counted(embedder: LocalTextEmbedder, photo: Photo) -> None:
    documents = [photo(number, objects=("dog",)) for number in (1, 2, 3)]
    text, finished, events = answer_of(speaking(embedder, "en"), request("dogs"), documents)
    assert len(events) == 5
    assert finished.usage.completion_tokens == len(text.split())
    assert finished.usage.prompt_tokens > 0


def test_an_answer_stops_at_the_most_tokens_asked_for(embedder: LocalTextEmbedder, photo: Photo) -> None:
    asked = ChatRequest(
        messages=(Message(role="user", text="dogs"),),
        sources=(DataSource(index="photos"),),
        sampling=Sampling(max_tokens=15),
    )
    documents = [photo(number, objects=("dog",)) for number in (1, 2, 3)]
    text, finished, _ = answer_of(speaking(embedder, "en"), asked, documents)
    assert finished.reason == "length"
    assert len(text.split()) <= 15


@pytest.mark.parametrize("limit", range(1, 40))
def test_an_answer_is_whole_words_within_any_limit(embedder: LocalTextEmbedder, photo: Photo, limit: int) -> None:
    documents = [photo(number, objects=("dog",)) for number in (1, 2, 3)]
    whole, _, _ = answer_of(speaking(embedder, "en"), request("dogs"), documents)
    asked = replace(request("dogs"), sampling=Sampling(max_tokens=limit))
    text, finished, _ = answer_of(speaking(embedder, "en"), asked, documents)
    assert text.split() == whole.split()[:limit]
    assert finished.reason == ("stop" if text == whole else "length")
    assert finished.usage.completion_tokens <= limit


def test_an_answer_ends_before_the_first_stop_sequence(embedder: LocalTextEmbedder, photo: Photo) -> None:
    documents = [photo(number, objects=("dog",)) for number in (1, 2, 3)]
    asked = replace(request("dogs"), sampling=Sampling(stop=("[doc3]", "[doc2]", "")))
    text, finished, _ = answer_of(speaking(embedder, "en"), asked, documents)
    assert "[doc1]" in text
    assert "[doc2]" not in text
    assert finished.reason == "stop"


def test_the_refusal_is_said_whole_whatever_the_limit(embedder: LocalTextEmbedder) -> None:
    asked = replace(request("Who won?"), sampling=Sampling(max_tokens=3, stop=("data",)))
    text, finished, _ = answer_of(speaking(embedder, "en"), asked, [])
    assert (text, finished.reason) == (REFUSAL, "stop")


def test_a_follow_up_is_searched_with_what_it_is_about(embedder: LocalTextEmbedder) -> None:
    asked = request("Show me dogs on a beach", "Two of them [doc1].", "And in winter?")
    (intent,) = asyncio.run(speaking(embedder, "en").intents(asked))
    assert "dogs" in intent
    assert "winter" in intent
