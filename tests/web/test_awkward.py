"""Awkward places and things: plain http, tall pictures, long walks, a reload in the middle, a lost connection."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from playwright.sync_api import expect
from starlette.types import ASGIApp

from foveal.asgi import create_app
from foveal.testing.fakes_engine import FakeEngine, fake_chunk
from foveal.testing.fakes_keys import InMemoryApiKeys
from foveal.types.assets import MediaKind
from foveal.types.keys import KeyGrant, Role

from .environment import Server
from .test_bad_input import ANSWER, _ask
from .test_pages import _open
from .test_states import _days_and_places

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.xdist_group("web"), pytest.mark.timeout(600)]

Serve = Callable[[ASGIApp], str]
QUESTION = "When does the harbour open?"
SHIPS = 200
TALL = """async () => {
    const loaded = performance.getEntriesByType('resource').map(one => one.name);
    const { picture } = await import(loaded.find(name => name.endsWith('/picture.js')));
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [60, 1200];
    const shown = picture({ src: canvas.toDataURL(), alt: '' });
    document.querySelector('#source').append(shown);
    document.querySelector('#source').hidden = false;
    await shown.image.decode();
}"""
"""A picture twenty times as high as wide, in the panel of sources."""
INSIDE = """() => {
    const [mark, picture] = ['.question .marks', '.question .thumb img']
        .map(one => document.querySelector(one).getBoundingClientRect());
    return ['top', 'left', 'width', 'height'].every(side => Math.abs(mark[side] - picture[side]) < 1);
}"""
"""Boxes of a question are drawn on all of its picture and nothing else."""


@pytest.fixture
def engine() -> FakeEngine:
    ships = [fake_chunk(f"ship{n}.md", f"Ship {n} is made fast.") for n in range(SHIPS)]
    return FakeEngine({"texts": [fake_chunk("rules.md", ANSWER)], "ships": ships})


@pytest.fixture
def address(engine: FakeEngine, serve: Serve) -> str:
    return serve(create_app(engine))


def test_an_answer_is_copied_where_the_browser_has_no_clipboard_for_scripts(page: Page, address: str) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")  # as at http://server
    _open(page, address, "texts")
    _ask(page, QUESTION)
    page.get_by_role("button", name="Copy").click()
    expect(page.locator(".toast")).to_have_text("Copied.")
    page.locator("#question").focus()
    page.keyboard.press("Control+v")
    expect(page.locator("#question")).to_have_value(re.compile(r"^The harbour opens[\s\S]*\[1\] rules\.md$"))


def test_the_box_of_a_question_is_drawn_on_its_picture(page: Page, address: str, tmp_path: Path) -> None:
    Image.new("RGB", (90, 60), (200, 40, 40)).save(tmp_path / "red.png")
    _open(page, address, "texts")
    page.set_input_files("#files", tmp_path / "red.png")
    page.locator(".attachment .open").press("Enter")
    page.wait_for_selector("dialog foveal-picture.drawing")
    page.keyboard.press("Enter")
    page.wait_for_selector(".attachment .marks .hit")
    _ask(page, "What is this?")
    page.wait_for_function(INSIDE)


def test_a_tall_picture_is_seen_whole(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("[data-choice=data]")
    page.evaluate(TALL)
    page.wait_for_function("() => document.querySelector('#source .pic').clientHeight <= 0.73 * innerHeight")


def test_a_source_that_could_not_be_had_is_asked_for_again(page: Page, address: str) -> None:
    _open(page, address, "texts")
    _ask(page, QUESTION)
    page.route("**/chunks/*?q=*", lambda route: route.abort())
    page.locator(".card").first.click()
    expect(page.locator(".source").get_by_role("alert")).to_contain_text("Check the connection")
    page.unroute("**/chunks/*?q=*")
    page.get_by_role("button", name="Try again").press("Enter")
    page.wait_for_selector(".source .kv")


def test_arrows_walk_through_all_of_the_gallery(page: Page, address: str) -> None:
    page.goto(f"{address}/gallery?index=ships")
    page.wait_for_selector(".cell[data-filled]")
    page.locator(".cell").first.press("Enter")
    place = page.locator(".source header small")
    for n in range(1, 95):  # more than the page has fetched
        expect(place).to_have_text(f"source {n} of {SHIPS}")
        page.keyboard.press("ArrowRight")
    expect(page.locator(".cell[aria-expanded=true]")).to_be_in_viewport()
    assert page.get_by_role("button", name="Previous source").is_enabled()


def test_with_reduced_motion_everything_has_its_size_at_once(page: Page, address: str) -> None:
    """Not a frame later: who goes to the end of a list that just grew comes to its end."""
    page.goto(f"{address}/gallery?index=ships")
    page.wait_for_selector(".cell[data-filled]")
    grow = "grid => { grid.style.height = '54321px'; return grid.offsetHeight; }"
    assert page.locator("#grid").evaluate(grow) == 54321


def test_what_is_alike_is_still_looked_for_after_a_reload(page: Page, site: Server) -> None:
    page.goto(f"{site.address}/gallery?index=photos")
    page.locator(".cell[aria-label*='coffee.png']").click()
    page.get_by_role("link", name="Similar photos").click()
    found = page.locator("#count")
    expect(found).to_have_text("5 found")  # all there are, however little alike
    page.wait_for_url("**/gallery?*like=*")
    page.reload()
    expect(page.locator("#search-images .one")).to_have_count(1)
    expect(found).to_have_text("5 found")


def test_a_reader_is_not_shown_an_empty_place_for_words(page: Page, engine: FakeEngine, serve: Serve) -> None:
    engine.indexes["photos"] = [fake_chunk("a.jpg", "A pier.", kind=MediaKind.IMAGE, media_type="image/jpeg")]
    keys = InMemoryApiKeys()
    key = keys.create(KeyGrant(name="reader", role=Role.READER))[1]
    page.goto(f"{serve(create_app(engine, keys=keys))}/gallery?index=photos")
    page.fill("#key", key)
    page.press("#key", "Enter")
    page.locator(".cell[data-filled]").first.click()
    expect(page.locator(".source .kv")).to_contain_text("a.jpg")
    expect(page.locator(".source .kv")).not_to_contain_text("Your words")


def test_days_are_not_offered_on_the_map(page: Page, site: Server) -> None:
    page.route("**/overview*", _days_and_places)
    page.goto(f"{site.address}/gallery?index=photos")
    page.wait_for_selector("#days:not([hidden])")
    page.get_by_role("button", name="Map of places").click()
    page.wait_for_selector("#map svg")
    expect(page.locator("#days")).to_be_hidden()


def test_taking_the_defaults_is_undone_together_with_the_chat(page: Page, address: str) -> None:
    _open(page, address, "texts", strictness=2)
    _ask(page, QUESTION)
    page.wait_for_selector(".past-open[aria-current]")
    page.goto(f"{address}/settings")
    page.wait_for_selector("#in-data li b")
    page.click("#defaults")
    expect(page.locator(".toast")).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("[name=strictness]:checked")).to_have_value("2")
    page.get_by_role("link", name="Back to the chat").click()
    expect(page.locator(".question")).to_have_text([QUESTION])


def test_on_a_phone_an_empty_question_takes_one_line(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="de")
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("[data-choice=data]")
    assert page.locator("#question").bounding_box()["height"] < 45  # type: ignore[index]
    context.close()
