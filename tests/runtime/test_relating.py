"""C5, U3: what is looked at of a shown image to tell how it relates to hits, and how often."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from foveal.pipeline.findings import ImageFindings
from foveal.pipeline.part_vectors import PartVectors
from foveal.retrieval.regions import cut, region_square
from foveal.runtime.relating import Relating
from foveal.testing.fakes_engine import fake_chunk
from foveal.testing.fakes_vision import FakeImageEncoder
from foveal.types.assets import MediaKind
from foveal.types.chat import ImageInput
from foveal.types.content import DetectedObject, Detections, SafetyScores
from foveal.types.locators import Box
from foveal.types.relations import RelationKind
from foveal.types.search import Hit
from foveal.types.vectors import Pixels

MUG = Box(x=0.5, y=0.25, width=0.25, height=0.5)
SPECK = Box(x=0.1, y=0.1, width=0.05, height=0.05)
THERE = Box(x=0.1, y=0.2, width=0.3, height=0.4)


def thing(label: str, box: Box) -> DetectedObject:
    return DetectedObject(label=label, score=0.8, box=box)


@pytest.fixture
def pixels() -> Pixels:
    """A black picture with a red and green mug."""
    shown = np.zeros((200, 400, 3), np.uint8)
    inside = cut(shown, MUG)
    inside[:] = (255, 0, 0)
    inside[:50] = (0, 255, 0)
    return shown


class Shown:
    """A `Relating` over fakes, with an image to show."""

    def __init__(self, pixels: Pixels, *, identity: str = "efficientnet-lite2-fake/1") -> None:
        self.encoder = FakeImageEncoder(identity=identity)
        self.image = ImageInput(data=pixels.tobytes(), media_type="image/png", pixels=pixels)
        self.relating = Relating(
            look=self.look,
            parts=PartVectors(lambda: self.encoder),
            recognizer=lambda: None,
            picture=lambda _: None,
        )

    def look(self, image: ImageInput) -> ImageFindings:
        objects = (thing("cup", MUG), thing("clock", SPECK))
        return ImageFindings(
            encoding=FakeImageEncoder().encode([image.pixels])[0],
            detections=Detections(objects=objects, class_scores=np.zeros((1, 1), np.float32)),
            ocr_lines=(),
            safety=SafetyScores(),
            caption=None,
            tags=(),
        )

    def hit(self, part: Pixels | None, box: Box = THERE) -> Hit:
        """A photo with a cup; with the vector of a part of it where one is given."""
        chunk = replace(fake_chunk("mug.jpg", ""), kind=MediaKind.IMAGE, objects=(thing("cup", box),))
        if part is not None:
            vector = FakeImageEncoder().encode([region_square(part)])[0].vector
            chunk = replace(chunk, regions=(box,), region_vectors=np.stack([vector]))
        return Hit(chunk=chunk, score=1.0, confidence=1.0, legs=())


def test_a_thing_is_encoded_once_however_often_its_picture_is_sent_and_small_ones_never(pixels: Pixels) -> None:
    shown = Shown(pixels)
    same, other = shown.hit(cut(pixels, MUG)), shown.hit(cut(pixels, MUG)[::-1])
    for _ in range(2):
        (first,), (second,) = shown.relating(shown.image, [same, other])
    assert shown.encoder.images == 1
    assert (first.kind, first.boxes, first.shown_boxes) == (RelationKind.SAME_OBJECT, (THERE,), (MUG,))
    assert second.kind is RelationKind.SAME_KIND
    (part,) = shown.relating.things(shown.image)
    np.testing.assert_array_equal(part, cut(pixels, MUG))


def test_where_an_index_has_no_vectors_of_parts_nothing_is_encoded_or_called_the_same(pixels: Pixels) -> None:
    shown = Shown(pixels)
    ((relation,),) = shown.relating(shown.image, [shown.hit(None)])
    assert relation.kind is RelationKind.SAME_KIND
    assert "cannot be told" in relation.reason
    assert shown.encoder.calls == 0


def test_vectors_of_an_encoder_that_was_not_measured_tell_no_things_apart(pixels: Pixels) -> None:
    shown = Shown(pixels, identity="clip/1")
    ((relation,),) = shown.relating(shown.image, [shown.hit(cut(pixels, MUG))])
    assert relation.kind is RelationKind.SAME_KIND
    assert shown.relating.things(shown.image) == ()
    assert shown.encoder.calls == 0
