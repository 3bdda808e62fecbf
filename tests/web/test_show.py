"""A first day, from the first question to tidying up: once with a pointer, once with nothing but keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import expect

from .environment import Server
from .hands import Hands, Keyboard, Pointer

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request, Response

pytestmark = [pytest.mark.xdist_group("web"), pytest.mark.timeout(600)]

WORDS = {"harbour.png": "A lighthouse painted on a red wall.", "mill.png": "The garden gate of the old mill."}
READING_MS = 180_000
"""Two small pictures are read and understood in seconds; the rest is for busy machines."""
INSIDE = """() => {
    const picture = document.querySelector('.source foveal-picture img')?.getBoundingClientRect();
    const isOn = box => box.width > 4 && box.height > 4 && box.left < picture.right && box.right > picture.left
        && box.top < picture.bottom && box.bottom > picture.top;
    const marks = [...document.querySelectorAll('.source .marks polygon.hit')];
    return picture && marks.some(mark => isOn(mark.getBoundingClientRect()));
}"""
"""Whether a box that says what matched lies on the open picture."""
FORGET = """async () => {
    const { token } = await (await fetch('/v1/session')).json();
    const headers = token ? { 'x-foveal-token': token } : {};
    return (await fetch('/v1/conversations', { method: 'DELETE', headers })).ok;
}"""
"""Nothing was asked before the first day, whatever other tests did."""


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    for name, color in zip(WORDS, ((200, 30, 30), (30, 140, 60)), strict=True):
        image = Image.new("RGB", (320, 240), color)
        ImageDraw.Draw(image).ellipse((60, 40, 260, 200), fill=(240, 240, 220))
        image.save(tmp_path / name)
    return [tmp_path / name for name in WORDS]


@pytest.mark.parametrize("way", [Pointer, Keyboard], ids=["with a pointer", "by keyboard alone"])
def test_a_first_day_asked_looked_added_tuned_and_tidied_up(
    page: Page, site: Server, pictures: list[Path], way: type[Hands]
) -> None:
    hands = way(page)
    asked, streams = _overheard(page)
    page.goto(f"{site.address}/sign-in")
    assert page.evaluate(FORGET)
    page.goto(site.address)
    page.wait_for_selector("[data-choice=data]")
    _watch_streaming(page)
    hands.ask("Which photo shows a person in an orange space suit?")
    assert set(page.evaluate("[...window.states]")) == {".waiting", ".prose.streaming"}
    assert len(streams) == 1
    hands.press(".prose .cite")
    page.wait_for_function(INSIDE)
    expect(page.locator(".source h2")).to_have_text("astronaut.png")
    hands.leave_source()

    index = f"first-day-{way.__name__.lower()}"
    _add(page, hands, index, pictures)
    hands.ask("Where is the lighthouse painted?")
    _cites(page, hands, "harbour.png")
    hands.ask("What belongs to the old mill?")
    _cites(page, hands, "mill.png")
    assert [body["data_sources"][0]["parameters"]["index_name"] for body in asked[1:]] == [index, index]

    before = page.locator(".past-item").count()
    hands.choose("[data-choice=strictness]", "2 ·")
    expect(page.locator("[data-choice=strictness]")).to_have_text("Strictness 2")
    expect(page.locator(".toast").first).to_be_visible()
    expect(page.locator(".turn")).to_have_count(0)
    hands.ask("Which gate is that?")
    assert asked[-1]["data_sources"][0]["parameters"]["strictness"] == 2
    _cites(page, hands, "mill.png")
    expect(page.locator(".past-item")).to_have_count(before + 1)

    newest = ".past-item:first-child"
    expect(page.locator(f"{newest} .past-title")).to_have_text("Which gate is that?")
    hands.choose(f"{newest} button.icon", "Rename")
    hands.write("dialog[open] input", "The gate of the mill")
    hands.submit()
    expect(page.locator(f"{newest} .past-title")).to_have_text("The gate of the mill")
    hands.choose(f"{newest} button.icon", "Delete")
    hands.press("dialog[open] button.bad")
    expect(page.locator(".past-item")).to_have_count(before)
    expect(page.locator(".past-list")).not_to_contain_text("The gate of the mill")
    expect(page.locator(".turn")).to_have_count(0)
    page.reload()
    expect(page.locator(".past-item")).to_have_count(before)
    expect(page.locator(".turn")).to_have_count(0)


def _overheard(page: Page) -> tuple[list[dict[str, list[dict[str, dict[str, object]]]]], list[str]]:
    """The bodies of the questions that the page sends, and the answers that came as a stream of events."""
    bodies: list[dict[str, list[dict[str, dict[str, object]]]]] = []
    streams: list[str] = []

    def sent(request: Request) -> None:
        if request.url.partition("?")[0].endswith("/v1/chat"):
            bodies.append(json.loads(request.post_data or "{}"))

    def came(reply: Response) -> None:
        if reply.headers.get("content-type", "").startswith("text/event-stream"):
            streams.append(reply.url)

    page.on("request", sent)
    page.on("response", came)
    return bodies, streams


def _watch_streaming(page: Page) -> None:
    page.evaluate("""() => { window.states = new Set(); new MutationObserver(() => {
        for (const name of ['.waiting', '.prose.streaming']) if (document.querySelector(name)) window.states.add(name);
    }).observe(document.body, {childList: true, subtree: true, attributes: true}); }""")


def _add(page: Page, hands: Hands, index: str, pictures: list[Path]) -> None:
    """Through the wizard: two files, their words, what it costs, and until they have been read."""
    hands.go("add")
    page.wait_for_selector(".kinds")
    hands.press("#next")
    hands.write("#in-index", index)
    with page.expect_file_chooser() as opened:
        hands.press(".drop button")
    opened.value.set_files(pictures)
    page.wait_for_selector("#next:not([disabled])")
    expect(page.locator(".files li:not(.bad)")).to_have_count(len(pictures))
    hands.press("#next")
    for name, words in WORDS.items():
        hands.write(f"[aria-label='What {name} shows']", words)
    hands.press("#next")
    page.wait_for_selector(".figures")
    hands.press("#next")
    page.wait_for_selector(f"text=uploads-{index}")
    hands.press("#next")
    page.wait_for_selector("#ready", timeout=READING_MS)
    expect(page.locator(".job")).to_contain_text("2 added")
    hands.press("#ready a.button:first-child")
    page.wait_for_url("**/")
    expect(page.locator("[data-choice=data]")).to_contain_text(index)


def _cites(page: Page, hands: Hands, name: str) -> None:
    """The last answer rests on that picture, and opening it shows the words of whoever added it."""
    turn = ".turn:last-child"
    page.wait_for_selector(f"{turn} .prose .cite")
    card = f"{turn} .cards:not(.unused) .card[data-name='{name}']"
    hands.press(card)
    expect(page.locator(".source h2")).to_have_text(name)
    expect(page.locator(".source .describing.person")).to_contain_text(WORDS[name])
    hands.leave_source()
