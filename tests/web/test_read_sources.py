"""Sources are opened as what they are: slides drawn, documents and sheets to be read, with what was found marked."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import numpy as np
import pytest

from foveal.testing.documents import docx_of, drawing, paragraph, xlsx_of
from foveal.testing.serving import environment

from .environment import HOSTILE, SCREENS, Server
from .test_pages import _ask, _open

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.xdist_group("web"), pytest.mark.timeout(600)]

INDEX = "shelf"
LEASH = "Dogs are kept on a leash on every pier of the harbour."
BERTH = "Which boat lies on berth B17?"
QUESTIONS = (
    ("rules.docx", "Where are dogs kept on a leash?"),
    ("prices.pptx", "What do boats longer than twelve metres pay for a night?"),
    ("berths.csv", BERTH),
    ("depths.xlsx", "How deep is Sandbank?"),
    ("bees.md", "How far may water be from a hive?"),
)


def _deck() -> bytes:
    from pptx import Presentation
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Inches

    made = Presentation()
    slide = made.slides.add_slide(made.slide_layouts[5])
    slide.shapes.title.text = "Prices of the marina"
    box = slide.shapes.add_textbox(Inches(1), Inches(1.7), Inches(8), Inches(1)).text_frame
    box.text = "Boats longer than twelve metres pay forty euros for a night."
    box.add_paragraph().text = f"Kayaks lie free. {HOSTILE}"
    data = CategoryChartData()
    data.categories = ["Spring", "Summer", "Autumn"]
    data.add_series("Boats", (120, 260, 90))
    data.add_series("Ferries", (20, 31, 18))
    place = (Inches(1), Inches(3), Inches(8), Inches(4))
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *place, data)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def _document() -> bytes:
    body = [paragraph("Rules", style="T"), *(paragraph(f"Clause {n} is about ropes and knots.") for n in range(40))]
    body += [paragraph("Animals", style="H1"), paragraph(f"Cats may stay. {LEASH} {HOSTILE}"), drawing("p", "The pier")]
    body += [paragraph(f"Clause {n} is about fuel and fire.") for n in range(40, 80)]
    return docx_of(body, pictures={"p": np.full((120, 200, 3), (20, 90, 120), np.uint8)})


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory, site: Server, models_dir: Path) -> str:
    """An index of one document of every kind."""
    folder = tmp_path_factory.mktemp("shelf")
    (folder / "prices.pptx").write_bytes(_deck())
    (folder / "rules.docx").write_bytes(_document())
    rows = "\n".join(f"B{n:02},Puffin {n},{n * 7 % 60}" for n in range(1, 60))
    (folder / "berths.csv").write_text(f"Berth,Boat,Fee\n{rows}\n")
    depths = [["Place", "Depth"], *([f"Buoy {n}", f"{n} m"] for n in range(2, 40)), ["Sandbank", "1 m"]]
    (folder / "depths.xlsx").write_bytes(xlsx_of({"Depths": depths}))
    (folder / "bees.md").write_text(
        f"# Bees\n\nHoney keeps for years. {HOSTILE}\n\n## Water\n\nA hive needs water within two hundred metres.\n"
    )
    environ = environment(home=site.home, models=models_dir, offline=1)
    command = [sys.executable, "-m", "foveal", "ingest", str(folder), "--index", INDEX]
    subprocess.run(command, env=environ, check=True, capture_output=True, timeout=300)
    return INDEX


def _opened(page: Page, site: Server, name: str) -> None:
    """The question about a document is asked, and its card opened."""
    _open(page, site.address, INDEX, strictness=1)
    _ask(page, dict(QUESTIONS)[name])
    if page.locator("details.more-sources").count():
        page.locator("details.more-sources").evaluate("e => { e.open = true; }")
    page.locator(".card", has_text=name).first.click()
    page.wait_for_selector(f".source h2:has-text('{name}')")


def test_a_word_document_is_read_at_its_place(page: Page, site: Server, shelf: str) -> None:
    _opened(page, site, "rules.docx")
    page.wait_for_selector("foveal-reading mark")
    assert page.inner_text("foveal-reading mark") == LEASH
    assert page.inner_text("foveal-reading h4, foveal-reading h3") == "Animals"
    inside = """() => { const box = document.querySelector('foveal-reading').getBoundingClientRect(),
        mark = document.querySelector('foveal-reading mark').getBoundingClientRect();
        return mark.top >= box.top && mark.bottom <= box.bottom; }"""
    assert page.evaluate(inside), "it is scrolled to"
    assert HOSTILE in page.inner_text("foveal-reading"), "what looks like markup is text"
    page.wait_for_function("() => document.querySelector('foveal-reading figure img').naturalWidth === 200")
    assert "Clause 2 is" not in page.inner_text("foveal-reading")
    page.get_by_role("button", name="Show what comes before").click()
    page.wait_for_function("() => document.querySelector('foveal-reading').textContent.includes('Clause 2 is')")
    assert page.evaluate("window.pwned") is None


def test_a_slide_is_drawn_with_the_passage_marked(page: Page, site: Server, shelf: str) -> None:
    _opened(page, site, "prices.pptx")
    page.wait_for_function("() => document.querySelector('.source .paper img')?.naturalWidth > 500")
    assert page.inner_text(".source header small").startswith("slide 1")
    page.wait_for_function("() => document.querySelector('.card .view.page img').naturalWidth > 500")
    address = page.locator(".source .paper img").get_attribute("src")
    reply = httpx.get(f"{site.address}{address}", trust_env=False)
    assert reply.headers["content-type"] == "image/svg+xml"
    assert "sandbox" in reply.headers["content-security-policy"]
    assert "forty euros" in reply.text
    assert 'stroke="#ff7a1a"' in reply.text
    assert "<img" not in reply.text
    page.goto(f"{site.address}{address}")
    assert page.evaluate("window.pwned") is None


def test_a_row_is_marked_in_its_table_under_its_head(page: Page, site: Server, shelf: str) -> None:
    _opened(page, site, "berths.csv")
    page.wait_for_selector("foveal-reading tr.marked")
    assert page.locator("foveal-reading tr.marked td").all_inner_texts() == ["B17", "Puffin 17", "59"]
    assert page.locator("foveal-reading tr.marked .count").inner_text() == "18"
    assert page.locator("foveal-reading thead th:not(.count)").all_inner_texts() == ["Berth", "Boat", "Fee"]
    _opened(page, site, "depths.xlsx")
    page.wait_for_selector("foveal-reading tr.marked")
    assert page.inner_text(".sheet-name") == "Depths"
    assert page.locator("foveal-reading tr.marked td").all_inner_texts() == ["Sandbank", "1 m"]


def test_markdown_is_read_at_its_heading(page: Page, site: Server, shelf: str) -> None:
    _opened(page, site, "bees.md")
    page.wait_for_selector("foveal-reading mark")
    assert page.inner_text("foveal-reading mark") == "A hive needs water within two hundred metres."
    assert page.inner_text("foveal-reading h4.cited") == "Water"
    assert page.locator("foveal-reading h3:not(.cited)").inner_text() == "Bees"


def test_a_document_that_is_gone_says_so(page: Page, site: Server, shelf: str) -> None:
    _open(page, site.address, INDEX, strictness=1)
    _ask(page, BERTH)
    page.route("**/chunks/*?q=*", lambda route: route.fulfill(status=404, json={"error": {"message": "gone"}}))
    page.locator(".card").first.click()
    page.wait_for_selector(".source .notice.bad")
    assert page.inner_text(".source .notice.bad") == "This was removed from your data since."


@pytest.mark.parametrize(
    ("device", "width", "height", "theme"), [("desktop", 1440, 900, "light"), ("phone", 390, 844, "dark")]
)
def test_opened_sources_have_no_serious_fault_of_accessibility(
    browser: Browser, site: Server, shelf: str, axe_source: str, device: str, width: int, height: int, theme: str
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": height}, locale="en", color_scheme=theme, reduced_motion="reduce"
    )
    page = context.new_page()
    SCREENS.mkdir(parents=True, exist_ok=True)
    for name, _ in QUESTIONS[:3]:
        _opened(page, site, name)
        page.wait_for_load_state("networkidle")
        page.screenshot(path=SCREENS / f"source-{name.partition('.')[2]}-{device}-{theme}.png")
        page.evaluate(axe_source)
        found = page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']})")
        serious = [
            (v["id"], v["nodes"][0]["html"]) for v in found["violations"] if v["impact"] in {"serious", "critical"}
        ]
        assert not serious
    context.close()
