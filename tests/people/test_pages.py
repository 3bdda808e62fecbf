"""History, sharing and sign-in in a real browser, with a real provider of OpenID Connect."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
import pytest
from playwright.sync_api import expect
from starlette.types import ASGIApp

from foveal.asgi import create_app
from foveal.errors import StoreError
from foveal.identity.openid import OpenIdClient, OpenIdProvider
from foveal.testing.fakes_engine import FakeEngine
from foveal.types.people import Account

from .conftest import DOGS
from .provider import API, running
from .test_identity import RULES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.xdist_group("web")

PASSWORD = "correct horse battery"
QUESTION = "What merger does the board plan?"
SCREENS = Path(__file__).parents[2] / "out" / "screens"
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
AXE = "axe-core@4.10.3"
WAIT_MS = 30_000
"""How long a page may take for one step, on a busy machine."""
NewPage = Callable[..., "Page"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import Error, sync_playwright

    expect.set_options(timeout=WAIT_MS)
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next((found for name in names if (found := shutil.which(name))), None)
    with sync_playwright() as playwright:
        try:
            running_ = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        except Error as error:
            pytest.skip(f"there is no Chromium here: {error.message[:200]}")
        yield running_
        running_.close()


@pytest.fixture
def new_page(browser: Browser) -> Iterator[NewPage]:
    """Pages of people of their own; fails when a script fails or the policy is broken."""
    faults: list[str] = []
    opened = []

    def made(**more: object) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 860}, "locale": "en", **more})
        opened.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None)
        return page

    yield made
    for context in opened:
        context.close()
    assert not faults


@pytest.fixture(scope="module")
def axe() -> str:
    folder = platformdirs.user_cache_path("foveal-tests", appauthor=False) / AXE
    file = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not file.is_file():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("axe-core needs npm")
        folder.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", AXE, "--no-audit", "--no-fund", "--prefix", folder]
        if subprocess.run(command, check=False, capture_output=True, timeout=110).returncode:
            pytest.skip("axe-core cannot be had from npm")
    return file.read_text("utf-8")


def faults_of(page: Page, axe: str) -> list[str]:
    """What axe calls serious. It is put in through the debugger: the page's own policy refuses it."""
    session = page.context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": axe})
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]}
    found = page.evaluate("options => axe.run(document, options)", options)
    serious = [v for v in found["violations"] if v["impact"] in {"serious", "critical"}]
    return [f"{v['id']}: {[n['html'][:160] for n in v['nodes']]}" for v in serious]


@contextmanager
def screens(page: Page, name: str) -> Iterator[None]:
    """Pictures of a page for the eyes, where they are asked for."""
    yield
    if os.environ.get("SCREENS"):
        SCREENS.mkdir(parents=True, exist_ok=True)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=SCREENS / f"{name}-{scheme}.png")
        page.set_viewport_size({"width": 390, "height": 844})
        page.screenshot(path=SCREENS / f"{name}-phone.png")
        page.set_viewport_size({"width": 1280, "height": 860})


@pytest.fixture
def address(engine: FakeEngine, serve: Callable[[ASGIApp], str]) -> str:
    return serve(create_app(engine, link_secret=b"s" * 32))


def chosen(page: Page, address: str, index: str) -> None:
    page.goto(f"{address}/sign-in")
    page.evaluate("o => localStorage.setItem('foveal.options', o)", json.dumps({"indexes": [index]}))


def ask(page: Page, question: str) -> None:
    page.fill("#question", question)
    page.keyboard.press("Enter")
    page.wait_for_selector(".turn:last-child .acts")


def titles(page: Page) -> list[str]:
    return page.locator(".past-title").all_inner_texts()


def test_a_conversation_is_kept_renamed_and_deleted_by_keyboard_alone(
    engine: FakeEngine, address: str, new_page: NewPage, axe: str
) -> None:
    page = new_page()
    chosen(page, address, "photos")
    page.goto(address)
    ask(page, "dogs on the beach")
    page.wait_for_selector(".past-open[aria-current]")
    assert titles(page) == ["dogs on the beach"]
    page.reload()
    page.wait_for_selector(".past-open[aria-current]")
    ask(page, "dogs again")
    page.wait_for_function(
        "() => fetch('/v1/conversations').then(r => r.json()).then(b => b.conversations[0].messages === 4)"
    )
    assert len(titles(page)) == 1  # the same conversation goes on after a reload
    with screens(page, "history"):
        assert not faults_of(page, axe)

    page.focus(".past-item button.icon")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")  # the first choice: rename
    page.wait_for_selector("dialog[open] input")
    page.keyboard.type("<img src=x onerror=alert(1)>")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]", state="detached")
    expect(page.locator(".past-title")).to_have_text("<img src=x onerror=alert(1)>")

    page.fill("#past-search", "beach")
    page.wait_for_selector(".past-excerpt")
    page.fill("#past-search", "zebra")
    expect(page.locator("#past-empty")).to_have_text("No conversation has these words.")
    page.fill("#past-search", "")
    page.wait_for_selector(".past-item button.icon")

    page.focus(".past-item button.icon")
    page.keyboard.press("Enter")
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")  # delete
    page.wait_for_selector("dialog[open]")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".past-item")).to_have_count(0)
    assert page.locator(".turn").count() == 0
    assert page.evaluate("fetch('/v1/conversations').then(r => r.json()).then(b => b.conversations.length)") == 0


def test_a_conversation_opens_again_with_what_was_removed_shown_as_removed(
    engine: FakeEngine, address: str, new_page: NewPage
) -> None:
    page = new_page()
    chosen(page, address, "photos")
    page.goto(address)
    ask(page, "dogs on the beach")
    page.wait_for_selector(".past-open[aria-current]")
    page.evaluate("sessionStorage.clear()")
    engine.indexes["photos"] = []
    page.reload()
    page.click(".past-open")
    page.wait_for_selector(".card.gone")
    assert "Removed since" in page.inner_text(".card.gone")
    assert page.locator(".cite").count() == 0
    assert "dogs.jpg" in page.inner_text(".card.gone")


def test_chat_goes_on_while_the_history_is_down_and_is_kept_afterwards(
    engine: FakeEngine, address: str, new_page: NewPage
) -> None:
    page = new_page()
    chosen(page, address, "photos")
    page.goto(address)
    page.wait_for_selector("#past:not([hidden])")
    engine.conversations.failure = StoreError("Gone.")
    ask(page, "dogs on the beach")
    page.wait_for_selector("#past-down:not([hidden])")
    assert "Asking goes on" in page.inner_text("#past-down")
    assert "dogs" in page.inner_text(".prose")
    engine.conversations.failure = None
    ask(page, "dogs again")
    page.wait_for_selector(".past-open[aria-current]")
    assert page.locator("#past-down").is_hidden()
    kept = page.evaluate(
        "fetch('/v1/conversations').then(r => r.json()).then(b => b.conversations.map(c => c.messages))"
    )
    assert kept == [4]


def test_an_answer_is_rated_with_a_reason(engine: FakeEngine, address: str, new_page: NewPage, axe: str) -> None:
    page = new_page()
    chosen(page, address, "photos")
    page.goto(address)
    ask(page, "dogs on the beach")
    page.click('[data-rating="down"]')
    page.check('input[value="incomplete"]')
    page.fill("#feedback-comment", "Which beach?")
    assert not faults_of(page, axe)
    page.click("dialog[open] .button:not(.plain)")
    page.wait_for_selector('[data-rating="down"][aria-pressed="true"]')
    (said,) = engine.people.feedback.entries()
    assert (said.rating, said.reasons, said.comment) == ("down", ("incomplete",), "Which beach?")
    assert said.citations == (f"photos/{DOGS.chunk_id}",)
    page.click('[data-rating="down"]')
    page.wait_for_selector('[data-rating="down"][aria-pressed="false"]')
    assert engine.people.feedback.entries() == []


def test_an_answer_is_rated_and_shared_by_keyboard_alone(
    engine: FakeEngine, address: str, new_page: NewPage, axe: str
) -> None:
    page = new_page(permissions=["clipboard-read", "clipboard-write"])
    chosen(page, address, "photos")
    page.goto(address)
    ask(page, "dogs on the beach")
    page.wait_for_selector(".past-open[aria-current]")
    _walk_to(page, '[data-rating="down"]')
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    assert page.evaluate("document.activeElement.closest('dialog') !== null")
    _walk_to(page, 'input[value="wrong"]')
    page.keyboard.press("Space")
    _walk_to(page, "#feedback-comment")
    page.keyboard.type("They are wolves.")
    _walk_to(page, "dialog[open] .button:not(.plain)")
    page.keyboard.press("Enter")
    page.wait_for_selector('[data-rating="down"][aria-pressed="true"]')
    (said,) = engine.people.feedback.entries()
    assert (said.reasons, said.comment) == (("wrong",), "They are wolves.")
    assert page.evaluate("document.activeElement.dataset.rating") == "down"

    _walk_to(page, ".acts button[title='Share this conversation']")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    _walk_to(page, "dialog[open] .button:not(.plain)")
    page.keyboard.press("Enter")
    expect(page.locator(".link-row input")).to_be_focused()
    link = page.input_value(".link-row input")
    _walk_to(page, ".link-row button:first-of-type")
    page.keyboard.press("Enter")
    page.wait_for_selector(".toast")
    assert page.evaluate("navigator.clipboard.readText()") == link
    assert not faults_of(page, axe)
    _walk_to(page, ".link-row button:last-of-type")
    page.keyboard.press("Enter")
    expect(page.locator(".link-row")).to_have_count(0)
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog[open]", state="detached")
    page.goto(link)
    page.get_by_role("alert").wait_for()


def _walk_to(page: Page, selector: str) -> None:
    for _ in range(60):
        if page.evaluate("s => Boolean(document.activeElement?.matches(s))", selector):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"the keyboard does not reach {selector}")


def test_somebody_signs_in_with_a_password_and_out(
    engine: FakeEngine, address: str, new_page: NewPage, axe: str
) -> None:
    engine.desk.add(Account(name="anna", groups=("board",), created_at=datetime.now(UTC)), PASSWORD)
    page = new_page()
    page.goto(address)
    page.wait_for_url("**/sign-in?next=%2F")
    page.wait_for_selector("#with-password:not([hidden])")
    with screens(page, "sign-in"):
        assert not faults_of(page, axe)
    assert page.locator("#sign-in").is_hidden()
    page.keyboard.type("anna")  # the first field has the focus
    page.keyboard.press("Tab")
    page.keyboard.type("wrong password")
    page.keyboard.press("Enter")
    page.wait_for_selector("#sign-in-error:not([hidden])")
    assert "wrong" in page.inner_text("#sign-in-error")
    page.keyboard.type(PASSWORD)  # it is selected for another try
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/")
    expect(page.locator("#me")).to_contain_text("anna")
    assert "board" in page.inner_text("#me")
    page.click("#me button")
    page.wait_for_url("**/sign-in")
    assert page.evaluate("fetch('/v1/indexes').then(r => r.status)") == 401


def test_two_people_of_a_provider_see_nothing_of_each_other(
    engine: FakeEngine, address: str, new_page: NewPage, axe: str
) -> None:
    people = {"anna": {"name": "Anna", "groups": ["board"]}, "bert": {"name": "Bert", "groups": ["staff"]}}
    with running(people, [f"{address}/v1/session/openid/arrival"]) as real:
        client = OpenIdClient(issuer=real.issuer, client_id="foveal", secret="secret", audiences=(API,), label="Work")
        engine.desk.provider = OpenIdProvider(client, RULES)
        anna, bert = (_signed_in(new_page(), address, name) for name in ("anna", "bert"))
    ask(anna, QUESTION)
    assert "Lisbon" in anna.inner_text(".prose")
    anna.wait_for_selector(".past-open[aria-current]")
    anna.click(".acts button[title='Share this conversation']")
    anna.click("dialog[open] .actions .button:not(.plain)")
    link = anna.input_value(".link-row input")
    assert not faults_of(anna, axe)

    ask(bert, QUESTION)
    assert "Lisbon" not in bert.inner_text("#talk")
    bert.wait_for_selector(".past-open[aria-current]")
    assert len(titles(bert)) == 1
    bert.fill("#past-search", "Lisbon")
    expect(bert.locator("#past-empty")).to_have_text("No conversation has these words.")
    bert.goto(link)
    bert.wait_for_selector("#withheld")
    assert "1 answer is withheld" in bert.inner_text("#withheld")
    for secret in ("Lisbon", "plan.md"):
        assert secret not in bert.content()
    with screens(bert, "shared"):
        assert not faults_of(bert, axe)
    anna.goto(link)
    anna.wait_for_selector(".prose .cite")
    assert "Lisbon" in anna.inner_text("#talk")
    assert anna.locator("#withheld").count() == 0


def _signed_in(page: Page, address: str, person: str) -> Page:
    chosen(page, address, "papers")
    page.goto(address)
    page.wait_for_selector("#provider:not([hidden])")
    assert page.inner_text("#provider") == "Sign in with Work"
    page.click("#provider")
    page.fill("input[name=login]", person)
    page.fill("input[name=password]", "any")
    page.click("button[type=submit]")
    page.click("button[type=submit]")  # agrees
    page.wait_for_url(f"{address}/")
    page.wait_for_selector("[data-choice=data]")
    return page
