"""The gallery while somebody types and scrolls: what is shown is what was asked for last."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from starlette.types import ASGIApp

from foveal.asgi import create_app
from foveal.testing.fakes_engine import FakeEngine, fake_chunk
from foveal.types.search import Query, SearchResult

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.xdist_group("web"), pytest.mark.timeout(600)]

Serve = Callable[[ASGIApp], str]
SHIPS = 300
MOST = 240


class SlowEngine(FakeEngine):
    """Answers the searches that `slow` is true of when `go` is set."""

    def __init__(self) -> None:
        ships = [fake_chunk(f"ship{n}.md", f"Ship {n} lies in the harbour.") for n in range(SHIPS)]
        super().__init__({"texts": [*ships, fake_chunk("ferry.md", "The ferry leaves at ten.")]})
        self.slow: Callable[[Query], bool] = lambda _: False
        self.waiting, self.go = threading.Event(), threading.Event()

    def search(self, index: str, query: Query) -> SearchResult:
        if self.slow(query):
            self.waiting.set()
            self.go.wait(60)
        return super().search(index, query)


@pytest.fixture
def engine() -> SlowEngine:
    return SlowEngine()


def _ask_anew_while_it_waits(page: Page, engine: SlowEngine) -> None:
    """While a search is held back: what is found by new words is shown, and still is when the other comes."""
    assert engine.waiting.wait(20)
    page.fill("#words", "ferry")
    expect(page.locator("#count")).to_have_text("1 found")
    with page.expect_request_finished(lambda request: request.url.endswith("/v1/indexes")):
        engine.go.set()
        page.evaluate("fetch('/v1/indexes')")
    expect(page.locator("#count")).to_have_text("1 found")


def test_what_lies_beyond_the_window_is_sought_when_somebody_goes_there(
    page: Page, engine: SlowEngine, serve: Serve
) -> None:
    engine.slow = lambda query: query.top == MOST  # it is also sought by itself after a while
    page.goto(f"{serve(create_app(engine))}/gallery?index=texts&q=harbour")
    expect(page.locator("#count")).to_have_text(re.compile(r"^The first \d+ found$"))
    shown = page.text_content(".cell[aria-posinset='1']")
    assert shown
    assert {query.top for _, query in engine.queries} != {MOST}
    page.evaluate("document.querySelector('#body').scrollTop = 1e6")
    engine.go.set()
    expect(page.locator("#count")).to_have_text(f"{MOST} found")
    page.locator(".cell >> nth=0").focus()
    page.keyboard.press("End")
    expect(page.locator(f".cell[aria-posinset='{MOST}']")).to_be_focused()
    page.keyboard.press("Home")
    expect(page.locator(".cell[aria-posinset='1']")).to_have_text(shown)
    assert [query.top for _, query in engine.queries].count(MOST) == 1


def test_an_answer_that_comes_late_is_not_shown_in_the_place_of_a_newer_one(
    page: Page, engine: SlowEngine, serve: Serve
) -> None:
    engine.slow = lambda query: query.text == "harbour"
    page.goto(f"{serve(create_app(engine))}/gallery?index=texts")
    page.wait_for_selector(".cell")
    page.fill("#words", "harbour")
    _ask_anew_while_it_waits(page, engine)
    expect(page.locator(".cell")).to_have_count(1)


def test_what_lies_beyond_the_window_never_takes_the_place_of_new_words(
    page: Page, engine: SlowEngine, serve: Serve
) -> None:
    engine.slow = lambda query: query.top == MOST
    page.goto(f"{serve(create_app(engine))}/gallery?index=texts&q=harbour")
    expect(page.locator("#count")).to_have_text(re.compile("^The first"))
    page.evaluate("document.querySelector('#body').scrollTop = 1e6")
    _ask_anew_while_it_waits(page, engine)
