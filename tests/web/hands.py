"""Two ways to use a page: with a pointer, and with nothing but keys."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

import pytest
from playwright.sync_api import TimeoutError

if TYPE_CHECKING:
    from playwright.sync_api import Page

NAVIGATION = {"chat": "c", "gallery": "g", "add": "a", "jobs": "j", "settings": "s"}
MOST_STEPS = 240
"""From one control to the next; a list of conversations alone may have sixty."""


class Hands(Protocol):
    """What a person does to a page."""

    def __init__(self, page: Page) -> None: ...

    def press(self, selector: str) -> None:
        """A button or link."""

    def write(self, selector: str, text: str) -> None:
        """Text in the place of what a field holds."""

    def choose(self, selector: str, option: str) -> None:
        """One of the choices that a button opens, by how it begins."""

    def ask(self, question: str) -> None:
        """A question, until its answer is whole."""

    def submit(self) -> None:
        """Take what the open dialog says."""

    def go(self, page: str) -> None:
        """To a page of the navigation."""

    def leave_source(self) -> None:
        """Close what is open beside the chat."""


class Pointer:
    """Clicks, and types where it clicked."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def press(self, selector: str) -> None:
        self._page.locator(selector).first.click()

    def write(self, selector: str, text: str) -> None:
        self._page.locator(selector).fill(text)

    def choose(self, selector: str, option: str) -> None:
        self.press(selector)
        self._page.locator(".option", has_text=re.compile(f"^{re.escape(option)}")).click()

    def ask(self, question: str) -> None:
        turns = self._page.locator(".turn").count()
        self.write("#question", question)
        self.press("#send")
        _answered(self._page, turns)

    def submit(self) -> None:
        self.press("dialog[open] button.button:not(.plain)")

    def go(self, page: str) -> None:
        self.press(f"#nav-{page}")

    def leave_source(self) -> None:
        self.press(".source header button.icon:last-child")
        self._page.wait_for_selector("#source", state="hidden")


class Keyboard:
    """Tab, arrows, Enter, Escape and letters; it fails where a thing cannot be reached, or does not show its focus."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def press(self, selector: str) -> None:
        self._reach(selector)
        self._page.keyboard.press("Enter")

    def write(self, selector: str, text: str) -> None:
        self._reach(selector)
        self._page.keyboard.press("Control+a")
        self._page.keyboard.type(text)

    def choose(self, selector: str, option: str) -> None:
        self.press(selector)
        self._page.wait_for_selector(".popover:popover-open .option")
        for _ in range(20):
            if self._page.evaluate("document.activeElement.textContent").startswith(option):
                self._page.keyboard.press("Enter")
                return
            self._page.keyboard.press("ArrowDown")
        pytest.fail(f"there is no choice that begins with {option}")

    def ask(self, question: str) -> None:
        turns = self._page.locator(".turn").count()
        if not self._page.evaluate("document.activeElement.matches('#question')"):
            self._page.keyboard.press("/")
        self._page.keyboard.type(question)
        self._page.keyboard.press("Enter")
        _answered(self._page, turns)

    def submit(self) -> None:
        self._page.keyboard.press("Enter")

    def go(self, page: str) -> None:
        if self._page.evaluate("document.activeElement.matches('input, textarea, select')"):
            self._page.keyboard.press("Tab")
        for _ in range(5):  # the second letter counts for a second and a half: less than a busy machine may pause
            self._page.keyboard.press("g")
            self._page.keyboard.press(NAVIGATION[page])
            with suppress(TimeoutError):
                self._page.wait_for_url(f"**/{page}*", timeout=5_000)
                return
        pytest.fail(f"the keys do not go to {page}")

    def leave_source(self) -> None:
        self._page.keyboard.press("Escape")
        self._page.wait_for_selector("#source", state="hidden")

    def _reach(self, selector: str) -> None:
        self._page.wait_for_selector(selector)
        for _ in range(MOST_STEPS):
            if self._page.evaluate("s => Boolean(document.activeElement?.matches(s))", selector):
                assert self._page.evaluate(SHOWS_FOCUS), f"{selector} has the focus and does not show it"
                return
            self._page.keyboard.press("Tab")
        pytest.fail(f"the keyboard does not reach {selector}")


SHOWS_FOCUS = """() => {
    const isRinged = element => { const style = getComputedStyle(element);
        return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0 || style.boxShadow !== 'none'; };
    for (let one = document.activeElement, up = 0; one && up < 4; one = one.parentElement, up += 1)
        if (isRinged(one)) return true;
    return false;
}"""
"""A ring on what has the focus, or on what is drawn around it."""


def _answered(page: Page, before: int) -> None:
    page.wait_for_function("n => document.querySelectorAll('.turn').length > n", arg=before)
    page.wait_for_selector(".turn:last-child .acts", timeout=120_000)
