"""Pages of PDF files as pictures, their lines, and which of them a question is about."""

from __future__ import annotations

import pytest

from foveal.errors import UnreadableAssetError
from foveal.readers.limits import Limits
from foveal.readers.pdf_pages import PdfPages
from foveal.retrieval.marking import marked_lines
from foveal.testing.documents import Words, pdf_of

LINES = (
    "The harbour office opens at nine in the morning.",
    "Boats longer than twelve metres pay forty euros.",
    "Dogs are kept on a leash on every pier.",
    "The office is closed on holidays.",
)


@pytest.fixture(scope="module")
def pages() -> PdfPages:
    return PdfPages(Limits())


def _file() -> bytes:
    words = [Words(text=line, y=700 - 30 * number, size=12) for number, line in enumerate(LINES)]
    return pdf_of([[Words(text="First page", y=700, size=12)], words])


def test_a_page_is_drawn_with_its_lines_in_place(pages: PdfPages) -> None:
    page = pages.draw(_file(), 2, long_side_px=800)
    assert max(page.pixels.shape) == 800
    assert [line.text for line in page.lines] == list(LINES)
    tops = [line.box.y for line in page.lines]
    assert tops == sorted(tops)
    height, width = page.pixels.shape[:2]
    box = page.lines[0].box
    inside = page.pixels[int(box.y * height) : int((box.y + box.height) * height), int(box.x * width) : width // 2]
    assert inside.min() < 80, "there is ink where the line is said to be"


def test_a_page_that_is_not_there_and_a_broken_file_are_errors(pages: PdfPages) -> None:
    with pytest.raises(UnreadableAssetError):
        pages.draw(_file(), 3, long_side_px=200)
    with pytest.raises(UnreadableAssetError):
        pages.draw(b"%PDF-1.7\n" + bytes(300), 1, long_side_px=200)


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("When does the harbour office open in the morning?", (0,)),
        ("What do boats of twelve metres pay?", (1,)),
        ("Are dogs kept on a leash?", (2,)),
        ("zebra", ()),
        ("", ()),
    ],
)
def test_the_lines_that_answer_are_marked(question: str, rows: tuple[int, ...]) -> None:
    assert set(rows) <= set(marked_lines(LINES, "", question))
    assert bool(rows) == bool(marked_lines(LINES, "", question))


def test_lines_outside_the_passage_are_not_marked() -> None:
    assert marked_lines(LINES, LINES[3], "When is the office closed?") == (3,)
