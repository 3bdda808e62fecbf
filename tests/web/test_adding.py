"""Adding data step by step, and the page of jobs, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import expect

from .environment import Server
from .test_pages import _ask, _open, _tab_to

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.xdist_group("web"), pytest.mark.timeout(600)]

READING_MS = 120_000
WORDS = {"red.png": "A lighthouse painted on a red wall.", "green.png": "The garden gate of the old mill."}


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    files = []
    for name, color in (("red.png", (200, 30, 30)), ("green.png", (30, 140, 60))):
        image = Image.new("RGB", (320, 240), color)
        ImageDraw.Draw(image).ellipse((60, 40, 260, 200), fill=(240, 240, 220))
        image.save(tmp_path / name)
        files.append(tmp_path / name)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing behind it")
    return [*files, tmp_path / "broken.png"]


def _next(page: Page) -> None:
    _tab_to(page, "#next")
    page.keyboard.press("Enter")


def test_two_pictures_are_sent_described_read_and_asked_about_by_keyboard(
    page: Page, site: Server, pictures: list[Path]
) -> None:
    page.goto(f"{site.address}/add")
    page.wait_for_selector(".kinds")
    _next(page)
    page.wait_for_selector("#files", state="attached")
    page.fill("#in-index", "sent")
    page.set_input_files("#files", pictures)
    page.wait_for_selector("#next:not([disabled])")
    _next(page)
    page.wait_for_selector(".cards .card")
    for name, words in WORDS.items():
        page.get_by_label(f"What {name} shows").fill(words)
    page.reload()  # leaving and coming back loses nothing
    assert page.get_by_label("What red.png shows").input_value() == WORDS["red.png"]
    _next(page)
    page.wait_for_selector(".figures")
    assert "nothing is paid for" in page.inner_text("#step")
    _next(page)
    page.wait_for_selector("text=uploads-sent")
    _next(page)
    page.wait_for_selector("#ready", timeout=READING_MS)
    assert "2 added" in page.inner_text(".job")
    assert "broken.png" in page.inner_text(".job .failures")
    page.keyboard.press("Enter")  # "Ask about it" has the focus
    page.wait_for_url(f"{site.address}/")
    page.wait_for_selector("[data-choice=data]")
    assert "sent" in page.inner_text("[data-choice=data]")
    _ask(page, "Where is the lighthouse?")
    page.locator(".card").first.click()
    page.wait_for_selector(".source .kv")
    assert WORDS["red.png"] in page.inner_text(".source .person")


def test_jobs_say_what_ran_what_failed_and_what_works_here(page: Page, site: Server) -> None:
    page.goto(f"{site.address}/jobs")
    page.wait_for_selector("#health li")
    page.locator("#earlier .job").nth(1).wait_for()
    expect(page.locator("#indexes")).to_contain_text("photos")
    assert page.locator("#health .lamp.on").count() >= 3


def test_a_place_that_cannot_be_read_is_told_and_not_kept(page: Page, site: Server, tmp_path: Path) -> None:
    page.goto(f"{site.address}/add")
    page.wait_for_selector(".kinds")
    page.get_by_text("A folder of the server").click()
    _next(page)
    page.wait_for_selector("#in-path")
    page.fill("#in-name", "nowhere")
    page.fill("#in-index", "nowhere")
    page.fill("#in-path", str(tmp_path / "nowhere"))
    _next(page)
    page.wait_for_selector(".notice.bad:not([hidden])")
    _open(page, site.address)
    page.goto(f"{site.address}/jobs")
    page.wait_for_selector("#sources li")
    assert "nowhere" not in page.inner_text("#sources")


JOBS = "fetch('/v1/jobs').then(r => r.json()).then(b => b.jobs.map(one => one.saved_source))"
ALL_SHOWN = """() => { const all = [...document.querySelectorAll('.cards .card img')];
    return all.length === 2 && all.every(one => one.naturalWidth === 320); }"""


def test_nothing_is_read_before_its_cost_was_seen_and_coming_back_finds_everything(
    page: Page, site: Server, pictures: list[Path], tmp_path: Path
) -> None:
    """S10: descriptions out of a file start nothing. W2: pictures, words and what runs are there after a reload."""
    (tmp_path / "metadata.csv").write_text(f"image_blob_path,description\nred.png,{WORDS['red.png']}\n")
    page.goto(f"{site.address}/add")
    page.wait_for_selector(".kinds")
    page.click("#next")
    page.wait_for_selector("#files", state="attached")
    page.fill("#in-index", "later")
    long = pictures[1].rename(tmp_path / f"{'a name that somebody made of a whole sentence ' * 4}.png")
    page.set_input_files("#files", [pictures[0], long])
    page.wait_for_selector("#next:not([disabled])")
    page.click("#next")
    page.wait_for_function(ALL_SHOWN)
    page.set_input_files("#metadata", tmp_path / "metadata.csv")
    expect(page.get_by_label("What red.png shows")).to_have_value(WORDS["red.png"])
    assert "uploads-later" not in page.evaluate(JOBS)
    page.reload()
    page.wait_for_function(ALL_SHOWN)
    assert page.locator(".cards .card").last.bounding_box()["height"] < 420  # type: ignore[index]
    page.click("#next")
    page.wait_for_selector(".figures")
    assert "uploads-later" not in page.evaluate(JOBS)
    page.click("#next")
    page.wait_for_selector("text=uploads-later")
    page.click("#next")
    page.wait_for_selector(".job")
    page.reload()
    page.wait_for_selector("#ready", timeout=READING_MS)
    assert page.locator("#next").count() == 0
    assert page.evaluate(JOBS).count("uploads-later") == 1
    page.get_by_role("link", name="Gallery").last.click()
    expect(page.locator("#index")).to_have_text("later")


def test_a_step_that_cannot_be_shown_says_so_and_the_page_stays_as_it_is(
    page: Page, site: Server, pictures: list[Path]
) -> None:
    page.goto(f"{site.address}/add")
    page.wait_for_selector(".kinds")
    page.click("#next")
    page.wait_for_selector("#files", state="attached")
    page.fill("#in-index", "stays")
    page.set_input_files("#files", pictures[:1])
    page.wait_for_selector("#next:not([disabled])")
    page.click("#next")
    page.wait_for_selector(".cards .card")
    page.route("**/v1/files?*", lambda route: route.abort())
    page.get_by_role("button", name="Back").click()
    page.get_by_role("alert").wait_for()
    expect(page.locator("#steps [aria-current]")).to_contain_text("Descriptions")
    page.unroute("**/v1/files?*")
    page.get_by_role("button", name="Back").click()
    page.wait_for_selector("#files", state="attached")
    expect(page.locator("#steps [aria-current]")).to_contain_text("Connection")
