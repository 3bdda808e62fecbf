"""Every state of every page: nothing serious for axe, nothing wider than its window, and a picture of it for the eyes.

A state is a function that brings a page there. Two of the twelve looks (width, scheme, language) are walked; with
`SCREENS=1` all of them, and `out/screens` has the pictures.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageDraw

from .environment import SCREENS, Server
from .test_pages import CAT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = [pytest.mark.xdist_group("web"), pytest.mark.timeout(900)]

SIZES = {"desktop": (1280, 860), "phone": (390, 844)}
LOOKS = list(itertools.product(SIZES, ("light", "dark"), ("en", "de", "th")))
WALKED = LOOKS if os.environ.get("SCREENS") else [("desktop", "light", "en"), ("phone", "dark", "de")]
FOREIGN = "What does the tax office in Oslo say about deductible travel?"
State = Callable[["Page", str], None]


def _chat(page: Page, address: str, **options: object) -> None:
    page.goto(f"{address}/sign-in")
    chosen = json.dumps({"indexes": ["photos"], **options})
    page.evaluate("o => { sessionStorage.clear(); localStorage.setItem('foveal.options', o); }", chosen)
    page.goto(f"{address}/")
    page.wait_for_selector("[data-choice=data]")


def _asked(page: Page, address: str, question: str = CAT, **options: object) -> None:
    _chat(page, address, **options)
    page.fill("#question", question)
    page.press("#question", "Enter")
    page.wait_for_selector(".acts")


def welcome(page: Page, address: str) -> None:
    _chat(page, address)
    page.wait_for_selector(".try")


def answer(page: Page, address: str) -> None:
    _asked(page, address)


def source(page: Page, address: str) -> None:
    _asked(page, address)
    page.locator(".card").first.click()
    page.wait_for_selector(".source .kv")


def source_of_a_page(page: Page, address: str) -> None:
    _asked(page, address, "When does the harbour office open in the morning?", indexes=["papers"])
    page.locator(".card").first.click()
    page.wait_for_selector(".source .passage", state="attached")


def nothing(page: Page, address: str) -> None:
    _asked(page, address, FOREIGN, strictness=5)
    page.wait_for_selector(".nothing")


def nothing_reopened(page: Page, address: str) -> None:
    nothing(page, address)
    page.wait_for_selector(".past-open[aria-current]", state="attached")
    page.evaluate("sessionStorage.clear()")
    page.reload()
    page.wait_for_selector("[data-choice=data]")
    _menu(page)
    page.locator(".past-open").first.click()
    page.wait_for_selector(".nothing")


def chooser(page: Page, address: str) -> None:
    _chat(page, address)
    page.click("[data-choice=strictness]")
    page.wait_for_selector(".popover:popover-open")


def lost(page: Page, address: str) -> None:
    _chat(page, address)
    page.route("**/v1/chat?*", lambda route: route.abort())
    page.fill("#question", CAT)
    page.press("#question", "Enter")
    page.get_by_role("alert").wait_for()


def no_data(page: Page, address: str) -> None:
    page.route("**/v1/indexes", lambda route: route.fulfill(json={"indexes": []}))
    page.goto(f"{address}/")
    page.wait_for_selector(".welcome")


def code(page: Page, address: str) -> None:
    _asked(page, address)
    page.click("#view-code")
    page.wait_for_function("() => document.querySelector('pre.code')?.textContent.includes('curl')")


def feedback(page: Page, address: str) -> None:
    _asked(page, address)
    page.click("[data-rating=down]")
    page.wait_for_selector("dialog[open]")


def share(page: Page, address: str) -> None:
    _asked(page, address)
    page.wait_for_selector(".past-open[aria-current]", state="attached")
    page.locator(".acts button").nth(3).click()
    page.wait_for_selector("dialog[open]")


def _menu(page: Page) -> None:
    if page.locator("#menu-button").is_visible():
        page.click("#menu-button")


def _past(page: Page, address: str, choice: int) -> None:
    _asked(page, address)
    page.wait_for_selector(".past-open[aria-current]", state="attached")
    _menu(page)
    page.locator(".past-item button.icon").first.click()
    page.locator(".popover .option").nth(choice).click()
    page.wait_for_selector("dialog[open]")


def rename(page: Page, address: str) -> None:
    _past(page, address, 0)


def delete(page: Page, address: str) -> None:
    _past(page, address, 3)


def menu(page: Page, address: str) -> None:
    _asked(page, address)
    page.wait_for_selector(".past-open[aria-current]", state="attached")
    _menu(page)


def shortcuts(page: Page, address: str) -> None:
    _chat(page, address)
    page.locator("body").evaluate("body => { document.activeElement.blur(); }")
    page.keyboard.press("?")
    page.wait_for_selector("#shortcuts[open]")


def shared(page: Page, address: str) -> None:
    _asked(page, address)
    page.wait_for_selector(".past-open[aria-current]", state="attached")
    link = page.evaluate(
        """async () => {
            const { conversations } = await (await fetch('/v1/conversations')).json();
            const { token } = await (await fetch('/v1/session')).json();
            const headers = { 'content-type': 'application/json', ...(token && { 'x-foveal-token': token }) };
            const path = `/v1/conversations/${conversations[0].id}/shares`;
            return (await (await fetch(path, { method: 'POST', headers, body: '{}' })).json()).url;
        }"""
    )
    page.goto(link)
    page.wait_for_selector(".turn .card")


def shared_gone(page: Page, address: str) -> None:
    page.goto(f"{address}/shared/nothing-of-that-name")
    page.get_by_role("alert").wait_for()


def _days_and_places(route: Route) -> None:
    """An overview as of a long journey: the sample photographs have neither dates nor places."""
    found = route.fetch().json()
    days = [date(2024, 9, 30) - timedelta(days=number * 9) for number in range(80)]
    found["days"] = [{"day": day.isoformat(), "count": 1, "position": 0} for day in days]
    spots = [(54.3, 8.6, 120), (47.4, 8.5, 40), (13.7, 100.5, 60), (-33.9, 18.4, 8), (40.7, -74.0, 15)]
    example = found["fields"]["objects"][0]["chunk_id"]
    found["places"] = [
        {"latitude": latitude, "longitude": longitude, "count": count, "chunk_id": example}
        for latitude, longitude, count in spots
    ]
    route.fulfill(json=found)


def gallery(page: Page, address: str) -> None:
    page.route("**/overview*", _days_and_places)
    page.goto(f"{address}/gallery?index=photos")
    page.wait_for_selector(".cell img")
    page.wait_for_selector("#views .chip:nth-child(3)")


def gallery_map(page: Page, address: str) -> None:
    gallery(page, address)
    page.locator("#views .chip").nth(2).click()
    page.wait_for_selector("#map svg")


def gallery_found(page: Page, address: str) -> None:
    page.goto(f"{address}/gallery?index=photos&q=an+animal")
    page.wait_for_selector(".cell img")
    page.locator("#views [aria-pressed]").click()


def gallery_source(page: Page, address: str) -> None:
    page.goto(f"{address}/gallery?index=photos")
    page.locator(".cell").first.click()
    page.wait_for_selector(".source .kv")


def gallery_filters(page: Page, address: str) -> None:
    page.goto(f"{address}/gallery?index=photos")
    page.wait_for_selector(".cell img")
    page.click("#add-filter")
    page.wait_for_selector(".builder .option")


def gallery_nothing(page: Page, address: str) -> None:
    page.goto(f"{address}/gallery?index=papers&q=zxqwv&mode=keyword")
    page.wait_for_selector(".no-match")


def gallery_broken(page: Page, address: str) -> None:
    page.route("**/v1/indexes/photos/chunks?*", lambda route: route.abort())
    page.goto(f"{address}/gallery?index=photos")
    page.get_by_role("alert").wait_for()


def add(page: Page, address: str) -> None:
    page.goto(f"{address}/sign-in")
    page.evaluate("sessionStorage.clear()")
    page.goto(f"{address}/add")
    page.wait_for_selector(".kinds")


def add_place(page: Page, address: str) -> None:
    add(page, address)
    page.locator("label.kind", has=page.locator("input[value=azure-blob]")).click()
    page.click("#next")
    page.wait_for_selector("#in-container")


def _sent(page: Page, address: str) -> None:
    add(page, address)
    page.click("#next")
    page.wait_for_selector("#files", state="attached")
    page.fill("#in-index", "states")
    page.set_input_files("#files", list(_pictures()))
    page.wait_for_selector("#next:not([disabled])")


def add_files(page: Page, address: str) -> None:
    _sent(page, address)


def add_words(page: Page, address: str) -> None:
    _sent(page, address)
    page.click("#next")
    page.wait_for_selector(".cards .card")


def add_cost(page: Page, address: str) -> None:
    add_words(page, address)
    page.click("#next")
    page.wait_for_selector(".figures")


def add_finish(page: Page, address: str) -> None:
    add_cost(page, address)
    page.click("#next")
    page.wait_for_selector("text=uploads-states")


def jobs(page: Page, address: str) -> None:
    page.goto(f"{address}/jobs")
    page.wait_for_selector("#health li")


def settings(page: Page, address: str) -> None:
    page.goto(f"{address}/settings")
    page.wait_for_selector("#in-data li")


def settings_remove(page: Page, address: str) -> None:
    settings(page, address)
    page.locator("#in-data li button").first.click()
    page.wait_for_selector("dialog[open]")


def sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/sign-in")
    page.wait_for_selector("#key")


STATES: dict[str, State] = {
    made.__name__.replace("_", "-"): made
    for made in (
        *(welcome, answer, source, source_of_a_page, nothing, nothing_reopened, chooser, lost, no_data, code, feedback),
        *(share, rename, delete, menu, shortcuts, shared, shared_gone, gallery, gallery_map, gallery_found),
        *(gallery_source, gallery_filters, gallery_nothing, gallery_broken, add, add_place, add_files, add_words),
        *(add_cost, add_finish, jobs, settings, settings_remove, sign_in),
    )
}


def _pictures() -> list[Path]:
    folder = SCREENS.parent / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(3):
        image = Image.new("RGB", (400, 300), (60 + 60 * number, 110, 150 - 40 * number))
        ImageDraw.Draw(image).ellipse((80, 50, 320, 250), fill=(240, 232, 210))
        image.save(folder / f"plate-{number}.png")
    return sorted(folder.iterdir())


@pytest.mark.parametrize("look", WALKED, ids="-".join)
def test_every_state_is_accessible_and_fits_its_window(
    browser: Browser, site: Server, axe_source: str, look: tuple[str, str, str]
) -> None:
    size, scheme, language = look
    width, height = SIZES[size]
    SCREENS.mkdir(parents=True, exist_ok=True)
    wanted = os.environ.get("STATES", "").split(",") if os.environ.get("STATES") else list(STATES)
    faults: list[object] = []
    for name in wanted:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,  # type: ignore[arg-type]
            reduced_motion="reduce",
            has_touch=size == "phone",
        )
        context.add_cookies([{"name": "foveal_language", "value": language, "url": site.address}])
        page = context.new_page()
        page.set_default_timeout(30_000)
        STATES[name](page, site.address)
        page.wait_for_load_state("networkidle")
        page.screenshot(path=SCREENS / f"{name}-{'-'.join(look)}.png")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            faults.append((name, "is wider than its window"))
        faults += [(name, *fault) for fault in _serious(page, axe_source)]
        context.close()
    assert not faults


def _serious(page: Page, axe_source: str) -> list[tuple[str, list[str]]]:
    """What axe calls serious. It is put in through the debugger: the page's own policy refuses it."""
    page.context.new_cdp_session(page).send("Runtime.evaluate", {"expression": axe_source})
    faults = page.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")
    return [
        (fault["id"], [node["html"][:160] for node in fault["nodes"]][:3])
        for fault in faults
        if fault["impact"] in ("serious", "critical")
    ]
