"""C5, U3: how an attached image relates to one of the collection."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from foveal.retrieval.registration import Registration
from foveal.retrieval.relations import WHOLE, ImageEvidence, Things, distance_km, relate
from foveal.types.assets import AssetId, DocumentId, MediaKind
from foveal.types.chunks import Chunk, ChunkId
from foveal.types.content import DetectedObject
from foveal.types.locators import Box
from foveal.types.relations import Relation, RelationKind
from foveal.types.vectors import FloatArray

PHOTO = Chunk(
    chunk_id=ChunkId("a-0"),
    document_id=DocumentId("a"),
    asset_id=AssetId("a"),
    kind=MediaKind.IMAGE,
    media_type="image/jpeg",
    source="/photos",
    title="a",
    filepath="a.jpg",
    content="",
    perceptual_hash=0,
)
LEFT = Box(x=0.1, y=0.1, width=0.2, height=0.2)
RIGHT = Box(x=0.6, y=0.1, width=0.2, height=0.2)
NOON = datetime(2024, 5, 31, 12, tzinfo=UTC)


def kinds(relations: tuple[Relation, ...]) -> list[RelationKind]:
    return [relation.kind for relation in relations]


def thing(label: str, score: float = 0.9, box: Box = LEFT) -> DetectedObject:
    return DetectedObject(label=label, score=score, box=box)


def test_images_with_nothing_in_common_do_not_relate() -> None:
    assert relate(ImageEvidence(perceptual_hash=2**40 - 1), PHOTO, 0.3) == ()
    assert relate(ImageEvidence(), PHOTO) == ()


def test_a_near_duplicate_is_not_also_called_the_same_scene() -> None:
    (relation,) = relate(ImageEvidence(perceptual_hash=0b111), PHOTO, 0.97)
    assert relation.kind is RelationKind.NEAR_DUPLICATE
    assert relation.score == pytest.approx(1 - 3 / 32)
    assert "3 of 64" in relation.reason


def test_a_mirrored_copy_is_found_and_said_to_be_mirrored() -> None:
    (relation,) = relate(ImageEvidence(perceptual_hash=2**32 - 1, mirrored_hash=0b1), PHOTO, 0.9)
    assert relation.kind is RelationKind.NEAR_DUPLICATE
    assert "mirrored" in relation.reason


def test_a_close_hash_is_no_duplicate_when_the_vectors_or_the_text_say_otherwise() -> None:
    assert relate(ImageEvidence(perceptual_hash=0b1), PHOTO, 0.4) == ()
    receipt = "Hero Distribution tax invoice number {} cash total thank you come again"
    shown = ImageEvidence(perceptual_hash=0b1, ocr_text=receipt.format(11))
    other = replace(PHOTO, ocr_text=receipt.format(12))
    assert kinds(relate(shown, other, 0.95)) == [RelationKind.SAME_SCENE]


def test_the_same_scene_scores_from_a_half_to_one() -> None:
    assert relate(ImageEvidence(), PHOTO, 0.74) == ()
    just, sure, surest = (relate(ImageEvidence(), PHOTO, cosine)[0] for cosine in (0.75, 0.95, 1.0))
    assert kinds((just, sure)) == [RelationKind.SAME_SCENE] * 2
    assert (just.score, sure.score, surest.score) == (pytest.approx(0.5), pytest.approx(1.0), 1.0)


def looks(*vectors: tuple[float, float]) -> FloatArray:
    """Unit vectors: the cosine of each with (1, 0) is its first number."""
    return np.array(vectors, np.float32)


SAME, ALMOST, UNLIKE = (1.0, 0.0), (0.9, 0.19**0.5), (0.43, (1 - 0.43**2) ** 0.5)


def shown_with(*vectors: tuple[float, float], objects: tuple[DetectedObject, ...]) -> ImageEvidence:
    return ImageEvidence(objects=objects, things=Things(objects=objects, vectors=looks(*vectors)))


def test_things_of_one_kind_are_named_counted_and_boxed_but_not_called_the_same() -> None:
    hit = replace(PHOTO, objects=(thing("dog", 0.8, LEFT), thing("dog", 0.6, RIGHT), thing("cat")))
    shown = ImageEvidence(objects=(thing("dog", 0.7, RIGHT), thing("car"), thing("cat", 0.5)))
    (relation,) = relate(shown, hit)
    assert relation.kind is RelationKind.SAME_KIND
    assert relation.score == 0.7
    assert relation.reason == "Both show dog (1 and 2) and cat; whether it is the same one cannot be told."
    assert (relation.boxes, relation.shown_boxes) == ((LEFT, RIGHT, LEFT), (RIGHT, LEFT))


def test_a_thing_that_looks_like_the_very_same_is_boxed_in_both_pictures() -> None:
    dogs = (thing("dog", 0.9, LEFT), thing("dog", 0.9, RIGHT))
    hit = replace(PHOTO, regions=(LEFT, RIGHT), region_vectors=looks(UNLIKE, ALMOST), objects=dogs)
    (relation,) = relate(shown_with(SAME, objects=(thing("dog", 0.9, LEFT),)), hit)
    assert relation.kind is RelationKind.SAME_OBJECT
    assert relation.score == pytest.approx(0.5 + 0.5 * (0.9 - 0.83) / 0.12)
    assert relation.reason == "The same dog, as far as looks tell (similarity 0.90)."
    assert (relation.boxes, relation.shown_boxes, relation.labels) == ((RIGHT,), (LEFT,), ("dog",))


@pytest.mark.parametrize(("found", "name"), [(thing("cup", 0.8), "cup"), (thing("bowl", 0.5), "dog")])
def test_the_same_thing_has_the_name_that_the_detector_is_surer_of(found: DetectedObject, name: str) -> None:
    hit = replace(PHOTO, regions=(LEFT,), region_vectors=looks(SAME), objects=(found,))
    (relation,) = relate(shown_with(SAME, objects=(thing("dog", 0.6, RIGHT),)), hit)
    assert relation.labels == (name,)


def test_a_part_of_a_photo_that_the_detector_is_not_sure_of_is_no_thing_to_be_the_same_as() -> None:
    hit = replace(PHOTO, regions=(LEFT,), region_vectors=looks(SAME), objects=(thing("dog", 0.9, RIGHT),))
    assert relate(shown_with(SAME, objects=(thing("cup"),)), hit) == ()


def test_another_thing_of_its_kind_is_never_the_same_object() -> None:
    hit = replace(PHOTO, regions=(LEFT,), region_vectors=looks(UNLIKE), objects=(thing("dog"),))
    (relation,) = relate(shown_with(SAME, objects=(thing("dog", 0.9, RIGHT),)), hit)
    assert relation.kind is RelationKind.SAME_KIND
    assert relation.reason == "Both show dog, but nothing that looks like the very same one (similarity 0.43 at most)."


def test_what_was_not_cut_out_of_either_picture_is_not_said_to_look_unlike() -> None:
    small = Box(x=0.8, y=0.8, width=0.02, height=0.02)
    hit = replace(PHOTO, regions=(RIGHT,), region_vectors=looks(UNLIKE), objects=(thing("dog", 0.9, small),))
    (relation,) = relate(shown_with(SAME, objects=(thing("dog"),)), hit)
    assert relation.reason == "Both show dog; whether it is the same one cannot be told."


def test_each_thing_is_the_same_as_one_other_at_most_and_other_kinds_are_told_beside_it() -> None:
    hit = replace(
        PHOTO,
        regions=(LEFT, RIGHT),
        region_vectors=looks(SAME, UNLIKE),
        objects=(thing("cup"), thing("car", box=RIGHT)),
    )
    cups = (thing("cup", 0.9, LEFT), thing("cup", 0.8, RIGHT), thing("car", 0.7, WHOLE))
    same, kind = relate(shown_with(ALMOST, SAME, (0.0, -1.0), objects=cups), hit)
    assert (same.kind, same.boxes, same.shown_boxes) == (RelationKind.SAME_OBJECT, (LEFT,), (RIGHT,))
    assert (kind.kind, kind.labels) == (RelationKind.SAME_KIND, ("car",))


def test_a_copy_is_not_said_to_show_things_of_the_same_kind_only() -> None:
    hit = replace(PHOTO, regions=(LEFT,), region_vectors=looks(UNLIKE), objects=(thing("dog"),))
    shown = replace(shown_with(SAME, objects=(thing("dog"),)), perceptual_hash=0)
    assert kinds(relate(shown, hit, 1.0)) == [RelationKind.NEAR_DUPLICATE]


def test_the_same_place_is_within_a_kilometre() -> None:
    hit = replace(PHOTO, latitude=50.0, longitude=8.0)
    (relation,) = relate(ImageEvidence(latitude=50.0045, longitude=8.0), hit)
    assert relation.kind is RelationKind.SAME_PLACE
    assert relation.reason == "Taken 500 m apart."
    assert relation.score == pytest.approx(0.75, abs=0.001)
    assert relate(ImageEvidence(latitude=50.01, longitude=8.0), hit) == ()
    assert relate(ImageEvidence(latitude=50.0), hit) == ()


def test_the_same_day_is_the_day_where_the_shown_image_was_taken() -> None:
    hit = replace(PHOTO, taken_at=NOON)
    (relation,) = relate(ImageEvidence(taken_at=NOON - timedelta(hours=6)), hit)
    assert relation.kind is RelationKind.SAME_DAY
    assert "6 h" in relation.reason
    assert "2024-05-31" in relation.reason
    assert relate(ImageEvidence(taken_at=NOON + timedelta(hours=13)), hit) == ()
    tokyo = datetime(2024, 6, 1, 1, tzinfo=timezone(timedelta(hours=9)))
    assert relate(ImageEvidence(taken_at=tokyo), replace(PHOTO, taken_at=datetime(2024, 5, 31, 16, 30, tzinfo=UTC)))


def lying(correlation: float = 0.99, *, mirrored: bool = False, box: Box = LEFT) -> Registration:
    return Registration(correlation=correlation, agreeing=40, box=box, mirrored=mirrored)


def test_a_part_of_the_picture_is_a_near_duplicate_and_its_place_is_boxed() -> None:
    (relation,) = relate(ImageEvidence(), PHOTO, 0.8, lying(mirrored=True))
    assert relation.kind is RelationKind.NEAR_DUPLICATE
    assert (relation.boxes, relation.mirrored, relation.share) == ((LEFT,), True, pytest.approx(0.04))
    assert relation.reason.startswith("A part of the same picture (4% of it), mirrored: 40 details")
    (whole,) = relate(ImageEvidence(), PHOTO, 0.8, lying(box=Box(x=0, y=0, width=1, height=1)))
    assert (whole.share, whole.mirrored) == (None, False)
    assert 0.5 <= relation.score <= 1


def test_a_weak_registration_is_no_near_duplicate() -> None:
    assert kinds(relate(ImageEvidence(), PHOTO, 0.8, lying(0.84))) == [RelationKind.SAME_SCENE]
    assert relate(ImageEvidence(), PHOTO, 0.3, replace(lying(), agreeing=7)) == ()


def test_a_paper_of_the_same_form_with_other_numbers_is_no_copy() -> None:
    receipt = "Hero Distribution tax invoice number {} of 2018 cash total {} thank you come again"
    hit = replace(PHOTO, ocr_text=receipt.format(11, 940))
    for text, copy in ((receipt.format(11, 940), True), (receipt.format(12, 615), False), ("cash total", True)):
        assert bool(relate(ImageEvidence(ocr_text=text), hit, None, lying())) is copy
        assert bool(relate(ImageEvidence(mirrored_ocr_text=text), hit, None, lying(mirrored=True))) is copy


def test_relations_come_strongest_first() -> None:
    dog = replace(PHOTO, objects=(thing("dog"),), regions=(LEFT,), region_vectors=looks(SAME))
    hit = replace(dog, latitude=50.0, longitude=8.0, taken_at=NOON)
    shown = replace(shown_with(SAME, objects=(thing("dog"),)), latitude=50.0, longitude=8.0, taken_at=NOON)
    there = [RelationKind.SAME_OBJECT, RelationKind.SAME_PLACE, RelationKind.SAME_DAY]
    assert kinds(relate(replace(shown, perceptual_hash=0), hit, 1.0)) == [RelationKind.NEAR_DUPLICATE, *there]
    only_kind = relate(replace(shown, things=None), hit, 0.8)
    assert kinds(only_kind) == [RelationKind.SAME_SCENE, *there[1:], RelationKind.SAME_KIND]


def test_distances_are_great_circles_even_across_the_date_line() -> None:
    assert distance_km(52.5200, 13.4050, 48.8566, 2.3522) == pytest.approx(877.5, abs=1)  # Berlin to Paris
    assert distance_km(0, 179.5, 0, -179.5) == pytest.approx(111.2, abs=0.1)
    assert distance_km(90, 0, -90, 0) == pytest.approx(20_015, abs=1)
