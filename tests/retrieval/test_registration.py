"""Copies of a picture, and of parts of it, are recognised by laying one over the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from foveal.retrieval.registration import Registration, features, register
from foveal.retrieval.relation_questions import asks_for_relation
from foveal.types.vectors import Pixels


def scene(seed: int) -> Pixels:
    """Shapes of many sizes and colours."""
    chance = np.random.default_rng(seed)
    pixels = np.full((300, 400, 3), 128, np.uint8)
    for _ in range(120):
        y, x = chance.integers(0, 280), chance.integers(0, 380)
        height, width = chance.integers(8, 60, 2)
        pixels[y : y + height, x : x + width] = chance.integers(0, 255, 3)
    return pixels


def found(shown: Pixels, collection: Pixels) -> Registration | None:
    return register(features(shown), features(collection))


def test_a_crop_is_a_copy_and_its_place_is_known() -> None:
    whole = scene(1)
    registration = found(whole[60:260, 80:330], whole)
    assert registration is not None
    assert registration.is_copy
    box = registration.box
    assert (box.x, box.y, box.width, box.height) == pytest.approx((80 / 400, 60 / 300, 250 / 400, 200 / 300), abs=0.02)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_and_a_dimmed_copy_is_a_copy(turns: int) -> None:
    whole = scene(2)
    dimmed = ImageEnhance.Brightness(Image.fromarray(np.rot90(whole, turns).copy())).enhance(0.6)
    registration = found(np.asarray(dimmed), whole)
    assert registration is not None
    assert registration.is_copy


def test_another_picture_is_no_copy_and_neither_is_an_empty_one() -> None:
    for other in (scene(3), np.zeros((300, 400, 3), np.uint8), np.zeros((1, 1, 3), np.uint8)):
        registration = found(other, scene(1))
        assert registration is None or not registration.is_copy
    assert found(scene(1), np.zeros((300, 400, 3), np.uint8)) is None


def test_shared_details_are_no_copy_where_the_pixels_differ() -> None:
    whole = scene(1)
    registration = found(whole, whole)
    assert registration is not None
    assert not replace(registration, correlation=0.6).is_copy
    assert not replace(registration, agreeing=5).is_copy


@pytest.mark.parametrize(
    "question",
    [
        "",
        "how does this relate to my photos?",
        "Is this already in my collection?",
        "Do I have this picture?",
        "Wie hängt dieses Bild mit meinen Fotos zusammen?",
        "¿Cómo se relaciona esta imagen con mis fotos?",
        "Quel est le rapport avec mes photos ?",
        "ภาพนี้เกี่ยวข้องกับรูปของฉันอย่างไร",
        "这张图片和我的照片有什么关系？",
        "Как это связано с моими фото?",
    ],
)
def test_questions_about_the_relation_are_known(question: str) -> None:
    assert asks_for_relation(question)


@pytest.mark.parametrize(
    "question", ["Which of these dogs is a terrier?", "What is on the invoice of March?", "Wie hoch ist der Turm?"]
)
def test_other_questions_are_searched_by_their_words(question: str) -> None:
    assert not asks_for_relation(question)
