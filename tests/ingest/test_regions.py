"""R3, U2: parts of images are found by themselves, and a part of an image is a query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from foveal.pipeline.search import Searcher
from foveal.retrieval.filtering import parse_filter
from foveal.retrieval.regions import cut, region_square
from foveal.testing.fakes_vision import FakeImageEncoder
from foveal.types.content import ImageEncoding
from foveal.types.locators import Box
from foveal.types.search import Leg, Query
from foveal.types.vectors import Pixels

from .conftest import INDEX, Home
from .test_search import searching

PLACE = Box(x=0.6, y=0.1, width=0.15, height=0.3)


def mug(mark: int, seed: int, place: Box = PLACE) -> Pixels:
    """A red mug with a green mark in one of its four corners, on a background that nothing else shares."""
    rng = np.random.default_rng(seed)
    pixels = np.kron(rng.integers(0, 150, (6, 8, 3)), np.ones((40, 40, 1))).astype(np.uint8)
    inside = cut(pixels, place)
    inside[:] = (255, 0, 0)
    height, width = (side // 2 for side in inside.shape[:2])
    row, column = divmod(mark, 2)
    inside[row * height : (row + 1) * height, column * width : (column + 1) * width] = (0, 120, 0)
    return pixels


class Centred(FakeImageEncoder):
    """The fake without what all pictures share, so that unlike ones are far apart, as real encoders have them."""

    def encode(self, images: Sequence[Pixels]) -> list[ImageEncoding]:
        found = super().encode(images)
        centred = [one.vector - one.vector[-1] * np.float32(0.3) for one in found]
        return [replace(one, vector=v / np.linalg.norm(v)) for one, v in zip(found, centred, strict=True)]


@pytest.fixture
def photos(home: Home) -> Home:
    home.regions, home.encoder = True, Centred()
    for mark in range(4):
        for copy in range(2):
            other = Box(x=0.1, y=0.4, width=0.2, height=0.3) if copy else PLACE
            Image.fromarray(mug(mark, 10 * mark + copy, other)).save(home.photos / f"mark{mark}-{copy}.png")
    for number in range(12):
        Image.fromarray(mug(0, 100 + number)[:, :300]).save(home.photos / f"other{number}.png")
    return home


def test_a_part_of_a_photo_finds_the_thing_in_other_photos_and_says_where(photos: Home) -> None:
    photos.ingest()
    part = cut(mug(2, 777), PLACE)
    hits = searching(photos).search(INDEX, Query(regions=(part,), top=2)).hits
    assert sorted(hit.chunk.filepath for hit in hits) == ["mark2-0.png", "mark2-1.png"]
    (moved,) = (hit for hit in hits if hit.chunk.filepath == "mark2-1.png")
    assert moved.matched is not None
    assert [moved.matched.x, moved.matched.y] == pytest.approx([0.1, 0.4], abs=0.02)
    assert {leg.leg for leg in moved.legs} == {Leg.REGION}


def test_hits_of_an_image_have_the_vectors_of_their_parts_and_those_of_words_do_not(photos: Home) -> None:
    """C5: with them what an image shows is told to be the very same thing or not."""
    photos.ingest()
    searcher = searching(photos)
    mark = photos.encoder.encode([region_square(cut(mug(3, 30), PLACE))])[0].vector
    for query in (Query(images=(mug(3, 30),), top=1), Query(regions=(cut(mug(3, 777), PLACE),), top=1)):
        (hit,) = searcher.search(INDEX, query).hits
        assert hit.chunk.region_vectors is not None
        np.testing.assert_allclose(hit.chunk.region_vectors @ mark, [1.0], atol=0.02)
    (hit,) = searcher.search(INDEX, Query(text="red", top=1)).hits
    assert hit.chunk.region_vectors is None


def test_no_photo_is_shown_twice_however_many_parts_of_it_are_alike(photos: Home) -> None:
    photos.ingest()
    found = searching(photos).search(INDEX, Query(regions=(cut(mug(0, 777), PLACE),), top=50)).hits
    paths = [hit.chunk.filepath for hit in found]
    assert len(paths) == len(set(paths))


def test_filters_and_groups_hold_for_parts(photos: Home) -> None:
    photos.ingest(groups=("board",))
    searcher: Searcher = searching(photos)
    part = cut(mug(2, 777), PLACE)
    assert searcher.search(INDEX, Query(regions=(part,), groups=())).hits == ()
    only = parse_filter("filepath eq 'mark1-0.png'")
    assert [h.chunk.filepath for h in searcher.search(INDEX, Query(regions=(part,), filter=only)).hits] == [
        "mark1-0.png"
    ]


def test_an_image_that_looks_like_none_is_sought_as_a_part_of_others(photos: Home) -> None:
    photos.ingest()
    searcher = searching(photos)
    whole = searcher.search(INDEX, Query(images=(mug(3, 30),), top=1)).hits[0]
    assert (whole.chunk.filepath, whole.matched) == ("mark3-0.png", None)
    assert {leg.leg for leg in whole.legs} == {Leg.IMAGE}
    part = searcher.search(INDEX, Query(images=(cut(mug(3, 777), PLACE),), top=1)).hits[0]
    assert part.chunk.filepath.startswith("mark3")
    assert {leg.leg for leg in part.legs} == {Leg.REGION}


def test_a_part_that_is_sought_again_is_not_encoded_again(photos: Home) -> None:
    photos.ingest()
    searcher, before = searching(photos), photos.encoder.images
    for seed in (777, 777, 778):  # the part is the same whatever lies round it
        searcher.search(INDEX, Query(regions=(cut(mug(2, seed), PLACE),), top=1))
    assert photos.encoder.images == before + 1


def test_parts_are_encoded_once_and_not_at_all_where_that_is_off(photos: Home) -> None:
    count = len(list(photos.photos.iterdir()))
    photos.regions = False
    photos.ingest()
    assert photos.encoder.images == count
    photos.regions = True
    photos.ingest()
    assert photos.encoder.images == 2 * count  # one mug a photo
    photos.ingest(groups=("board",))  # every chunk is made again
    assert photos.encoder.images == 2 * count
