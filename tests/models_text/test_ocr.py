from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont, ImageOps

from foveal.models.cards import Card
from foveal.models.ocr import LocalTextRecognizer, OcrOptions
from foveal.models.ocr_arcs import ring_of
from foveal.models.ocr_decoding import decoded, narrowed
from foveal.models.ocr_order import in_reading_order, merged
from foveal.models.ocr_regions import Region, find_regions, polygon, straightened
from foveal.models.pull import ModelFolder
from foveal.models.tesseract import OtherScripts, installed, is_written_in
from foveal.ports.models import TextRecognizer
from foveal.testing.contracts.text_recognizer import TextRecognizerContract
from foveal.testing.fakes_text import FakeTextRecognizer, picture_of
from foveal.types.content import OcrLine
from foveal.types.vectors import FloatArray, Pixels


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


def bent(text: str, *, radius: float, inwards: bool) -> Pixels:
    """Text along the upper half of a circle, or with its heads inwards along the lower one."""
    image, font = Image.new("RGB", (800, 800), "white"), ImageFont.load_default(size=44)
    widths = [1.1 * font.getlength(character) for character in text]
    way, at = (-1, 90.0) if inwards else (1, -90.0)
    at -= way * math.degrees(sum(widths) / radius) / 2
    for character, width in zip(text, widths, strict=True):
        at += way * math.degrees(width / radius) / 2
        letter = Image.new("L", (120, 120))
        ImageDraw.Draw(letter).text((60, 76), character, fill=255, font=font, anchor="ms")
        turned = letter.rotate(-(at + 90) if not inwards else -(at - 90), resample=Image.Resampling.BICUBIC)
        x, y = 400 + radius * math.cos(math.radians(at)), 400 + radius * math.sin(math.radians(at))
        image.paste("black", (round(x) - 60, round(y) - 60), turned)
        at += way * math.degrees(width / radius) / 2
    return np.asarray(image, dtype=np.uint8)


@pytest.mark.parametrize("radius", [230, 320])
@pytest.mark.parametrize("inwards", [False, True])
def test_a_line_along_a_circle_is_read_along_it(local: LocalTextRecognizer, radius: float, *, inwards: bool) -> None:
    (line,) = local.recognize(bent("Mountain Rescue Service", radius=radius, inwards=inwards))
    assert line.text == "Mountain Rescue Service"
    assert all(y > 0.6 if inwards else y < 0.65 for _, y in line.polygon)


def test_above_and_below_of_a_seal_and_its_middle_are_lines_of_their_own(local: LocalTextRecognizer) -> None:
    above = bent("Mountain Rescue Service", radius=320, inwards=False)
    seal = np.minimum(above, bent("members since 1884", radius=320, inwards=True))
    seal[340:500, 160:640] = written("FOUNDED IN 42")
    texts = [line.text for line in local.recognize(seal)]
    assert texts == ["Mountain Rescue Service", "FOUNDED IN 42", "members since 1884"]


def test_a_blob_and_a_straight_line_are_no_rings() -> None:
    scale, empty = np.ones(2, np.float32), np.zeros((200, 200), np.float32)
    blob = cv2.circle(empty.copy(), (100, 100), 60, 1.0, -1)
    line = cv2.line(empty.copy(), (20, 100), (180, 110), 1.0, 9)
    for probabilities in (blob, line):
        (contour,), _ = cv2.findContours((probabilities > 0).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        assert ring_of(contour, probabilities, scale) == (None, 0.0)


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


HEADING = "A heading that runs across both of the columns of this page"
LEFT = ["The left column says first", "that a page is read down", "to its end before the eye", "goes to the next one"]
RIGHT = ["while the right column has", "words that belong after it", "and would make no sense", "if read across both"]


@pytest.fixture(scope="module")
def columns() -> Pixels:
    image = Image.new("RGB", (940, 290), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size=24)
    draw.text((90, 20), HEADING, fill="black", font=font)
    for row, texts in enumerate(zip(LEFT, RIGHT, strict=True)):
        for left, text in zip((50, 540), texts, strict=True):
            draw.text((left, 90 + 44 * row), text, fill="black", font=font)
    return np.asarray(image, dtype=np.uint8)


@pytest.mark.parametrize("turns", [0, 1, 2])
def test_columns_are_read_one_after_the_other_however_the_page_lies(
    local: LocalTextRecognizer, columns: Pixels, turns: int
) -> None:
    lines = local.recognize(np.ascontiguousarray(np.rot90(columns, turns)))
    assert [line.text for line in lines] == [HEADING, *LEFT, *RIGHT]
    left, top = {0: (0.1, 0.08), 1: (0.08, 0.9), 2: (0.9, 0.92)}[turns]  # of the heading, as it lies
    assert lines[0].polygon[0] == pytest.approx((left, top), abs=0.05)


def rows_of(*rows: list[tuple[float, float]]) -> list[Region]:
    """Lines of height 10 by left and right edge, a row every 20 pixels."""
    return [
        Region(corners=np.array([(a, y), (b, y), (b, y + 10), (a, y + 10)], np.float32), score=1.0)
        for y, row in ((20 * number, row) for number, row in enumerate(rows))
        for a, b in row
    ]


def test_a_table_is_read_by_rows_though_its_columns_are_apart() -> None:
    table = rows_of(*([[(0, 90), (300, 330), (400, 430)]] * 5))
    assert in_reading_order(table[::-1]) == table


def test_prose_in_columns_under_a_heading_is_read_by_columns() -> None:
    heading, *rest = rows_of([(40, 460)], *([[(0, 220), (260, 480)]] * 4))
    expected = [heading, *rest[0::2], *rest[1::2]]
    assert in_reading_order(expected[::-1]) == expected


def test_a_slanting_page_keeps_its_rows() -> None:
    table = rows_of(*([[(0, 50), (300, 350)]] * 5))
    slope = np.array([[np.cos(0.2), np.sin(0.2)], [-np.sin(0.2), np.cos(0.2)]])
    slanting = [Region(corners=(one.corners @ slope).astype(np.float32), score=1.0) for one in table]
    assert in_reading_order(slanting[::-1]) == slanting


THAI_FONT = Path("/usr/share/fonts/truetype/tlwg/Garuda.ttf")


@pytest.mark.skipif(
    not THAI_FONT.is_file() or not (installed() and "Thai" in installed().scripts),  # type: ignore[union-attr]
    reason="needs tesseract with Thai, and a font",
)
def test_thai_is_read_by_tesseract_between_lines_that_are_not(model_folder: ModelFolder) -> None:
    image = Image.new("RGB", (700, 280), "white")
    font = ImageFont.truetype(str(THAI_FONT), 34)
    texts = ["ร้านอาหารไทยอร่อยมาก", "Thank you very much", "ขอบคุณ"]
    for row, text in enumerate(texts):
        ImageDraw.Draw(image).text((40, 20 + 80 * row), text, fill="black", font=font)
    pixels = np.asarray(image, dtype=np.uint8)
    there = installed()
    assert there is not None
    with_thai = LocalTextRecognizer(model_folder, others=OtherScripts(there))
    assert [line.text for line in with_thai.recognize(pixels)] == texts
    without = {line.text for line in LocalTextRecognizer(model_folder).recognize(pixels)}
    assert without & set(texts) == {texts[1]}
    assert "tha" in with_thai.identity


def test_lines_of_other_scripts_fill_the_places_that_were_not_read() -> None:
    def line(text: str, top: float) -> OcrLine:
        return OcrLine(text=text, score=0.9, polygon=((0.1, top), (0.6, top), (0.6, top + 0.1), (0.1, top + 0.1)))

    read, others = [line("one", 0.1), line("three", 0.5)], [line("เก่า", 0.12), line("สอง", 0.3)]
    assert [one.text for one in merged(read, others, width_px=400, height_px=400)] == ["one", "สอง", "three"]


def test_only_what_is_mostly_in_those_scripts_is_taken_from_tesseract() -> None:
    assert is_written_in("เวลา 9.00 น.", ["Thai"])
    assert not is_written_in("Thank you น", ["Thai"])
    assert not is_written_in("9.00", ["Thai"])


def test_columns_in_a_part_of_a_page_are_read_one_after_the_other() -> None:
    wide, two = [(0, 480)], [(0, 220), (260, 480)]
    regions = rows_of(*[wide] * 6, *[two] * 5, *[wide] * 5)
    above, columns, below = regions[:6], regions[6:16], regions[16:]
    expected = [*above, *columns[0::2], *columns[1::2], *below]
    assert in_reading_order(expected[::-1]) == expected


CHARACTERS = np.array(["", "A", "B", " "])


def seen(*steps: tuple[float, float, float]) -> FloatArray:
    """Probabilities by step of "A", "B" and a blank; what is left is of no character."""
    given = np.array(steps, np.float32)
    return np.concatenate([1 - given.sum(axis=1, keepdims=True), given], axis=1)


def bars(*gaps_px: int) -> Pixels:
    """Black bars of 10 pixels on white, 30 high, with these gaps between them, one pixel outside."""
    line = np.full((30, 2 + 10 * (len(gaps_px) + 1) + sum(gaps_px), 3), 255, np.uint8)
    x = 1
    for gap in (*gaps_px, 0):
        line[4:26, x : x + 10] = 0
        x += 10 + gap
    return line


A, B, NONE, PERHAPS = (0.9, 0, 0), (0, 0.9, 0), (0.0, 0, 0), (0.0, 0, 0.3)


@pytest.mark.parametrize(
    ("between", "gap_px", "text"),
    [(PERHAPS, 12, "AB AB"), (PERHAPS, 3, "ABAB"), (NONE, 12, "ABAB"), ((0.0, 0, 0.9), 3, "AB AB")],
)
def test_a_blank_in_doubt_is_one_where_the_picture_has_a_wide_gap(
    between: tuple[float, float, float], gap_px: int, text: str
) -> None:
    found, score = decoded(seen(A, NONE, B, between, A, NONE, B), CHARACTERS, bars(3, gap_px, 3))
    assert (found, round(score, 2)) == (text, 0.9)


def test_nothing_is_decoded_of_no_characters_or_an_empty_picture() -> None:
    assert decoded(seen(NONE, NONE), CHARACTERS, bars(3)) == ("", 0.0)
    assert decoded(seen(A, PERHAPS, A), CHARACTERS, np.zeros((30, 60, 3), np.uint8))[0] == "AA"


def test_full_width_signs_stay_only_where_east_asian_text_is() -> None:
    assert narrowed("S/P：POS1（RM）") == "S/P:POS1(RM)"
    assert narrowed("合計：500（税込）") == "合計：500（税込）"
