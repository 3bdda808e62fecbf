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
SLOW_S = 1.0
"""Before each word of an answer: it is under way for as long as a busy machine needs."""


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


def _held(page: Page, pattern: str) -> Callable[[], None]:
    """Hold requests back until that is called."""
    waiting: list[Route] = []
    held = True

    def on_request(route: Route) -> None:
        if held:
            waiting.append(route)
        else:
            route.continue_()

    def go_on() -> None:
        nonlocal held
        held = False
        for route in waiting:
            route.continue_()

    page.route(pattern, on_request)
    return go_on


def test_a_question_that_is_asked_before_the_page_knows_its_data_is_answered(page: Page, address: str) -> None:
    go_on = _held(page, "**/v1/indexes")
    page.goto(address)
    page.fill("#question", "When does the harbour open?")
    page.press("#question", "Enter")
    expect(page.locator("#question")).to_have_value("When does the harbour open?")
    go_on()
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


def test_the_focus_stays_in_the_list_of_conversations_when_it_changes(
    page: Page, engine: FakeEngine, address: str
) -> None:
    _open(page, address, "texts")
    _ask(page, "When does the harbour open?")
    page.wait_for_selector(".past-open[aria-current]")
    page.get_by_role("button", name="New chat").click()
    engine.pause_s = SLOW_S
    _ask(page, "Is it open on Monday?")
    more = page.get_by_role("button", name="More on When does the harbour open?")
    more.press("Enter")
    engine.pause_s = 0
    expect(page.locator(".past-title")).to_have_text(["Is it open on Monday?", "When does the harbour open?"])
    expect(page.locator(".popover .option").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(more).to_be_focused()


def test_a_source_that_comes_late_does_not_take_the_focus(page: Page, address: str) -> None:
    _open(page, address, "texts")
    _ask(page, "When does the harbour open?")
    go_on = _held(page, "**/chunks/*?q=*")
    page.locator(".card").first.click()
    expect(page.locator(".source h2")).to_be_focused()
    page.locator("#question").press_sequentially("And wh")
    go_on()
    page.wait_for_selector(".source .kv")
    page.keyboard.type("en?")
    expect(page.locator("#question")).to_have_value("And when?")


def test_a_choice_by_keyboard_leaves_the_focus_where_it_was(page: Page, address: str) -> None:
    _open(page, address, "texts")
    chip = page.locator("[data-choice=strictness]")
    chip.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(chip).to_have_text("Strictness 4")
    expect(chip).to_be_focused()


def test_filters_are_offered_when_it_is_known_what_there_is(page: Page, engine: FakeEngine, serve: Serve) -> None:
    engine.indexes["texts"].append(fake_chunk("plan.pdf", "A plan.", media_type="application/pdf"))
    go_on = _held(page, "**/overview*")
    page.goto(f"{serve(create_app(engine))}/gallery?index=texts")
    page.wait_for_selector(".cell")
    expect(page.locator("#add-filter")).to_be_disabled()
    go_on()
    page.click("#add-filter")
    page.wait_for_selector(".builder .option")


def test_a_button_of_a_running_job_can_be_pressed_while_the_job_goes_on(page: Page, address: str) -> None:
    page.goto(f"{address}/jobs")
    page.wait_for_selector("#health li")
    same = page.evaluate("""async () => {
        const loaded = performance.getEntriesByType('resource').map(one => one.name);
        const { jobCard } = await import(loaded.find(name => name.endsWith('/progress.js')));
        const job = { id: 'one', kind: 'ingest', state: 'running', source: 'x', index: 'y', counts: {}, todo: 9 };
        const { card, draw } = jobCard({ ...job, done: 1 });
        document.querySelector('#running').append(card);
        const button = card.querySelector('button');
        button.focus();
        draw({ ...job, done: 2 });
        return card.querySelector('progress').value === 2 && document.activeElement === button;
    }""")
    assert same


def test_a_letter_that_goes_places_counts_from_the_last_g(page: Page, address: str) -> None:
    page.clock.install()
    page.goto(f"{address}/jobs")
    page.wait_for_selector("#health li")
    page.keyboard.press("g")
    page.keyboard.press("x")
    page.clock.run_for(1000)
    page.keyboard.press("g")
    page.clock.run_for(1000)
    page.keyboard.press("s")
    page.wait_for_url("**/settings")


def test_words_that_are_typed_before_the_gallery_knows_its_data_are_sought(page: Page, address: str) -> None:
    go_on = _held(page, "**/v1/indexes")
    page.goto(f"{address}/gallery")
    page.fill("#words", "harbour")
    go_on()
    page.wait_for_selector(".cell")
    expect(page.locator("#count")).to_contain_text("found")
    expect(page.locator("#words")).to_have_value("harbour")
    assert page.get_by_role("alert").count() == 0


def test_settings_cannot_be_changed_before_it_is_known_what_they_are(page: Page, address: str) -> None:
    go_on = _held(page, "**/v1/indexes")
    page.goto(f"{address}/settings")
    expect(page.locator("#settings")).to_have_attribute("inert", "")
    go_on()
    expect(page.locator("#settings")).not_to_have_attribute("inert", "")
    page.select_option("#in-mode", "keyword")
    page.reload()
    expect(page.locator("#in-mode")).to_have_value("keyword")
