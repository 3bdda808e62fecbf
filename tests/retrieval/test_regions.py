from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.errors import InvalidRequestError
from foveal.retrieval.regions import (
    MOST_REGIONS,
    box_within,
    choose_regions,
    cut,
    numbers_of,
    part_of,
    region_square,
    split_box,
)
from foveal.types.chat import ImageInput
from foveal.types.content import DetectedObject, Detections
from foveal.types.locators import Box


def thing(label: str, score: float, *sides: float) -> DetectedObject:
    x, y, width, height = sides
    return DetectedObject(label=label, score=score, box=Box(x=x, y=y, width=width, height=height))


def found(*objects: DetectedObject, doubtful: tuple[DetectedObject, ...] = ()) -> Detections:
    return Detections(objects=objects, class_scores=np.zeros((1, 1), np.float32), doubtful=doubtful)


def test_sure_objects_come_first_and_doubtful_ones_follow() -> None:
    sure, unsure = thing("cup", 0.9, 0.1, 0.1, 0.2, 0.2), thing("vase", 0.3, 0.6, 0.6, 0.2, 0.2)
    assert choose_regions(found(sure, doubtful=(unsure,)), width_px=400, height_px=400) == (sure.box, unsure.box)


@pytest.mark.parametrize(
    "left_out",
    [
        thing("bowl", 0.5, 0.11, 0.1, 0.2, 0.2),  # the cup again, as another class
        thing("table", 0.5, 0.0, 0.0, 1.0, 0.9),  # the picture again
        thing("fly", 0.5, 0.8, 0.8, 0.05, 0.2),  # too small to be told from others
    ],
)
def test_what_is_found_anyway_or_too_small_gets_no_vector_of_its_own(left_out: DetectedObject) -> None:
    cup = thing("cup", 0.9, 0.1, 0.1, 0.2, 0.2)
    assert choose_regions(found(cup, left_out), width_px=400, height_px=400) == (cup.box,)


def test_a_crowd_does_not_fill_the_index() -> None:
    people = [thing("person", 0.9, 0.1 * (n % 10), 0.1 * (n // 10), 0.08, 0.08) for n in range(40)]
    assert len(choose_regions(found(*people), width_px=1000, height_px=1000)) == MOST_REGIONS


def test_a_square_shows_the_whole_part_and_nothing_else() -> None:
    pixels = np.zeros((100, 200, 3), np.uint8)
    pixels[20:40, 50:150] = 255
    square = region_square(pixels, Box(x=0.25, y=0.2, width=0.5, height=0.2))
    assert square.shape == (292, 292, 3)
    assert (square == 255).all()


def test_a_box_after_a_file_name_is_split_off_and_other_number_signs_are_not() -> None:
    assert split_box("a#b.jpg#0.1,0.2,0.3,0.4") == ("a#b.jpg", "0.1,0.2,0.3,0.4")
    assert split_box("holiday #3.jpg") == ("holiday #3.jpg", "")


def test_fractions_and_pixels_are_told_apart_and_what_sticks_out_is_cut_off() -> None:
    half = Box(x=0.5, y=0.5, width=0.5, height=0.5)
    assert box_within((0.5, 0.5, 0.5, 0.5), width_px=400, height_px=200) == half
    assert box_within((200, 100, 200, 100), width_px=400, height_px=200) == half
    assert box_within((200, 100, 900, 900), width_px=400, height_px=200) == half


@pytest.mark.parametrize(
    "box", ["1,2,3", "a,b,c,d", "", "nan,0,1,1", "500,0,100,100", "0,0,0.001,1", "0.5,0.5,-0.2,0.1"]
)
def test_a_box_that_is_none_says_how_one_is_written(box: str) -> None:
    with pytest.raises(InvalidRequestError) as error:
        box_within(numbers_of(box), width_px=400, height_px=200)
    assert "fractions" in error.value.remedy


@given(st.tuples(*[st.floats(allow_nan=False)] * 4), st.integers(1, 5000), st.integers(1, 5000))
def test_whatever_box_is_taken_lies_in_the_image(
    numbers: tuple[float, float, float, float], width: int, height: int
) -> None:
    try:
        box = box_within(numbers, width_px=width, height_px=height)
    except InvalidRequestError:
        return
    assert 0 <= box.x < box.x + box.width <= 1 + 1e-9
    assert 0 <= box.y < box.y + box.height <= 1 + 1e-9
    assert cut(np.zeros((height % 90 + 1, width % 90 + 1, 3), np.uint8), box).size


def test_a_part_of_an_image_is_an_image_with_bytes_of_its_own() -> None:
    pixels = np.arange(40 * 60 * 3, dtype=np.uint8).reshape(40, 60, 3)
    whole = ImageInput(data=b"whole", media_type="image/jpeg", pixels=pixels)
    part = part_of(whole, (30, 20, 30, 20))
    assert part.data != whole.data
    np.testing.assert_array_equal(part.pixels, pixels[20:, 30:])
