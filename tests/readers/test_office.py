from __future__ import annotations

import contextlib
import time

import numpy as np
import pytest

from foveal.errors import AssetError, AssetLimitError, UnreadableAssetError
from foveal.ports.sources import Reader
from foveal.readers.docx import DocxReader
from foveal.readers.image import ImageReader
from foveal.readers.limits import MAX_MARKS, Limits
from foveal.readers.packages import Package, parse_xml
from foveal.readers.pptx import PptxReader
from foveal.readers.xlsx import XlsxReader
from foveal.retrieval.chunking import chunk_text
from foveal.testing.contracts.reader import read_all
from foveal.testing.documents import (
    Slide,
    docx_of,
    drawing,
    links,
    package_of,
    paragraph,
    pptx_of,
    xlsx_of,
    zip_of,
)
from foveal.types.content import ImageContent, TextContent

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
LONG = "A sentence that goes on for a while so that it is worth a chunk. " * 12


@pytest.fixture(scope="module")
def docx() -> Reader:
    return DocxReader(Limits(), ImageReader(Limits()))


@pytest.fixture(scope="module")
def pptx() -> Reader:
    return PptxReader(Limits(), ImageReader(Limits()))


def texts(reader: Reader, data: bytes, path: str = "folder/file.docx") -> list[TextContent]:
    return [c for c in read_all(reader, data, "", path) if isinstance(c, TextContent)]


def pictures(reader: Reader, data: bytes) -> list[ImageContent]:
    return [c for c in read_all(reader, data, "") if isinstance(c, ImageContent)]


def speckled(width: int, height: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)


# --- Word


def test_styles_make_headings_and_the_title(docx: Reader) -> None:
    body = [
        paragraph("The Handbook", style="T"),
        paragraph(LONG),
        paragraph("Leave", style="H1"),
        paragraph(LONG),
        paragraph("Parental", style="H2"),
        paragraph(LONG),
        paragraph("Pay", style="Mine"),
        paragraph(LONG),
    ]
    found = texts(docx, docx_of(body))
    assert [c.heading for c in found] == [(), ("Leave",), ("Leave", "Parental"), ("Pay",)]
    assert {c.title for c in found} == {"The Handbook"}


def test_the_title_of_the_properties_comes_first_and_the_file_name_last(docx: Reader) -> None:
    assert texts(docx, docx_of([paragraph("words")], title="Given"))[0].title == "Given"
    assert texts(docx, docx_of([paragraph("words")]))[0].title == "file"


def test_pages_are_those_that_word_last_laid_out(docx: Reader) -> None:
    body = [paragraph("one"), paragraph("two", page_break=True), paragraph("still two")]
    assert [(c.locator.page, c.text) for c in texts(docx, docx_of(body))] == [(1, "one"), (2, "two\n\nstill two")]
    assert texts(docx, docx_of([paragraph("one")]))[0].locator.page is None


def test_tables_are_rows_of_markdown(docx: Reader) -> None:
    cells = [["Plan", "Cost"], ["Plus", "a|b"]]
    rows = "".join(f"<w:tr>{''.join(f'<w:tc>{paragraph(c)}</w:tc>' for c in row)}</w:tr>" for row in cells)
    (found,) = texts(docx, docx_of([f"<w:tbl>{rows}</w:tbl>"]))
    assert found.text == "| Plan | Cost |\n| --- | --- |\n| Plus | a\\|b |"


def test_a_table_inside_a_cell_is_read_once(docx: Reader) -> None:
    inner = f"<w:tbl><w:tr><w:tc>{paragraph('inner')}</w:tc></w:tr></w:tbl>"
    outer = f"<w:tbl><w:tr><w:tc>{paragraph('outer')}{inner}</w:tc><w:tc>{paragraph('side')}</w:tc></w:tr></w:tbl>"
    (found,) = texts(docx, docx_of([outer]))
    assert found.text.count("inner") == 1
    assert "outer" in found.text


def test_notes_and_comments_are_read_and_what_was_deleted_is_not(docx: Reader) -> None:
    deleted = "<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:ins><w:r><w:t>new</w:t></w:r></w:ins></w:p>"
    data = docx_of(
        [paragraph("body"), deleted],
        parts={
            "word/comments.xml": f"<w:comments {W}><w:comment>{paragraph('a remark')}</w:comment></w:comments>",
            "word/footnotes.xml": f"<w:footnotes {W}><w:footnote>{paragraph('a note')}</w:footnote></w:footnotes>",
        },
        linked={"c": ("comments", "comments.xml"), "f": ("footnotes", "footnotes.xml")},
    )
    (found,) = texts(docx, data)
    assert found.text.split("\n\n") == ["body", "new", "a note", "a remark"]


def test_words_in_text_boxes_are_read_once(docx: Reader) -> None:
    box = f"<w:txbxContent>{paragraph('boxed')}</w:txbxContent>"
    alternate = (
        '<w:p><w:r><mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
        f"<mc:Choice><w:drawing>{box}</w:drawing></mc:Choice><mc:Fallback><w:pict>{box}</w:pict></mc:Fallback>"
        "</mc:AlternateContent></w:r></w:p>"
    )
    (found,) = texts(docx, docx_of([alternate]))
    assert found.text == "boxed"


def test_words_in_a_text_box_in_a_table_are_read_once(docx: Reader) -> None:
    box = f"<w:p><w:r><w:drawing><w:txbxContent>{paragraph('boxed')}</w:txbxContent></w:drawing></w:r></w:p>"
    (found,) = texts(docx, docx_of([f"<w:tbl><w:tr><w:tc>{paragraph('cell')}{box}</w:tc></w:tr></w:tbl>"]))
    assert found.text.split() == ["|", "cell", "|", "boxed"]


def test_a_picture_comes_once_with_its_page_and_its_words(docx: Reader) -> None:
    pixels = speckled(80, 60)
    body = [
        paragraph("one"),
        paragraph("two", page_break=True),
        drawing("p", "A lighthouse at dusk"),
        drawing("p"),
        drawing("tiny"),
    ]
    (found,) = pictures(docx, docx_of(body, title="Coast", pictures={"p": pixels, "tiny": speckled(9, 9)}))
    np.testing.assert_array_equal(found.pixels, pixels)
    assert (found.locator.page, found.title, found.description) == (2, "Coast", "A lighthouse at dusk")
    assert found.picture


def test_the_same_picture_in_a_document_and_a_presentation_is_one_picture(docx: Reader, pptx: Reader) -> None:
    pixels = speckled(80, 60)
    (one,) = pictures(docx, docx_of([drawing("p")], pictures={"p": pixels}))
    (other,) = pictures(pptx, pptx_of([Slide(title="A", picture=pixels)]))
    assert one.picture == other.picture


@pytest.mark.parametrize("words", ["image3.png", "Picture 4", "A dog. Description automatically generated"])
def test_alternative_text_that_a_program_wrote_is_nobodys_words(docx: Reader, words: str) -> None:
    (found,) = pictures(docx, docx_of([drawing("p", words)], pictures={"p": speckled(80, 60)}))
    assert found.description == ""


def test_a_broken_picture_costs_nothing_but_itself(docx: Reader) -> None:
    data = docx_of(
        [paragraph("words"), drawing("p")],
        parts={"word/media/p.png": b"\x89PNG\r\n\x1a\n" + bytes(50)},
        linked={"p": ("image", "media/p.png")},
    )
    assert [c.text for c in texts(docx, data)] == ["words"]
    assert pictures(docx, data) == []


# --- PowerPoint


def test_slides_come_in_order_with_title_number_and_notes(pptx: Reader) -> None:
    data = pptx_of([Slide(title="First", texts=["a", "b"], notes="say this"), Slide(texts=["c"])])
    found = texts(pptx, data)
    assert [(c.locator.page, c.heading, c.text) for c in found] == [
        (1, ("First",), "a\n\nb\n\nsay this"),
        (2, (), "c"),
    ]
    assert found[0].title == "First"


def test_numbers_and_feet_of_slides_are_left_out(pptx: Reader) -> None:
    assert all("99" not in c.text for c in texts(pptx, pptx_of([Slide(title="A", texts=["b"])])))


def test_a_picture_on_a_slide_has_its_place(pptx: Reader) -> None:
    data = pptx_of([Slide(title="A"), Slide(title="B", picture=speckled(80, 60), words="The new bridge")])
    (found,) = pictures(pptx, data)
    box = found.locator.box
    assert box is not None
    assert found.locator.page == 2
    assert (box.x, box.y, box.width, box.height) == (0.5, 0.5, 0.5, 0.25)
    assert found.description == "The new bridge"
    assert any("The new bridge" in c.text for c in texts(pptx, data))


def test_slides_are_shown_in_the_order_of_the_list_not_of_their_names(pptx: Reader) -> None:
    data = pptx_of([Slide(texts=["first"]), Slide(texts=["second"])])
    package = Package(data, Limits())
    members = {name: package.read(name) for name in package.names()}
    main = members["ppt/presentation.xml"].decode()
    members["ppt/presentation.xml"] = main.replace("s1'", "s0'").replace("s2'", "s1'").replace("s0'", "s2'").encode()
    assert [c.text for c in texts(pptx, zip_of(members))] == ["second", "first"]


# --- Excel


def test_sheets_are_tables_under_their_names() -> None:
    data = xlsx_of({"People": [["Name", "Age"], ["Ada", "36"]], "Empty": [], "Towns": [["Oslo", "Bergen"]]})
    found = texts(XlsxReader(Limits()), data, "staff.xlsx")
    assert [(c.locator.page, c.heading) for c in found] == [(1, ("People",)), (3, ("Towns",))]
    assert found[0].text == "| Name | Age |\n| --- | --- |\n| Ada | 36 |"
    assert found[0].title == "staff"


def test_every_piece_of_a_long_sheet_says_what_its_columns_are() -> None:
    rows = [["Berth", "Boat"], *([f"B{n:03}", f"Puffin number {n}"] for n in range(1, 401))]
    (found,) = texts(XlsxReader(Limits()), xlsx_of({"Berths": rows}))
    pieces = chunk_text([found], max_tokens=600, count=lambda text: len(text) // 4)
    assert len(pieces) > 5
    assert all("| Berth | Boat |\n| --- | --- |" in piece.text for piece in pieces)
    assert all(sum(f"| {row[0]} |" in piece.text for piece in pieces) >= 1 for row in rows)


def test_a_cell_far_to_the_right_costs_no_memory() -> None:
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row>'
        '<c r="A1"><v>1</v></c><c r="XFD1"><v>2</v></c></row></sheetData></worksheet>'
    )
    data = xlsx_of({"one": [["a"]]})
    package = Package(data, Limits())
    members = {name: package.read(name) for name in package.names()}
    (found,) = texts(XlsxReader(Limits()), zip_of({**members, "xl/sheet1.xml": sheet}))
    assert found.text == "| 1 |"


# --- hostile packages


def test_a_part_that_unpacks_to_far_more_than_the_limit_is_refused_quickly() -> None:
    bomb = zip_of({"word/document.xml": b"\0" * (300 * 2**20)})
    began = time.monotonic()
    with pytest.raises(AssetLimitError, match="unpacks to more than 8 MiB"):
        Package(bomb, Limits(max_inflated_bytes=8 * 2**20)).read("word/document.xml")
    assert time.monotonic() - began < 2


def test_the_limit_is_on_all_parts_together() -> None:
    package = Package(zip_of({"a": b"x" * 60, "b": b"x" * 60}), Limits(max_inflated_bytes=100))
    package.read("a")
    with pytest.raises(AssetLimitError):
        package.read("b")


@pytest.mark.parametrize(
    "xml",
    [
        b'<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/hostname">]><r>&e;</r>',
        b'<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><r>&b;</r>',
        b'<!DOCTYPE r SYSTEM "http://127.0.0.1:1/x.dtd"><r/>',
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE r [<!ENTITY e "x">]><r>&e;</r>'.encode("utf-16"),
        b"<r><unclosed></r>",
        b"",
        b"<r>" * 5000 + b"</r>" * 5000,
    ],
)
def test_entities_definitions_and_depth_are_refused(xml: bytes) -> None:
    with pytest.raises(UnreadableAssetError):
        parse_xml(xml, "part.xml")


def test_more_elements_than_memory_should_hold_are_refused() -> None:
    with pytest.raises(AssetLimitError, match="marks"):
        parse_xml(b"<r>" + b"<a/>" * (MAX_MARKS + 1) + b"</r>", "part.xml")


def test_names_that_climb_out_of_the_archive_are_only_names(docx: Reader) -> None:
    data = docx_of(
        [paragraph("words"), drawing("up"), drawing("out")],
        parts={"../../evil.png": b"x"},
        linked={"up": ("image", "../../../../etc/passwd"), "out": ("image", "file:///etc/passwd")},
    )
    assert [c.text for c in texts(docx, data)] == ["words"]


def test_links_out_of_the_package_are_never_followed(docx: Reader) -> None:
    outside = links({"o": ("image", "http://127.0.0.1:1/a.png")}).replace("Id=", 'TargetMode="External" Id=')
    data = docx_of([paragraph("words"), drawing("o")], parts={"word/_rels/document.xml.rels": outside})
    assert [c.text for c in texts(docx, data)] == ["words"]


def test_a_file_with_macros_is_read_without_them(docx: Reader) -> None:
    data = docx_of([paragraph("words")], parts={"word/vbaProject.bin": b"Sub AutoOpen()"})
    assert [c.text for c in texts(docx, data)] == ["words"]


@pytest.mark.parametrize("target", ["word/missing.xml", "../word/document.xml", ""])
def test_a_package_without_its_main_part_is_unreadable(docx: Reader, target: str) -> None:
    data = package_of(target, {"word/other.xml": "<r/>"})
    with pytest.raises(UnreadableAssetError):
        read_all(docx, data, "")


def test_every_cut_of_a_document_is_an_asset_error(docx: Reader) -> None:
    data = docx_of([paragraph("words"), drawing("p")], pictures={"p": speckled(40, 40)})
    for end in range(1, len(data) - 22, 97):
        with pytest.raises(AssetError):
            read_all(docx, data[:end], "")


def test_damaged_bytes_are_an_asset_error_or_content(docx: Reader) -> None:
    data = docx_of([paragraph("words " * 50)], parts={"word/x.xml": "<x/>"})
    random = np.random.default_rng(1)
    for _ in range(60):
        damaged = bytearray(data)
        for place in random.integers(0, len(data), 4):
            damaged[place] = int(random.integers(0, 255))
        with contextlib.suppress(AssetError):
            assert read_all(docx, bytes(damaged), "")
