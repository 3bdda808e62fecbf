from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveal.errors import AssetError, AssetLimitError, UnreadableAssetError
from foveal.readers.limits import Limits
from foveal.readers.pdf import PdfReader
from foveal.readers.sniffing import PDF
from foveal.testing.contracts.reader import read_all
from foveal.testing.documents import Pasted, Words, pdf_of
from foveal.types.content import ImageContent, TextContent

LINE = "Words of an ordinary paragraph that go on and on over the whole line of the page"


@pytest.fixture(scope="module")
def reader() -> PdfReader:
    return PdfReader(Limits())


def texts(reader: PdfReader, data: bytes, path: str = "file.pdf") -> list[TextContent]:
    return [c for c in read_all(reader, data, PDF, path) if isinstance(c, TextContent)]


def pictures(reader: PdfReader, data: bytes) -> list[ImageContent]:
    return [c for c in read_all(reader, data, PDF) if isinstance(c, ImageContent)]


def speckled(width: int, height: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)


def prose(y: float, lines: int = 8, x: float = 72, text: str = LINE) -> list[Words]:
    return [Words(text=f"{text} {i}.", x=x, y=y - 14 * i) for i in range(lines)]


def test_every_page_is_a_text_of_its_own_with_its_number(reader: PdfReader) -> None:
    found = texts(reader, pdf_of([[Words(text=f"This is said on page {n}.", y=700)] for n in (1, 2, 3)]))
    assert [(c.locator.page, c.text) for c in found] == [(n, f"This is said on page {n}.") for n in (1, 2, 3)]


def test_lines_of_a_paragraph_are_one_text_and_paragraphs_are_apart(reader: PdfReader) -> None:
    (found,) = texts(reader, pdf_of([[*prose(700, 3), *prose(640, 2)]]))
    assert found.text.split("\n\n") == [
        f"{LINE} 0. {LINE} 1. {LINE} 2.",
        f"{LINE} 0. {LINE} 1.",
    ]


def test_headings_are_told_by_size_and_weight_and_make_a_path(reader: PdfReader) -> None:
    page: list[Words] = [
        *prose(770, 10),
        Words(text="Part One", y=610, size=20),
        Words(text="Inside", y=580, size=11, bold=True),
        *prose(560, 10),
        Words(text="Part Two", y=400, size=20),
        *prose(380, 10),
    ]
    found = texts(reader, pdf_of([page]))
    assert [c.heading for c in found] == [(), ("Part One", "Inside"), ("Part Two",)]


def test_the_title_is_that_of_the_properties_else_the_first_headings_else_the_file_name(reader: PdfReader) -> None:
    cover = [Words(text="Annual Report", y=700, size=30), *prose(600)]
    assert texts(reader, pdf_of([cover], title="The Report of 2024"))[0].title == "The Report of 2024"
    assert texts(reader, pdf_of([cover], title="Microsoft Word - report.docx"))[0].title == "Annual Report"
    assert texts(reader, pdf_of([prose(600)]), "folder/plain.pdf")[0].title == "plain"


def test_heads_and_feet_on_most_pages_are_dropped_with_their_numbers(reader: PdfReader) -> None:
    pages = [
        [Words(text="ACME Handbook", y=770), *prose(700, text=f"{n} {LINE}"), Words(text=f"Page {n} of 5", y=30)]
        for n in range(1, 6)
    ]
    for content in texts(reader, pdf_of(pages)):
        assert "ACME" not in content.text
        assert "Page" not in content.text
        assert LINE in content.text


def test_a_word_broken_at_the_end_of_a_line_is_whole_again(reader: PdfReader) -> None:
    lines = [
        Words(text="Cover for in-network providers is broad, and everyone is glad of the cover-", y=700),
        Words(text="age that they have from all of the many doctors and clinics that are in-", y=686),
        Words(text="network and near to them.", y=672),
    ]
    (found,) = texts(reader, pdf_of([lines]))
    assert "glad of the coverage that" in found.text
    assert "are in-network and near" in found.text


def test_two_columns_are_read_one_after_the_other_however_they_were_written(reader: PdfReader) -> None:
    left = [Words(text=f"left column line {i}", x=72, y=700 - 14 * i) for i in range(12)]
    right = [Words(text=f"right column line {i}", x=330, y=700 - 14 * i) for i in range(12)]
    for lines in ([*left, *right], [*right, *left]):
        (found,) = texts(reader, pdf_of([lines]))
        assert found.text.index("left column line 11") < found.text.index("right column line 0")


def test_rows_of_a_table_are_rows_of_markdown(reader: PdfReader) -> None:
    rows = [("Plan", "Deductible", "Cost"), ("Standard", "2,000", "55"), ("Plus", "500", "120")]
    page = [
        *prose(740, 2),
        *(Words(text=cell, x=72 + 180 * c, y=600 - 16 * r) for r, row in enumerate(rows) for c, cell in enumerate(row)),
    ]
    (found,) = texts(reader, pdf_of([page]))
    assert "| Standard | 2,000 | 55 |" in found.text
    assert "| Plan | Deductible | Cost |\n| --- | --- | --- |" in found.text


def test_a_picture_comes_with_its_page_and_its_place(reader: PdfReader) -> None:
    pixels = speckled(120, 80)
    picture = Pasted(pixels=pixels, x=61.2, y=79.2, width=306, height=198)
    (found,) = pictures(reader, pdf_of([prose(700), [*prose(700), picture]]))
    assert found.locator.page == 2
    box = found.locator.box
    assert box is not None
    assert (box.x, box.y, box.width, box.height) == pytest.approx((0.1, 0.65, 0.5, 0.25), abs=1e-3)
    assert (found.facts.width_px, found.facts.height_px) == (120, 80)
    assert found.pixels.mean() == pytest.approx(pixels.mean(), abs=4)


def test_the_same_picture_on_every_page_and_in_every_file_is_one_picture(reader: PdfReader) -> None:
    logo = Pasted(pixels=speckled(120, 80), x=400, y=700, width=120, height=80)
    first = pictures(reader, pdf_of([[*prose(600), logo]] * 4))
    larger = Pasted(pixels=logo.pixels, x=100, y=700, width=200, height=90)
    other = pictures(reader, pdf_of([prose(600), [*prose(500, text="other " + LINE), larger]]))
    assert [c.locator.page for c in first] == [1]
    assert [c.picture for c in other] == [c.picture for c in first]
    assert first[0].picture


def test_icons_and_rules_are_not_looked_at(reader: PdfReader) -> None:
    icon = Pasted(pixels=speckled(20, 20), x=72, y=100, width=200, height=200)
    rule = Pasted(pixels=speckled(400, 4), x=72, y=400, width=400, height=4)
    assert pictures(reader, pdf_of([[*prose(700), icon, rule]])) == []


def test_a_picture_cut_into_strips_is_one_picture(reader: PdfReader) -> None:
    whole = speckled(200, 120)
    strips = [Pasted(pixels=whole[i : i + 40], x=100, y=400 - i, width=200, height=40) for i in (0, 40, 80)]
    (found,) = pictures(reader, pdf_of([[*prose(700), *strips]]))
    assert found.pixels.shape[0] == pytest.approx(120, abs=2)
    assert found.pixels.shape[1] == pytest.approx(200, abs=2)


def test_a_scanned_page_is_a_picture_of_itself(reader: PdfReader) -> None:
    scan = Pasted(pixels=speckled(400, 500), x=0, y=0, width=612, height=792)
    contents = read_all(reader, pdf_of([[scan], prose(700)]), PDF)
    assert [(type(c), c.locator.page) for c in contents] == [(TextContent, 2), (ImageContent, 1)]
    assert contents[1].locator.box is None
    assert max(contents[1].pixels.shape) == Limits().decode_long_side_px


def test_the_scan_under_the_letters_of_a_searchable_page_is_not_looked_at(reader: PdfReader) -> None:
    scan = Pasted(pixels=speckled(400, 500), x=0, y=0, width=612, height=792)
    assert pictures(reader, pdf_of([[scan, *prose(700)]])) == []


def test_places_on_a_turned_page_are_as_it_is_shown(reader: PdfReader) -> None:
    picture = Pasted(pixels=speckled(120, 80), x=0, y=0, width=306, height=198)  # lower left corner
    (found,) = pictures(reader, pdf_of([[*prose(700), picture]], rotate=90))
    box = found.locator.box
    assert box is not None
    assert (box.x, box.y) == pytest.approx((0, 0), abs=1e-3)  # turned clockwise: upper left
    assert (box.width, box.height) == pytest.approx((0.25, 0.5), abs=1e-3)


def test_an_empty_page_is_found_by_the_name_of_its_file(reader: PdfReader) -> None:
    (found,) = texts(reader, pdf_of([[]]), "folder/notes.pdf")
    assert found.text == "notes"
    assert found.warnings


def test_pages_and_pictures_over_the_limit_are_left_out_with_a_warning() -> None:
    reader = PdfReader(Limits(max_document_pages=2, max_pictures=1))
    logos = [Pasted(pixels=speckled(90, 90, seed), x=72, y=100, width=90, height=90) for seed in (1, 2)]
    contents = read_all(reader, pdf_of([[*prose(700), logo] for logo in logos] + [prose(700)]), PDF)
    assert [c.locator.page for c in contents] == [1, 2, 1]
    assert "first 2 of its 3 pages" in contents[0].warnings[0]
    assert contents[-1].warnings


def test_reading_that_takes_too_long_is_stopped() -> None:
    many = pdf_of([prose(760, 50) for _ in range(150)])
    with pytest.raises(AssetLimitError) as caught:
        read_all(PdfReader(Limits(max_document_seconds=0.01)), many, PDF)
    assert "limits.document_seconds" in caught.value.remedy


def test_letters_over_the_limit_are_refused() -> None:
    with pytest.raises(AssetLimitError, match="letters"):
        read_all(PdfReader(Limits(max_text_bytes=100)), pdf_of([prose(700)]), PDF)


def test_an_encrypted_file_is_refused_with_the_reason(reader: PdfReader, test_data: Path) -> None:
    with pytest.raises(UnreadableAssetError, match="encrypted"):
        read_all(reader, (test_data / "hostile/pdf/graph-encrypted.pdf").read_bytes(), PDF)


def test_the_words_that_others_find_are_found_on_the_same_pages(reader: PdfReader, test_data: Path) -> None:
    data = (test_data / "docs/pdf/Northwind_Standard_Benefits_Details.pdf").read_bytes()
    found = texts(reader, data)
    assert any(c.locator.page == 35 and "massage therapy services, you will need" in c.text for c in found)
    assert {c.locator.page for c in found} == set(range(1, 105))
    assert found[0].title == "Contoso Electronics – Northwind Health Standard Plan"


@settings(max_examples=25, deadline=None)
@given(
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=12),
    cut=st.floats(0.1, 1),
)
def test_damage_of_any_kind_is_an_asset_error_or_content(changes: Sequence[tuple[float, int]], cut: float) -> None:
    data = bytearray(_GOOD)
    for place, value in changes:
        data[int(place * (len(data) - 1))] = value
    with contextlib.suppress(AssetError):
        assert read_all(_READER, bytes(data[: int(len(data) * cut)]), PDF)


_READER = PdfReader(Limits())
_GOOD = pdf_of([[*prose(700), Pasted(pixels=speckled(60, 60), x=72, y=100, width=90, height=90)], prose(600)])
