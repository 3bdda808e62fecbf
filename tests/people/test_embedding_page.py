"""The chat in a frame of another site, in a real browser: shown where it may be, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from starlette.types import ASGIApp

from foveal.api.native.embed import Embedding
from foveal.asgi import create_app
from foveal.testing.fakes_engine import FakeEngine

from .test_pages import NewPage, axe, browser, faults_of, new_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Frame, Page

__all__ = ["axe", "browser", "new_page"]
pytestmark = pytest.mark.xdist_group("web")

QUESTION = "dogs on the beach"


@pytest.fixture
def other_site() -> Iterator[Callable[[str], str]]:
    """A site of another origin whose only page loads the widget of a server; gives its address."""
    servers: list[ThreadingHTTPServer] = []

    def made(server: str) -> str:
        page = (
            "<!doctype html><html lang=en><title>Intranet</title><main><h1>Intranet</h1><p>Welcome.</p></main>"
            f"<script src='{server}/embed.js' data-label='Ask us' data-title='Questions' async></script>"
        ).encode()

        class Pages(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/html")
                self.send_header("content-length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, *_: object) -> None:
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Pages))
        Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://localhost:{servers[-1].server_address[1]}"

    yield made
    for one in servers:
        one.shutdown()
        one.server_close()


def _shown(page: Page) -> Frame:
    page.wait_for_selector("iframe", state="attached")
    page.get_by_role("button", name="Ask us").press("Enter")
    page.wait_for_function("() => document.querySelector('iframe').getBoundingClientRect().height > 100")
    page.wait_for_load_state("networkidle")
    return page.frames[1]


def test_a_site_that_is_named_shows_the_chat_and_a_visitor_asks_by_keyboard(
    engine: FakeEngine,
    serve: Callable[[ASGIApp], str],
    other_site: Callable[[str], str],
    new_page: NewPage,
    axe: str,
) -> None:
    address = serve(create_app(engine))
    site = other_site(address)
    serve(create_app(engine, api_keys=["owner"], embedding=Embedding(origins=(site,), indexes=("photos",))))
    page = new_page()
    page.goto(site)
    frame = _shown(page)
    question = frame.locator("#question")
    for _ in range(12):
        if question.evaluate("field => field === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(question).to_be_focused()
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    expect(frame.locator(".prose")).to_contain_text("Two dogs")
    expect(frame.locator(".card img")).to_have_attribute("src", re.compile(r"[?&]pass="))
    frame.locator(".prose .cite").press("Enter")
    expect(frame.get_by_role("dialog")).to_contain_text("dogs.jpg")
    frame.locator("dialog[open] button").press("Enter")
    expect(frame.get_by_role("dialog")).to_have_count(0)
    assert not faults_of(page, axe)
    page.get_by_role("button", name="Ask us").press("Escape")
    expect(page.locator("#foveal-chat")).to_be_hidden()


def test_any_other_site_shows_nothing_of_it(
    engine: FakeEngine, serve: Callable[[ASGIApp], str], other_site: Callable[[str], str], browser: Browser
) -> None:
    address = serve(create_app(engine))
    site = other_site(address)
    serve(create_app(engine, api_keys=["owner"], embedding=Embedding(origins=("https://intranet.example",))))
    page = browser.new_page()  # not one of those that fail when a policy is broken
    page.goto(site)
    with page.expect_console_message(lambda said: "frame-ancestors https://intranet.example" in said.text):
        frame = _shown(page)
    assert frame.locator("#question").count() == 0
    policy = page.request.get(f"{address}/").headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    page.close()
