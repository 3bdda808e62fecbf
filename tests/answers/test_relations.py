"""C5: what is said of an attached image's relation to the collection."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from foveal.models.extractive import ExtractiveAnswerer
from foveal.models.extractive_phrases import PHRASES
from foveal.models.relation_phrases import RELATION_PHRASES, relation_phrases, said
from foveal.models.text_embedder import LocalTextEmbedder
from foveal.pipeline.generate import GeneratedAnswerer
from foveal.pipeline.prompting import RELATION_WORDS, fence_document
from foveal.pipeline.relating import with_copies, with_relations, with_same_objects
from foveal.retrieval.fencing import Fence
from foveal.testing.contracts.answerer import answer_of, request
from foveal.testing.fakes_remote import FakeChatModel
from foveal.types.chat import ChatRequest, Document, ImageInput
from foveal.types.chunks import Generation
from foveal.types.locators import Box
from foveal.types.relations import Relation, RelationKind
from foveal.types.search import Hit, SearchResult

from .conftest import Photo

QUESTION = "how does this relate to my photos?"
COPY = Relation(
    kind=RelationKind.NEAR_DUPLICATE,
    score=0.97,
    reason="A part of the same picture (60% of it), mirrored.",
    boxes=(Box(x=0.1, y=0.1, width=0.8, height=0.75),),
    mirrored=True,
    share=0.6,
)
DOG = Relation(kind=RelationKind.SAME_OBJECT, score=0.7, reason="The same dog.", labels=("dog",))
DOGS = replace(DOG, kind=RelationKind.SAME_KIND, reason="Both show dog.")
DAY = Relation(kind=RelationKind.SAME_DAY, score=0.9, reason="Taken on the same day, 2 h apart (2024-05-31).")
NEAR = Relation(kind=RelationKind.SAME_PLACE, score=0.8, reason="Taken 20 m apart.", distance_m=20)
IMAGE = ImageInput(data=b"", media_type="image/png", pixels=np.zeros((4, 4, 3), np.uint8))


def asked(question: str = QUESTION) -> ChatRequest:
    plain = request(question)
    return replace(plain, messages=(replace(plain.messages[-1], images=(IMAGE,)),))


@pytest.fixture
def documents(photo: Photo) -> list[Document]:
    return [
        photo(1, objects=("dog",)),
        replace(photo(2), relations=(COPY, DOG)),
        replace(photo(3), relations=(DAY, DOGS)),
    ]


def test_each_relation_is_said_with_score_and_reason_and_cited(
    embedder: LocalTextEmbedder, documents: list[Document]
) -> None:
    answerer = ExtractiveAnswerer(embedder, detect_language=lambda _: "en")
    text, finished, _ = answer_of(answerer, asked(), documents)
    heading, copy, day = text.splitlines()
    assert heading == "Your image relates to your photos like this:"
    assert copy.startswith("- album/2.jpg – near-duplicate of a part, mirrored (97%): A part of the same picture")
    assert "same object (70%): The same dog" in copy
    assert copy.endswith("[doc2]")
    assert "same day (90%)" in day
    assert "same kind of thing (70%): Both show dog" in day
    assert day.endswith("[doc3]")
    assert finished.answered


def test_it_is_said_in_the_question_s_language(embedder: LocalTextEmbedder, documents: list[Document]) -> None:
    answerer = ExtractiveAnswerer(embedder, detect_language=lambda _: "de")
    text, _, _ = answer_of(answerer, asked("Wie hängt das mit meinen Fotos zusammen?"), documents)
    assert "fast identisch: ein Teil desselben Bildes (60% davon), gespiegelt (97%)" in text
    assert "dem Aussehen nach dasselbe: dog (70%)" in text
    assert "beide zeigen: dog (70%)" in text


def test_every_language_of_the_answers_has_words_for_every_relation() -> None:
    assert RELATION_PHRASES.keys() == PHRASES.keys()
    for language in RELATION_PHRASES:
        words = relation_phrases(f"{language}-XX")
        lines = [said(one, words) for one in (COPY, DOG, DOGS, NEAR, DAY)]
        assert len(set(lines)) == 5
        assert not any("{" in line for line in lines)
    assert relation_phrases("tlh") is RELATION_PHRASES["en"]


def test_a_question_of_relation_is_searched_by_its_image_alone(embedder: LocalTextEmbedder) -> None:
    model = FakeChatModel()
    for answerer in (ExtractiveAnswerer(embedder), GeneratedAnswerer(model)):
        assert asyncio.run(answerer.intents(asked())) == ()
        assert asyncio.run(answerer.intents(asked("a brown dog on a beach"))) != ()
        assert asyncio.run(answerer.intents(request(QUESTION))) != ()  # no image
    assert len(model.calls) == 2


def test_other_questions_and_questions_without_relations_are_answered_as_ever(
    embedder: LocalTextEmbedder, documents: list[Document]
) -> None:
    answerer = ExtractiveAnswerer(embedder, detect_language=lambda _: "en")
    unrelated = [replace(document, relations=()) for document in documents]
    for question, given in ((QUESTION, unrelated), ("dogs", documents)):
        text, _, _ = answer_of(answerer, asked(question), given)
        assert "relates to your photos like this" not in text


def test_a_model_gets_the_relations_inside_the_document_s_fence(documents: list[Document]) -> None:
    fence = Fence()
    given = fence_document(documents[1], fence)
    assert fence.heading(RELATION_WORDS) in given
    assert "near_duplicate (score 0.97): A part of the same picture (60% of it), mirrored." in given
    assert given.endswith(f"<<<{fence.boundary} end doc2>>>")
    assert RELATION_WORDS not in fence_document(documents[0], fence)


def test_of_several_images_the_closest_relation_of_each_kind_counts(documents: list[Document]) -> None:
    closer = replace(DOG, score=0.9)

    def relate(image: ImageInput, hits: object) -> list[tuple[Relation, ...]]:
        return [(DAY, DOG), (), ()] if image is IMAGE else [(closer,), (), (COPY,)]

    other = replace(IMAGE, data=b"other")
    first, second, third = with_relations((IMAGE, other), documents, relate)
    assert first.relations == (replace(closer, image=1), DAY)
    assert second.relations == ()
    assert third.relations == (replace(COPY, image=1),)


def test_what_one_image_shows_the_very_same_of_no_other_image_shows_only_a_kind_of(documents: list[Document]) -> None:
    def relate(image: ImageInput, hits: object) -> list[tuple[Relation, ...]]:
        return [(DOGS,), (DOGS,), (DOGS,)] if image is IMAGE else [(DOG,), (COPY,), ()]

    found = with_relations((IMAGE, replace(IMAGE, data=b"other")), documents, relate)
    assert [[one.kind for one in document.relations] for document in found] == [
        [RelationKind.SAME_OBJECT],
        [RelationKind.NEAR_DUPLICATE],
        [RelationKind.SAME_KIND],
    ]


def test_what_shows_the_very_same_object_comes_after_copies_and_before_what_only_looks_alike(photo: Photo) -> None:
    alike, same, copy, elsewhere, other = (photo(number).hit for number in range(1, 6))
    told = {same.chunk.chunk_id: (DOG,), copy.chunk.chunk_id: (COPY, DOG), elsewhere.chunk.chunk_id: (DOG,)}

    def relate(image: ImageInput, hits: Sequence[Hit]) -> list[tuple[Relation, ...]]:
        return [told.get(hit.chunk.chunk_id, (DOGS,)) if image is IMAGE else () for hit in hits]

    result = SearchResult(index="photos", generation=Generation(1), hits=(alike, same, copy), rejected=(elsewhere,))
    sought = replace(result, hits=(elsewhere, other, same), rejected=())
    (found,) = with_same_objects([result], [sought], (replace(IMAGE, data=b"other"), IMAGE), relate)
    assert found.hits == (copy, same, elsewhere, alike)
    assert found.rejected == ()
    nothing = replace(result, hits=(), rejected=())
    assert with_same_objects([nothing], [nothing], (IMAGE,), relate) == (nothing,)


def test_a_copy_that_strictness_left_out_comes_first(documents: list[Document]) -> None:
    one, two, three = (document.hit for document in documents)

    def relate(_: ImageInput, hits: list[Hit]) -> list[tuple[Relation, ...]]:
        return [(COPY,) if hit is three else (DOG,) for hit in hits]

    result = SearchResult(index="photos", generation=Generation(1), hits=(one,), rejected=(two, three))
    (found,) = with_copies([result], (IMAGE, IMAGE), relate)  # type: ignore[arg-type]
    assert found.hits == (three, one)
    assert found.rejected == (two,)
    has_one = replace(result, hits=(three,), rejected=(two,))
    assert with_copies([has_one], (IMAGE,), relate) == (has_one,)  # type: ignore[arg-type]
