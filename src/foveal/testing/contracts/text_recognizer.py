"""What every `TextRecognizer` must do. Subclass it in your tests and give the fixtures."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from foveal.ports.models import TextRecognizer
from foveal.types.vectors import Pixels


class TextRecognizerContract:
    """The specification of `foveal.ports.TextRecognizer` as tests."""

    WORDS = ("HARBOUR", "LANTERN")
    """What stands on the first and on the second line of the fixture `page`."""

    @pytest.fixture
    def recognizer(self) -> TextRecognizer:
        """The recognizer under test."""
        raise pytest.UsageError("a subclass of TextRecognizerContract gives the fixture `recognizer`")

    @pytest.fixture
    def page(self) -> Pixels:
        """An image with `WORDS` on two lines, readable for the recognizer under test."""
        from PIL import Image, ImageDraw, ImageFont

        image = Image.new("RGB", (640, 320), "white")
        draw = ImageDraw.Draw(image)
        font = ImageFont.load_default(size=56)
        for row, word in enumerate(self.WORDS):
            draw.text((60, 50 + 120 * row), word, fill="black", font=font)
        return np.asarray(image, dtype=np.uint8)

    def test_lines_are_read_from_top_to_bottom(self, recognizer: TextRecognizer, page: Pixels) -> None:
        """Every word is there, in reading order."""
        assert [line.text for line in recognizer.recognize(page)] == list(self.WORDS)

    def test_an_image_without_text_has_no_lines(self, recognizer: TextRecognizer) -> None:
        """Flat colour and a smooth ramp."""
        flat = np.full((240, 320, 3), 128, dtype=np.uint8)
        ramp = np.repeat(np.linspace(0, 255, 320).astype(np.uint8)[None, :, None], 240, axis=0).repeat(3, axis=2)
        assert recognizer.recognize(flat) == ()
        assert recognizer.recognize(ramp) == ()

    def test_a_polygon_is_four_corners_of_fractions_clockwise(self, recognizer: TextRecognizer, page: Pixels) -> None:
        """Corners run from the line's top left; positive shoelace area means clockwise with y down."""
        for line in recognizer.recognize(page):
            assert len(line.polygon) == 4
            assert all(0.0 <= value <= 1.0 for corner in line.polygon for value in corner)
            pairs = zip(line.polygon, line.polygon[1:] + line.polygon[:1], strict=True)
            assert sum(ax * by - bx * ay for (ax, ay), (bx, by) in pairs) > 0
            assert line.polygon[0][0] < line.polygon[1][0]

    def test_a_line_stands_where_its_polygon_says(self, recognizer: TextRecognizer, page: Pixels) -> None:
        """The first word is above the second."""
        first, second = (np.mean([y for _, y in line.polygon]) for line in recognizer.recognize(page)[:2])
        assert first < second

    def test_scores_are_probabilities(self, recognizer: TextRecognizer, page: Pixels) -> None:
        """Between 0 and 1, and some line is sure."""
        scores = [line.score for line in recognizer.recognize(page)]
        assert all(0.0 <= score <= 1.0 for score in scores)
        assert max(scores) > 0.5

    def test_images_of_any_shape_are_taken(self, recognizer: TextRecognizer) -> None:
        """One pixel, a hair's breadth, and an array that is a view of another."""
        for shape in ((1, 1, 3), (3, 900, 3), (900, 3, 3), (33, 31, 3)):
            assert recognizer.recognize(np.zeros(shape, dtype=np.uint8)) == ()
        assert recognizer.recognize(np.zeros((400, 400, 3), dtype=np.uint8)[::-2, ::2]) == ()

    def test_the_image_is_left_as_it_was(self, recognizer: TextRecognizer, page: Pixels) -> None:
        """A read-only array will do."""
        locked = page.copy()
        locked.flags.writeable = False
        assert recognizer.recognize(locked)
        np.testing.assert_array_equal(locked, page)

    def test_threads_do_not_disturb_one_another(self, recognizer: TextRecognizer, page: Pixels) -> None:
        """The same lines from three threads at once."""
        expected = recognizer.recognize(page)
        with ThreadPoolExecutor(3) as pool:
            for lines in pool.map(lambda _: recognizer.recognize(page), range(6)):
                assert lines == expected

    def test_its_identity_is_a_constant_text(self, recognizer: TextRecognizer) -> None:
        """Cache keys rest on it."""
        assert recognizer.identity
        assert recognizer.identity == recognizer.identity
