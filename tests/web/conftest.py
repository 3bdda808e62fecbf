"""One started server and one browser for all pages; a page of its own for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from foveal.models.cards import Card

from .environment import FLAGS, WAIT_MS, Server, axe, chromium, started

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

CARDS = ("efficientnet-lite2", "nanodet", "ssdlite", "open-nsfw", "multilingual-e5-small", "pp-ocr-v6", "samples")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, pulled: Callable[[str], Card], models_dir: Path) -> Iterator[Server]:
    for card in CARDS:
        pulled(card)
    with started(tmp_path_factory.mktemp("web"), models_dir) as server:
        yield server


@pytest.fixture(scope="module")  # Playwright runs an event loop in this thread as long as it lives
def browser() -> Iterator[Browser]:
    from playwright.sync_api import Error, expect, sync_playwright

    expect.set_options(timeout=WAIT_MS)

    with sync_playwright() as playwright:
        try:
            running = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        except Error as error:
            pytest.skip(
                f"there is no Chromium here, and `playwright install chromium` did not bring one: {error.message[:200]}"
            )
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Fails the test when a script fails, a policy is broken or a dialog of a foreign script opens."""
    faults: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 860}, locale="en", reduced_motion="reduce")
    opened = context.new_page()
    opened.set_default_timeout(WAIT_MS)
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None)
    opened.on("dialog", lambda dialog: (faults.append(dialog.message), dialog.dismiss()))
    yield opened
    context.close()
    assert not faults


@pytest.fixture(scope="session")
def axe_source() -> str:
    return axe()
