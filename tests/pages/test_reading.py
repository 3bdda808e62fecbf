"""Documents without pages are shown as they are read, with what was found in its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pytest

from foveal.errors import NotFoundError
from foveal.readers.image import ImageReader
from foveal.readers.limits import Limits
from foveal.readers.sniffing import DOCX, HTML, PDF, XLSX
from foveal.retrieval.reading_marks import with_span
from foveal.runtime.reading import Window, picture_in, reading
from foveal.testing.documents import docx_of, drawing, paragraph, xlsx_of
from foveal.testing.fakes_engine import fake_chunk
from foveal.types.locators import Locator
from foveal.types.reading import BlockKind, Reading, ReadingBlock, Row, Run

if TYPE_CHECKING:
    from pathlib import Path

AROUND = Window()
ALL = Window(first=0, count=400)
NUMBERED = """<w:numbering xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">
<w:abstractNum w:abstractNumId="7"><w:lvl w:ilvl="0"><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>
<w:lvl w:ilvl="1"><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="%1.%2)"/></w:lvl></w:abstractNum>
<w:num w:numId="3"><w:abstractNumId w:val="7"/></w:num></w:numbering>"""


def _read(
    data: bytes, media_type: str, name: str, found: str = "", question: str = "", window: Window = AROUND
) -> Reading:
    chunk = fake_chunk(name, found, media_type=media_type, locator=Locator(page=1 if media_type == XLSX else None))
    return reading(data, chunk, Limits(), question=question, window=window)


def _item(text: str, depth: int) -> str:
    listed = f'<w:pPr><w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="3"/></w:numPr></w:pPr>'
    return f"<w:p>{listed}<w:r><w:t>{text}</w:t></w:r></w:p>"


def _document(body: Sequence[str]) -> bytes:
    return docx_of(
        body,
        pictures={"p1": np.full((60, 80, 3), 90, np.uint8)},
        parts={"word/numbering.xml": NUMBERED},
        linked={"n": ("numbering", "numbering.xml")},
    )


def _marked(block: ReadingBlock) -> str:
    return "".join(run.text for run in block.runs if run.marked)


def test_a_word_document_has_its_headings_lists_tables_and_pictures() -> None:
    bold = "<w:p><w:r><w:t>All </w:t></w:r><w:r><w:rPr><w:b/></w:rPr><w:t>dogs</w:t></w:r></w:p>"
    cells = "".join(f"<w:tc>{paragraph(text)}</w:tc>" for text in ("North", "four metres"))
    body = [paragraph("Harbour", style="H1"), bold, _item("Boats", 0), _item("long ones", 1), _item("Dogs", 0)]
    shown = _read(_document([*body, f"<w:tbl><w:tr>{cells}</w:tr></w:tbl>", drawing("p1", "The pier")]), DOCX, "a.docx")
    assert [block.kind for block in shown.blocks] == ["heading", "paragraph", *["item"] * 3, "table", "picture"]
    assert [(block.marker, block.level) for block in shown.blocks[2:5]] == [("1.", 0), ("1.a)", 1), ("2.", 0)]
    assert shown.blocks[1].runs == (Run(text="All "), Run(text="dogs", bold=True))
    assert shown.blocks[5].text == "North four metres"
    assert (shown.blocks[6].picture, shown.blocks[6].text) == (0, "The pier")


def test_a_picture_in_a_text_box_is_shown_once_in_its_place() -> None:
    box = f"<w:txbxContent>{paragraph('boxed')}{drawing('p1', 'The pier')}</w:txbxContent>"
    choice, fallback = f"<mc:Choice>{box}</mc:Choice>", f"<mc:Fallback>{box}</mc:Fallback>"
    alternate = (
        '<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
        f"{choice}{fallback}</mc:AlternateContent>"
    )
    shown = _read(_document([f"<w:p><w:r><w:drawing>{alternate}</w:drawing></w:r></w:p>"]), DOCX, "a.docx")
    assert [(block.kind, block.text) for block in shown.blocks] == [("paragraph", "boxed"), ("picture", "The pier")]


def test_what_is_drawn_in_a_table_stands_after_it() -> None:
    box = f"<w:p><w:r><w:drawing><w:txbxContent>{paragraph('boxed')}</w:txbxContent></w:drawing></w:r></w:p>"
    cell = f"<w:tc>{paragraph('cell')}{box}{drawing('p1', 'The pier')}</w:tc>"
    shown = _read(_document([f"<w:tbl><w:tr>{cell}</w:tr></w:tbl>", paragraph("then")]), DOCX, "a.docx")
    assert [block.text for block in shown.blocks] == ["cell", "The pier", "boxed", "then"]


def test_a_picture_of_a_document_is_had_by_its_number() -> None:
    data, chunk = _document([drawing("p1")]), fake_chunk("a.docx", "", media_type=DOCX)
    images = ImageReader(Limits())
    assert picture_in(data, chunk, 0, Limits(), images).facts.width_px == 80
    with pytest.raises(NotFoundError):
        picture_in(data, chunk, 1, Limits(), images)


def test_the_passage_is_cited_and_the_sentence_that_answers_is_marked() -> None:
    rules = "Boats longer than twelve metres pay forty euros. Dogs are kept on a leash on every pier."
    body = [paragraph(f"Paragraph {n} is about something else.") for n in range(100)]
    body[60] = paragraph("Rules of the harbour", style="H1")
    body[61] = paragraph(rules)
    shown = _read(_document(body), DOCX, "a.docx", f"a › Rules of the harbour\n{rules}", "Are dogs kept on a leash?")
    cited = [block for block in shown.blocks if block.cited]
    assert [block.text for block in cited] == ["Rules of the harbour", rules]
    assert _marked(cited[1]) == "Dogs are kept on a leash on every pier."
    assert 0 < shown.first < 60
    assert shown.total == 100
    assert len(shown.blocks) < 60, "what is far away is shown when it is asked for"
    assert (
        _read(_document(body), DOCX, "a.docx", rules, window=Window(first=98, count=9))
        .blocks[-1]
        .text.endswith("99 is about something else.")
    )


def test_the_second_of_two_equal_sentences_is_the_one_beside_the_rest_of_the_passage() -> None:
    texts = ["See below.", "Cats sleep in the mornings, mostly.", "See below.", "Dogs bark at the gulls all day."]
    data = "\n\n".join(texts).encode()
    shown = _read(data, "text/plain", "a.txt", f"{texts[2]}\n\n{texts[3]}")
    assert [block.cited for block in shown.blocks] == [False, False, True, True]


def test_a_passage_cut_out_of_a_long_paragraph_is_found() -> None:
    sentences = [f"Rule number {n} says that berth {n} costs {n * 3} euros." for n in range(60)]
    data = ("\n\n".join(["Intro.", " ".join(sentences), "Outro."])).encode()
    shown = _read(data, "text/plain", "a.txt", " ".join(sentences[20:30]), "What does berth 25 cost?")
    assert [block.cited for block in shown.blocks] == [False, True, False]
    assert "berth 25 costs 75 euros" in _marked(shown.blocks[1])


@pytest.mark.parametrize("script", ["港湾事務所は午前九時に開きます。", "ท่าเรือเปิดเวลาเก้าโมงเช้าและปิดเวลาหกโมง"])
def test_passages_are_found_in_every_script(script: str) -> None:
    shown = _read(f"First.\n\n{script}\n\nLast.".encode(), "text/plain", "a.txt", script)
    assert [block.cited for block in shown.blocks] == [False, True, False]


def test_markdown_is_read_not_shown_as_it_is_written() -> None:
    text = (
        "---\ntitle: x\n---\n# Bees\n\nA *hive* needs `water`.\n\n1. one\n2. two\n   - deep\n\n> said\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n```\ncode\n```\n\n[ok](https://example.org) [no](javascript:alert(1))\n\n"
        "<img src=x onerror=alert(1)>\n"
    )
    blocks = _read(text.encode(), "text/markdown", "a.md").blocks
    kinds = ["heading", "paragraph", "item", "item", "item", "quote", "table", "code", "paragraph", "paragraph"]
    assert [block.kind for block in blocks] == kinds
    assert blocks[1].runs[1] == Run(text="hive", italic=True)
    assert blocks[1].runs[3] == Run(text="water", code=True)
    assert [(block.marker, block.level) for block in blocks[2:5]] == [("1.", 0), ("2.", 0), ("•", 1)]
    assert blocks[6].rows[1].cells == ((Run(text="1"),), (Run(text="2"),))
    assert {run.link for run in blocks[8].runs} == {"https://example.org", ""}
    assert blocks[9].text == "<img src=x onerror=alert(1)>", "text, of which a page makes no picture"


def test_a_web_page_is_its_main_content() -> None:
    page = (
        "<html><body><nav>Home</nav><script>alert(1)</script><h1>Bees</h1><p>A hive needs water.</p>"
        "<table><tr><td>a|b</td><td>c</td></tr><tr><td>1</td><td>2</td></tr></table></body></html>"
    )
    blocks = _read(page.encode(), HTML, "a.html").blocks
    assert [(block.kind, block.text) for block in blocks] == [
        (BlockKind.HEADING, "Bees"),
        (BlockKind.PARAGRAPH, "A hive needs water."),
        (BlockKind.TABLE, "a|b c\n1 2"),
    ]


def _berths(count: int) -> list[list[str]]:
    return [["Berth", "Boat", "Fee"], *([f"B{n:02}", f"Puffin {n}", str(n * 7 % 90)] for n in range(1, count))]


def _marked_rows(shown: Reading) -> list[tuple[int, str]]:
    return [(row.number, "".join(run.text for run in row.cells[0])) for row in shown.blocks[0].rows if row.marked]


def test_a_sheet_is_a_table_with_its_head_and_the_row_that_answers_marked() -> None:
    rows = _berths(200)
    found = "book › Berths\n" + "\n".join("| " + " | ".join(row) + " |" for row in rows[90:130])
    data = xlsx_of({"Berths": rows})
    shown = _read(data, XLSX, "book.xlsx", found, "Which boat lies on berth B117?")
    head, *body = shown.blocks[0].rows
    assert (shown.part, shown.tabular, shown.total) == ("Berths", True, 199)
    assert [cell[0].text for cell in head.cells] == ["Berth", "Boat", "Fee"]
    assert not head.marked
    assert _marked_rows(shown) == [(118, "B117")]
    assert len(body) < 30
    assert {row.number for row in body} >= {117, 118, 119}, "its neighbours are there"
    later = _read(data, XLSX, "book.xlsx", found, window=Window(first=195, count=50))
    assert [row.number for row in later.blocks[0].rows] == [1, 197, 198, 199, 200]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_file_of_rows_is_a_table(delimiter: str) -> None:
    text = "\n".join(delimiter.join(row) for row in _berths(40))
    shown = _read(text.encode(), "text/plain", "berths.csv", text, "Who has berth B17?")
    assert _marked_rows(shown) == [(18, "B17")]


def test_what_has_pages_or_cannot_be_read_is_not_found() -> None:
    for data, media_type in ((b"%PDF-1.7", PDF), (b"PK\x03\x04broken", DOCX), (b"PK\x03\x04broken", XLSX)):
        with pytest.raises(NotFoundError):
            _read(data, media_type, "file")


def test_hostile_office_files_are_not_shown(test_data: Path) -> None:
    for path in sorted((test_data / "hostile" / "derived").glob("*.docx")):
        with pytest.raises(NotFoundError):
            _read(path.read_bytes(), DOCX, path.name)


def test_a_mark_may_cross_styles() -> None:
    runs = with_span((Run(text="one "), Run(text="two", bold=True), Run(text=" three")), (2, 6))
    assert [(run.text, run.bold, run.marked) for run in runs] == [
        ("on", False, False),
        ("e ", False, True),
        ("tw", True, True),
        ("o", True, False),
        (" three", False, False),
    ]


def test_rows_without_a_value_keep_the_numbers_of_the_others() -> None:
    rows = [["a", "b"], ["", ""], ["c", "d"]]
    shown = _read(xlsx_of({"S": rows}), XLSX, "s.xlsx", window=ALL)
    assert [row.number for row in shown.blocks[0].rows] == [1, 3]
    assert isinstance(shown.blocks[0].rows[0], Row)
