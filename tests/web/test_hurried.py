"""People who do the next thing before the last one is done: nothing they asked, wrote or kept is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from playwright.sync_api import expect
from starlette.types import ASGIApp

from foveal.asgi import create_app
from foveal.testing.fakes_engine import FakeEngine, fake_chunk

from .test_bad_input import ANSWER, QUESTIONS, _ask
from .test_pages import _open

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = [pytest.mark.xdist_group("web"), pytest.mark.timeout(600)]

Serve = Callable[[ASGIApp], str]
SLOW_S = 0.3
"""Before each word of an answer: it is under way for some seconds."""


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine({"texts": [fake_chunk("rules.md", ANSWER)]})


@pytest.fixture
def address(engine: FakeEngine, serve: Serve) -> str:
    return serve(create_app(engine))


def _kept(page: Page, conversations: list[list[str]]) -> None:
    """Wait until exactly these questions are kept, newest conversation first."""
    wanted = json.dumps(conversations, separators=(",", ":"))
    page.wait_for_function(f"async wanted => JSON.stringify(await ({QUESTIONS})()) === wanted", arg=wanted, polling=200)


def test_a_question_that_is_asked_before_the_page_knows_its_data_is_answered(page: Page, address: str) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/v1/indexes", hold)
    page.goto(address)
    page.fill("#question", "When does the harbour open?")
    page.press("#question", "Enter")
    expect(page.locator("#question")).to_have_value("When does the harbour open?")
    for route in held:
        route.continue_()
    expect(page.locator(".prose")).to_contain_text("The harbour opens")
    expect(page.locator(".question")).to_have_text(["When does the harbour open?"])


def test_what_is_kept_is_not_overwritten_after_settings_began_the_chat_anew(page: Page, address: str) -> None:
    _open(page, address, "texts")
    _ask(page, "When does the harbour open?")
    page.wait_for_selector(".past-open[aria-current]")
    page.goto(f"{address}/settings")
    page.locator(".level").nth(1).click()
    page.wait_for_selector(".toast")
    page.get_by_role("link", name="Back to the chat").click()
    page.wait_for_selector("[data-choice=data]")
    _ask(page, "Is it open on Monday?")
    _kept(page, [["Is it open on Monday?"], ["When does the harbour open?"]])


def test_enter_while_an_answer_comes_does_not_stop_it(page: Page, engine: FakeEngine, address: str) -> None:
    engine.pause_s = SLOW_S
    _open(page, address, "texts")
    _ask(page, "When does the harbour open?")
    page.fill("#question", "And when does it close?")
    page.press("#question", "Enter")
    engine.pause_s = 0
    expect(page.locator(".prose").first).to_contain_text("every day but Monday")
    expect(page.locator("#question")).to_have_value("And when does it close?")


def test_a_chat_that_begins_anew_while_an_answer_comes_loses_nothing(
    page: Page, engine: FakeEngine, address: str
) -> None:
    engine.pause_s = SLOW_S
    _open(page, address, "texts")
    _ask(page, "When does the harbour open?")
    page.wait_for_selector(".prose.streaming")
    page.get_by_role("button", name="New chat").click()
    expect(page.locator(".turn")).to_have_count(0)
    _kept(page, [["When does the harbour open?"]])
    engine.pause_s = 0
    _ask(page, "Is it open on Monday?")
    _kept(page, [["Is it open on Monday?"], ["When does the harbour open?"]])


def test_an_earlier_question_is_changed_while_an_answer_comes(page: Page, engine: FakeEngine, address: str) -> None:
    _open(page, address, "texts")
    _ask(page, "When does the harbour open?")
    page.wait_for_selector(".acts")
    engine.pause_s = SLOW_S
    _ask(page, "And when does it close?")
    page.wait_for_selector(".turn:last-child .prose.streaming")
    page.get_by_role("button", name="Change the question").first.click()
    engine.pause_s = 0
    expect(page.locator(".turn")).to_have_count(0)
    page.fill("#question", "When does the harbour close?")
    page.press("#question", "Enter")
    expect(page.locator(".prose")).to_contain_text("every day but Monday")
    expect(page.locator("#send")).to_have_text("Ask")


def test_a_picture_that_is_still_being_read_goes_with_its_question(page: Page, address: str, tmp_path: Path) -> None:
    Image.new("RGB", (60, 40), (200, 40, 40)).save(tmp_path / "noise.png")
    _open(page, address, "texts")
    page.evaluate("""() => { const { decode } = Image.prototype; Image.prototype.decode = function () {
        return new Promise(done => { window.decoded = done; }).then(() => decode.call(this)); }; }""")
    page.fill("#question", "What is this?")
    page.set_input_files("#files", tmp_path / "noise.png")
    page.press("#question", "Enter")
    page.wait_for_function("() => Boolean(window.decoded)")
    page.evaluate("window.decoded()")
    expect(page.locator(".question .thumbs img")).to_have_count(1)
