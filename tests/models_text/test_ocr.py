from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont, ImageOps

from foveal.models.cards import Card
from foveal.models.ocr import LocalTextRecognizer, OcrOptions
from foveal.models.ocr_regions import Region, find_regions, in_reading_order, polygon, straightened
from foveal.models.pull import ModelFolder
from foveal.ports import TextRecognizer
from foveal.testing.contracts.text_recognizer import TextRecognizerContract
from foveal.testing.fakes_text import FakeTextRecognizer, picture_of
from foveal.types.vectors import Pixels


@pytest.fixture(scope="module")
def local(pulled: Callable[[str], Card], model_folder: ModelFolder) -> LocalTextRecognizer:
    pulled("pp-ocr-v6")
    return LocalTextRecognizer(model_folder)


class TestFakeTextRecognizer(TextRecognizerContract):
    @pytest.fixture
    def recognizer(self) -> TextRecognizer:
        return FakeTextRecognizer()

    @pytest.fixture
    def page(self) -> Pixels:
        return picture_of(self.WORDS)


class TestLocalTextRecognizer(TextRecognizerContract):
    @pytest.fixture
    def recognizer(self, local: LocalTextRecognizer) -> TextRecognizer:
        return local


def written(text: str, *, size: tuple[int, int] = (480, 160), font_px: int = 40, angle: float = 0.0) -> Pixels:
    image = Image.new("RGB", size, "white")
    font = ImageFont.load_default(size=font_px)
    ImageDraw.Draw(image).text((40, 50), text, fill="black", font=font)
    return np.asarray(image.rotate(angle, expand=True, fillcolor="white"), dtype=np.uint8)


def opened(path: Path) -> Pixels:
    return np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB"), dtype=np.uint8)


@pytest.mark.parametrize("angle", [0, 12, -20, 90, -90, 180])
def test_a_line_at_an_angle_is_read(local: LocalTextRecognizer, angle: float) -> None:
    (line,) = local.recognize(written("Platform 9 to Bremen", angle=angle))
    assert line.text == "Platform 9 to Bremen"


def test_words_side_by_side_come_from_left_to_right(local: LocalTextRecognizer) -> None:
    image = Image.new("RGB", (900, 260), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size=44)
    for text, place in (("right", (650, 50)), ("below", (60, 160)), ("left", (60, 54))):
        draw.text(place, text, fill="black", font=font)
    assert [line.text for line in local.recognize(np.asarray(image))] == ["left", "right", "below"]


def test_small_text_in_a_small_image_is_enlarged_and_read(local: LocalTextRecognizer) -> None:
    (line,) = local.recognize(written("Gate C14 closed", size=(220, 90), font_px=15))
    assert line.text == "Gate C14 closed"


def test_lines_below_the_score_are_left_out(local: LocalTextRecognizer, model_folder: ModelFolder) -> None:
    strict = LocalTextRecognizer(model_folder, options=OcrOptions(line_score=1.01))
    assert strict.recognize(written("Platform 9 to Bremen")) == ()
    assert strict.identity != local.identity


@pytest.mark.parametrize(
    ("text", "score", "kept"),
    [
        ("Exit", 0.75, True),
        ("Exit", 0.65, False),
        ("7", 0.85, False),
        ("7", 0.95, True),
        ("出口", 0.95, True),
        ("—·—", 0.99, False),
        ("", 1.0, False),
    ],
)
def test_a_short_line_must_be_surer_than_a_long_one(text: str, score: float, kept: bool) -> None:
    assert OcrOptions().believes(text, score) is kept


def test_without_the_files_it_says_how_to_get_them(tmp_path: Path) -> None:
    from foveal.errors import ModelUnavailableError

    with pytest.raises(ModelUnavailableError, match="foveal models pull pp-ocr-v6"):
        LocalTextRecognizer(ModelFolder(tmp_path, offline=True)).recognize(written("x"))


def character_errors(expected: str, found: str) -> int:
    """Levenshtein distance."""
    row = np.arange(len(found) + 1)
    letters = np.array(list(found), dtype="<U1")
    for index, letter in enumerate(expected, start=1):
        substituted = np.minimum(row[1:] + 1, row[:-1] + (letters != letter))
        ahead = np.concatenate([[index], substituted]) - np.arange(len(row))
        row = np.minimum.accumulate(ahead) + np.arange(len(row))
    return int(row[-1])


def test_receipts_are_read_with_few_wrong_characters(local: LocalTextRecognizer, test_data: Path) -> None:
    rows = [json.loads(line) for line in (test_data / "ocr/ocr.jsonl").read_text(encoding="utf-8").splitlines()]
    errors = characters = 0
    for row in [row for row in rows if "/sroie/" in row["file"]][:5]:
        found = " ".join(line.text for line in local.recognize(opened(test_data / row["file"])))
        expected = " ".join(" ".join(line["text"] for line in row["lines"]).upper().split())
        errors += character_errors(expected, " ".join(found.upper().split()))
        characters += len(expected)
    assert errors / characters < 0.2


def test_photographs_without_text_rarely_have_lines(local: LocalTextRecognizer, test_data: Path) -> None:
    captions = [
        json.loads(line) for line in (test_data / "photos/captions.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    grass = [row["file"] for row in captions if " grass" in " ".join(row["captions"])][:20]
    found = [file for file in grass if local.recognize(opened(test_data / file))]
    assert len(found) <= 3, found


def region(x: float, y: float, width: float = 40, height: float = 20) -> Region:
    corners = np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], dtype=np.float32)
    return Region(corners=corners, score=1.0)


def test_a_region_is_found_where_the_map_is_bright_and_grown_by_the_offset() -> None:
    probabilities = np.zeros((64, 128), dtype=np.float32)
    probabilities[20:30, 10:90] = 0.9
    (found,) = find_regions(probabilities, width_px=256, height_px=128, threshold=0.5)
    left, top = found.corners.min(axis=0) / 2
    right, bottom = found.corners.max(axis=0) / 2
    offset = 80 * 10 * 1.6 / (2 * (80 + 10))
    np.testing.assert_allclose(
        [left, top, right, bottom], [10 - offset, 20 - offset, 90 + offset, 30 + offset], atol=1.5
    )
    assert found.score > 0.7


def test_faint_and_tiny_regions_are_no_regions() -> None:
    probabilities = np.zeros((64, 128), dtype=np.float32)
    probabilities[20:30, 10:90] = 0.4
    probabilities[50:52, 10:12] = 1.0
    assert find_regions(probabilities, width_px=128, height_px=64, threshold=0.5) == []


@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900), st.integers(5, 99), st.integers(5, 40)), max_size=30)
)
def test_reading_order_loses_nothing_and_does_not_depend_on_the_order_given(
    boxes: list[tuple[int, int, int, int]],
) -> None:
    regions = [region(*box) for box in dict.fromkeys(boxes)]
    ordered = in_reading_order(regions)
    assert sorted(map(id, ordered)) == sorted(map(id, regions))
    tops = [float(found.corners[:, 1].mean()) for found in ordered]
    if tops:
        assert tops[0] < min(tops) + 40


def test_rows_are_read_from_the_left_even_when_they_slope_a_little() -> None:
    a, b, c = region(10, 18), region(100, 14), region(200, 10)
    below = region(5, 50)
    assert in_reading_order([below, c, a, b]) == [a, b, c, below]


def test_a_region_is_cut_out_with_its_own_size() -> None:
    image = np.zeros((100, 40, 3), dtype=np.uint8)
    assert straightened(image, region(10, 10, width=15, height=80)).shape[:2] == (80, 15)
    assert straightened(image, region(0, 10, width=30, height=20)).shape[:2] == (20, 30)


def test_corners_become_fractions_of_the_image() -> None:
    expected = ((0.1, 0.1), (0.3, 0.1), (0.3, 0.2), (0.1, 0.2))
    for found, wanted in zip(polygon(region(20, 20), width_px=200, height_px=200), expected, strict=True):
        assert found == pytest.approx(wanted)


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20), max_size=4))
def test_the_fake_reads_whatever_its_picture_was_made_of(lines: list[str]) -> None:
    found = FakeTextRecognizer().recognize(picture_of(lines))
    assert [unicodedata.normalize("NFC", line.text) for line in found] == [
        unicodedata.normalize("NFC", line) for line in lines
    ]
