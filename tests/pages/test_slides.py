"""Slides are drawn as they look, with every line in its place and nothing in them that runs."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from lxml import etree
from PIL import Image

from foveal.errors import AssetError, UnreadableAssetError
from foveal.readers.limits import Limits
from foveal.readers.metrics_font import metrics_font, width_of
from foveal.readers.packages import Package
from foveal.readers.slide_svg import slide_drawing
from foveal.readers.slides import DrawnSlide, Slides
from foveal.retrieval.marking import marked_lines
from foveal.testing.documents import zip_of

if TYPE_CHECKING:
    from pathlib import Path

SVG = "{http://www.w3.org/2000/svg}"
ALLOWED = {
    *("svg", "defs", "g", "rect", "path", "text", "image", "clipPath", "circle", "marker", "filter", "feDropShadow"),
    *("linearGradient", "radialGradient", "stop"),
}
HOSTILE = "</text><script>window.pwned=1</script>"


@pytest.fixture(scope="module")
def slides() -> Slides:
    return Slides(Limits())


@pytest.fixture(scope="module")
def deck() -> bytes:
    """Words, a chart, a table and a picture, each on a slide of its own."""
    from pptx import Presentation
    from pptx.chart.data import CategoryChartData
    from pptx.dml.color import RGBColor
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Inches

    made = Presentation()
    words = made.slides.add_slide(made.slide_layouts[1])
    words.shapes.title.text = "Harbour rules"
    body = words.placeholders[1].text_frame
    body.text = "Boats longer than twelve metres pay forty euros."
    body.add_paragraph().text = "Dogs are kept on a leash on every pier."
    run = body.add_paragraph().add_run()
    run.text, run.font.bold, run.font.color.rgb = f"Red. {HOSTILE}", True, RGBColor(200, 0, 0)
    run.hyperlink.address = "javascript:alert(1)"
    charts = made.slides.add_slide(made.slide_layouts[5])
    charts.shapes.title.text = "Berths"
    data = CategoryChartData()
    data.categories = ["Spring", "Summer"]
    data.add_series("Ferries", (20, 31))
    place = (Inches(1), Inches(2), Inches(7), Inches(4))
    charts.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *place, data).chart.has_legend = True
    tables = made.slides.add_slide(made.slide_layouts[5])
    table = tables.shapes.add_table(3, 2, Inches(1), Inches(2), Inches(6), Inches(2)).table
    for row, cells in enumerate((("Pier", "Depth"), ("North", "four metres"), ("South", "seven metres"))):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    pictures = made.slides.add_slide(made.slide_layouts[6])
    file = io.BytesIO()
    Image.new("RGB", (300, 200), (10, 120, 60)).save(file, "BMP")
    shown = pictures.shapes.add_picture(file, Inches(1), Inches(1), Inches(3), Inches(2))
    shown.crop_left = 0.5
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def _elements(slide: DrawnSlide) -> list[etree._Element]:
    return list(etree.fromstring(slide.svg()).iter())


def _line(slide: DrawnSlide, words: str) -> int:
    return next(row for row, line in enumerate(slide.lines) if words in line.text)


def test_words_are_drawn_where_their_lines_are_said_to_be(slides: Slides, deck: bytes) -> None:
    slide = slides.draw(deck, 1)
    assert (slide.width, slide.height) == (960, 720)
    texts = [element for element in _elements(slide) if element.tag == f"{SVG}text"]
    drawn = next(element for element in texts if (element.text or "").startswith("Boats longer"))
    box = slide.lines[_line(slide, "Boats longer")].box
    assert abs(float(drawn.get("x", 0)) - box.x * slide.width) < 2
    assert box.y * slide.height < float(drawn.get("y", 0)) < (box.y + box.height) * slide.height
    assert abs(float(drawn.get("textLength", 0)) - box.width * slide.width) < 20
    tops = [line.box.y for line in slide.lines]
    assert tops == sorted(tops)


def test_the_look_of_words_is_kept(slides: Slides, deck: bytes) -> None:
    red = next(e for e in _elements(slides.draw(deck, 1)) if (e.text or "").startswith("Red"))
    assert (red.get("fill"), red.get("font-weight")) == ("#C80000", "700")


def test_nothing_in_a_drawing_runs_or_leads_away(slides: Slides, deck: bytes) -> None:
    for number in (1, 2, 3, 4):
        for element in _elements(slides.draw(deck, number)):
            assert str(element.tag).removeprefix(SVG) in ALLOWED
            for name, value in element.attrib.items():
                assert not str(name).startswith("on")
                assert name not in {"style", "class"}
                assert name != "href" or str(value).startswith(("data:image/png", "data:image/jpeg"))
    assert b"javascript:" not in slides.draw(deck, 1).svg()


def test_a_chart_is_one_place_with_all_its_words(slides: Slides, deck: bytes) -> None:
    slide = slides.draw(deck, 2)
    row = _line(slide, "Ferries")
    assert {"Spring", "Summer", "Ferries"} <= set(slide.lines[row].text.split())
    assert marked_lines([line.text for line in slide.lines], "", "How many ferries in summer?") == (row,)
    box = slide.lines[row].box
    assert (round(box.x, 2), round(box.width, 2)) == (0.1, 0.7)


def test_a_slide_with_a_broken_chart_is_drawn_without_it(slides: Slides, deck: bytes) -> None:
    package = Package(deck, Limits())
    members = {name: package.read(name) for name in package.names()}
    chart = next(name for name in members if name.startswith("ppt/charts/chart"))
    broken = slides.draw(zip_of({**members, chart: b"<c:chartSpace"}), 2)
    assert [line.text for line in broken.lines] == ["Berths"]


def test_rows_of_a_table_are_lines(slides: Slides, deck: bytes) -> None:
    slide = slides.draw(deck, 3)
    assert [line.text for line in slide.lines] == ["Pier Depth", "North four metres", "South seven metres"]
    north, south = (slide.lines[_line(slide, name)].box for name in ("North", "South"))
    assert north.width == south.width > 0.5
    assert north.y < south.y


def test_a_picture_is_encoded_anew_and_cropped_by_its_frame(slides: Slides, deck: bytes) -> None:
    elements = _elements(slides.draw(deck, 4))
    image = next(element for element in elements if element.tag == f"{SVG}image")
    assert image.get("href", "").startswith("data:image/jpeg;base64,")
    assert (image.get("x"), image.get("width")) == ("-192", "576"), "its left half lies outside of the frame"
    assert any(element.tag == f"{SVG}clipPath" for element in elements)


def test_marks_are_drawn_over_the_slide(slides: Slides, deck: bytes) -> None:
    slide = slides.draw(deck, 1)
    box = slide.lines[_line(slide, "Dogs")].box
    added = len(etree.fromstring(slide.svg([box]))) - len(etree.fromstring(slide.svg()))
    assert added == 1
    mark = etree.fromstring(slide.svg([box]))[-1]
    assert abs(float(mark.get("y", 0)) - box.y * slide.height) < 10


def test_a_slide_that_is_not_there_and_a_broken_file_are_errors(slides: Slides, deck: bytes) -> None:
    for data, number in ((deck, 5), (deck, 0), (deck[:-200], 1), (b"PK\x03\x04" + bytes(100), 1)):
        with pytest.raises(UnreadableAssetError):
            slides.draw(data, number)


def test_hostile_files_are_errors_and_the_next_file_is_drawn(slides: Slides, deck: bytes, test_data: Path) -> None:
    for path in sorted((test_data / "hostile" / "derived").iterdir()):
        with pytest.raises(AssetError):
            slides.draw(path.read_bytes(), 1)
    assert slides.draw(deck, 1).lines


def test_no_value_of_a_display_list_gets_out_of_its_attribute() -> None:
    evil = '"/><script>alert(1)</script>'
    scene: dict[str, object] = {
        "width": 960.0,
        "height": float("nan"),
        "background": {"kind": "solid", "color": evil},
        "primitives": [
            {
                "kind": "shape",
                "x": evil,
                "w": 10.0,
                "h": 10.0,
                "fill": {"kind": "solid", "color": evil},
                "path": [evil],
            },
            {"kind": "image", "assetId": evil, "w": 5.0, "h": 5.0},
            {
                "kind": "textBox",
                "lines": [{"runs": [{"text": f"a\0{evil}", "fontFamily": evil, "color": evil, "fontSizePx": evil}]}],
            },
            {"kind": "group", "primitives": [{"kind": evil}, evil, None]},
        ],
    }
    picture: Callable[[str], str | None] = lambda name: name  # noqa: E731 - one use
    drawing = slide_drawing(scene, picture)
    root = etree.fromstring(f'<svg xmlns="http://www.w3.org/2000/svg">{drawing.body}</svg>')
    assert {str(e.tag).removeprefix(SVG) for e in root.iter()} <= ALLOWED


def test_widths_are_those_of_the_script() -> None:
    assert [width_of(c) for c in "iWé"] == [222, 944, 556]
    assert width_of("港") == 1000
    assert width_of("\u0e31") == 0, "a Thai vowel above its letter"
    assert len(metrics_font()) < 100_000
