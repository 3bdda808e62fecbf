"""What goes wrong while somebody uses the pages: it is said, nothing is lost, and it goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from foveal.asgi import create_app
from foveal.testing.fakes_engine import FakeEngine, fake_chunk

from .environment import Server
from .test_pages import _open

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = [pytest.mark.xdist_group("web"), pytest.mark.timeout(600)]

Serve = Callable[[ASGIApp], str]
KEY = "a-key-of-the-settings"
ANSWER = "The harbour opens at nine in the morning and closes at six in the evening, every day but Monday."
LARGE_BYTES = 11 * 2**20
QUESTIONS = """async () => {
    const read = path => fetch(path).then(reply => reply.json());
    const { conversations } = await read('/v1/conversations');
    const all = await Promise.all(conversations.map(one => read(`/v1/conversations/${one.id}`)));
    return all.map(one => one.items.filter(item => item.role === 'user').map(item => item.content));
}"""
"""The questions of every conversation that is kept, newest conversation first."""
LISTED = "() => document.querySelector('#past-empty').textContent || document.querySelector('.past-open')"
"""The conversations that are kept are shown, or that there are none."""


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine({"texts": [fake_chunk("rules.md", ANSWER)]})


def _ask(page: Page, question: str) -> None:
    turns = page.locator(".turn").count()
    page.fill("#question", question)
    page.press("#question", "Enter")
    expect(page.locator(".turn")).to_have_count(turns + 1)


def _sign_in(page: Page) -> None:
    page.fill("#key", KEY)
    page.press("#key", "Enter")
    page.wait_for_selector(".turn, .try")
    page.wait_for_function(LISTED)  # from here on the page asks the server nothing by itself


def _to_files(page: Page, address: str, index: str) -> None:
    page.goto(f"{address}/add")
    page.wait_for_selector(".kinds")
    page.click("#next")
    page.wait_for_selector("#files", state="attached")
    page.fill("#in-index", index)


def test_files_of_no_use_are_refused_one_by_one_with_the_reason(page: Page, site: Server, tmp_path: Path) -> None:
    (tmp_path / "tool.exe").write_bytes(b"MZ\x90\x00" + bytes(4000))
    (tmp_path / "huge.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(17 * 2**20))
    (tmp_path / "notes.txt").write_text("The ferry leaves at ten.")
    _to_files(page, site.address, "refusing")
    page.set_input_files("#files", [tmp_path / "tool.exe", tmp_path / "huge.png", tmp_path / "notes.txt"])
    refused = page.locator(".files .bad")
    expect(refused).to_have_count(2, timeout=60_000)
    assert "tool.exe" in " ".join(refused.all_inner_texts())
    assert "huge.png" in " ".join(refused.all_inner_texts())
    assert "16 MB" in refused.filter(has_text="huge.png").inner_text()
    expect(page.locator(".files li:not(.bad)")).to_have_count(1)
    assert page.locator("#next").is_enabled()


def test_a_large_file_goes_on_where_the_connection_was_lost(page: Page, site: Server, tmp_path: Path) -> None:
    file = tmp_path / "log.txt"
    line = b"The ferry leaves the harbour at ten.\n"
    file.write_bytes((line * (LARGE_BYTES // len(line) + 1))[:LARGE_BYTES])
    sent: list[int] = []
    broken: list[int] = []

    def piece(route: Route) -> None:
        if route.request.method != "PATCH":
            route.continue_()
            return
        sent.append(int(route.request.headers["upload-offset"]))
        if len(sent) == 2:
            broken.append(sent[-1])
            route.abort("connectionreset")
            return
        route.continue_()

    _to_files(page, site.address, "resuming")
    page.route("**/v1/files/resumable/**", piece)
    page.evaluate("""() => { window.said = ''; const step = document.querySelector('#step');
        new MutationObserver(() => { window.said += step.innerText; })
            .observe(step, {childList: true, subtree: true}); }""")
    page.set_input_files("#files", file)
    page.wait_for_selector("#next:not([disabled])", timeout=60_000)
    assert "No connection. It goes on by itself" in page.evaluate("window.said")
    piece_bytes = 4 * 2**20
    assert broken == [piece_bytes]
    assert sent == [0, piece_bytes, piece_bytes, 2 * piece_bytes]  # nothing is sent twice that had arrived
    assert "log.txt" in page.inner_text(".files")
    files = page.evaluate("fetch('/v1/files?source=uploads-resuming').then(r => r.json()).then(b => b.files)")
    assert [(one["name"], one["size_bytes"]) for one in files] == [("log.txt", LARGE_BYTES)]


class Cutting:
    """Hangs up in the middle of the first answer, once it is told to."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.told = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def cut(message: Message) -> None:
            if self.told.is_set() and b'"block"' in message.get("body", b""):
                self.told.clear()
                raise ConnectionResetError
            await send(message)

        await self.app(scope, receive, cut if scope["type"] == "http" and scope["path"] == "/v1/chat" else send)


def test_an_answer_that_is_cut_off_is_kept_and_can_be_asked_for_again(
    page: Page, engine: FakeEngine, serve: Serve
) -> None:
    engine.turns = threading.Semaphore(2)
    app = Cutting(create_app(engine))
    _open(page, serve(app), "texts")
    _ask(page, "When does the harbour open?")
    expect(page.locator(".prose")).to_contain_text("The harbour")
    app.told.set()
    engine.turns.release(1000)
    alert = page.get_by_role("alert")
    alert.wait_for()
    assert "connection" in alert.inner_text().lower()
    assert page.inner_text(".prose").startswith("The harbour")
    page.wait_for_selector(".past-open[aria-current]")
    page.reload()
    page.wait_for_selector(".prose")
    assert page.inner_text(".prose").startswith("The harbour")
    page.get_by_role("button", name="Try again").press("Enter")
    expect(page.locator(".prose")).to_contain_text("every day but Monday")
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.locator(".turn")).to_have_count(1)


def test_two_tabs_on_one_conversation_lose_nothing(page: Page, engine: FakeEngine, serve: Serve) -> None:
    address = serve(create_app(engine))
    _open(page, address, "texts")
    _ask(page, "When does the harbour open?")
    page.wait_for_selector(".past-open[aria-current]")
    other = page.context.new_page()
    other.goto(address)
    other.click(".past-open")
    other.wait_for_selector(".turn .acts")
    _ask(page, "First tab: when does the harbour close?")
    expect(page.locator(".acts")).to_have_count(2)
    page.wait_for_function(f"async () => (await ({QUESTIONS})())[0].length === 2", polling=200)
    _ask(other, "Second tab: is the harbour open on Monday?")
    other.wait_for_selector(".toast")
    assert "another" in other.inner_text(".toast").lower()
    expect(other.locator(".past-item")).to_have_count(2)
    kept = page.evaluate(QUESTIONS)
    assert ["When does the harbour open?", "First tab: when does the harbour close?"] in kept
    assert ["When does the harbour open?", "Second tab: is the harbour open on Monday?"] in kept


def test_an_expired_sign_in_leads_back_to_where_one_was(page: Page, engine: FakeEngine, serve: Serve) -> None:
    address = serve(create_app(engine, api_keys=[KEY]))
    page.goto(address)
    page.wait_for_url("**/sign-in?next=%2F")
    _sign_in(page)
    _ask(page, "When does the harbour open?")
    page.wait_for_selector(".past-open[aria-current]")  # it is kept: nothing else asks the server by itself
    page.context.clear_cookies()
    page.fill("#question", "And when does it close?")
    page.press("#question", "Enter")
    page.wait_for_url("**/sign-in?next=%2F")
    _sign_in(page)
    expect(page.locator(".question")).to_have_text(["When does the harbour open?", "And when does it close?"])


def test_what_is_being_written_is_still_there_after_signing_in_again(
    page: Page, engine: FakeEngine, serve: Serve
) -> None:
    address = serve(create_app(engine, api_keys=[KEY]))
    page.goto(address)
    _sign_in(page)
    page.fill("#question", "When does the harb")
    page.context.clear_cookies()
    page.reload()
    page.wait_for_url("**/sign-in?next=%2F")
    _sign_in(page)
    expect(page.locator("#question")).to_have_value("When does the harb")
    page.press("#question", "Enter")
    page.wait_for_selector(".acts")
    page.reload()
    page.wait_for_selector(".acts")
    expect(page.locator("#question")).to_have_value("")


def test_a_key_cannot_be_typed_before_it_is_safe(page: Page, engine: FakeEngine, serve: Serve) -> None:
    address = serve(create_app(engine, api_keys=[KEY]))
    page.route("**/static/sign-in*.js*", lambda route: route.abort())
    page.goto(f"{address}/sign-in")
    expect(page.locator("#key")).to_be_hidden()


def test_a_question_is_still_there_when_the_page_is_reloaded_before_its_answer(
    page: Page, engine: FakeEngine, serve: Serve
) -> None:
    engine.pause_s = 5.0
    _open(page, serve(create_app(engine)), "texts")
    _ask(page, "When does the harbour open?")
    page.reload()
    expect(page.locator(".question")).to_have_text("When does the harbour open?")
    engine.pause_s = 0.0
    page.get_by_role("button", name="Answer again").click()
    expect(page.locator(".turn .prose").first).to_contain_text("harbour")


def test_an_index_that_is_deleted_meanwhile_is_told(page: Page, engine: FakeEngine, serve: Serve) -> None:
    address = serve(create_app(engine))
    _open(page, address, "texts")
    _ask(page, "When does the harbour open?")
    page.wait_for_selector(".acts")
    gallery = page.context.new_page()
    gallery.goto(f"{address}/gallery?index=texts")
    gallery.wait_for_selector(".cell")
    del engine.indexes["texts"]
    _ask(page, "And when does it close?")
    page.get_by_role("alert").wait_for()
    assert "texts" in page.get_by_role("alert").inner_text()
    page.locator(".turn").first.locator(".card").first.click()
    page.wait_for_selector(".source .notice.bad")
    gallery.fill("#words", "harbour")
    gallery.get_by_role("alert").wait_for()
    assert "texts" in gallery.get_by_role("alert").inner_text()


def test_a_link_to_what_is_not_shared_shows_nothing_and_says_so(page: Page, engine: FakeEngine, serve: Serve) -> None:
    address = serve(create_app(engine))
    page.goto(f"{address}/shared/somebody-elses")
    page.get_by_role("alert").wait_for()
    assert page.locator(".turn").count() == 0
