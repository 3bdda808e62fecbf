"""A video is attached to a question as a video: sent, read, asked about, cited by its seconds; and taken back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import av
import httpx
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import expect

from .environment import Server
from .test_pages import _open

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = [pytest.mark.xdist_group("web"), pytest.mark.timeout(600)]

SECONDS, TEXT_AT_S = 10, 5
TITLE = "LIGHTHOUSE OPENS IN OCTOBER"
READY = "Ready: questions are about this video"
STATE = ".attachment.video .state"
READING_MS = 120_000
PIECES = "**/v1/files/resumable/*"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds; from the fifth on there is something to read."""
    path = tmp_path_factory.mktemp("attached") / "harbour.mp4"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=5, options={"g": "5"})
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for number in range(SECONDS * 5):
            written = number >= TEXT_AT_S * 5
            picture = Image.new("RGB", (640, 360), (240, 240, 236) if written else (20, 60, 110))
            if written:
                ImageDraw.Draw(picture).text((40, 150), TITLE, (10, 10, 10), ImageFont.load_default(34))
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")))
        file.mux(stream.encode())
    return path


def _other(film: Path, folder: Path) -> Path:
    """The same film in other bytes: a box that is skipped at its end (ISO 14496-12, 8.1.2)."""
    path = folder / film.name
    path.write_bytes(film.read_bytes() + b"\0\0\0\x18free" + os.urandom(16))
    return path


def _files(site: Server) -> list[str]:
    found = httpx.get(f"{site.address}/v1/files", params={"limit": 1000}, trust_env=False).json()["files"]
    return [file["name"] for file in found if file["index"] == "attached-videos"]


def _attach(page: Page, site: Server, film: Path) -> None:
    _open(page, site.address)
    page.set_input_files("#files", str(film))
    page.wait_for_selector(".attachment.video")


def _is_ready(page: Page) -> None:
    expect(page.locator(STATE)).to_have_text(READY, timeout=READING_MS)


def test_a_question_waits_for_its_video_and_is_answered_with_its_seconds(page: Page, site: Server, film: Path) -> None:
    _attach(page, site, film)
    page.fill("#question", "When does the lighthouse open?")
    page.keyboard.press("Enter")
    page.wait_for_selector(".acts", timeout=READING_MS)
    assert "OCTOBER" in page.inner_text(".prose")
    assert page.locator(".question .thumb img").count() == 1
    moment = page.locator(".prose a.moment").first
    minutes, seconds = moment.inner_text().split(":")
    assert TEXT_AT_S - 1 <= 60 * int(minutes) + int(seconds) < SECONDS
    moment.click()
    page.wait_for_selector(".source video")
    page.wait_for_function("() => document.querySelector('.source video').readyState >= 2")
    assert TEXT_AT_S - 1 <= page.evaluate("document.querySelector('.source video').currentTime") < SECONDS
    assert page.locator(".source h2").inner_text() == "harbour.mp4"
    assert page.inner_text(STATE) == READY, "it stays for the questions that follow"
    page.fill("#question", "What is written there?")
    page.keyboard.press("Enter")
    expect(page.locator(".acts")).to_have_count(2)
    assert "OCTOBER" in page.locator(".prose").nth(1).inner_text()
    page.get_by_role("button", name="New chat").click()
    assert page.locator(".attachment").count() == 0
    page.locator("[data-choice=data]").click()
    assert page.get_by_text("attached-videos").count() == 0, "it is no data of its own"


def test_a_video_that_is_taken_back_is_deleted(page: Page, site: Server, film: Path, tmp_path: Path) -> None:
    before = _files(site)
    _attach(page, site, _other(film, tmp_path))
    _is_ready(page)
    assert len(_files(site)) == len(before) + 1
    with page.expect_response(lambda reply: reply.request.method == "DELETE"):
        page.get_by_role("button", name="Remove harbour.mp4").click()
    assert _files(site) == before


def test_a_video_of_an_earlier_question_is_not_deleted_when_it_is_taken_back(
    page: Page, site: Server, film: Path
) -> None:
    for _ in range(2):
        _attach(page, site, film)
        _is_ready(page)
    there = _files(site)
    page.get_by_role("button", name="Remove harbour.mp4").click()
    page.wait_for_timeout(500)
    assert _files(site) == there


def test_a_lost_connection_goes_on_from_where_it_was(page: Page, site: Server, film: Path) -> None:
    lost: list[str] = []

    def once(route: Route) -> None:
        if route.request.method == "PATCH" and not lost:
            lost.append(route.request.url)
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route(PIECES, once)
    _attach(page, site, film)
    _is_ready(page)
    assert lost


def test_what_is_no_video_is_said_and_not_asked_about(page: Page, site: Server, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"\0\0\0\x18ftypmp42" + bytes(5000))
    _attach(page, site, broken)
    page.wait_for_selector(".attachment.video.bad", timeout=READING_MS)
    assert len(page.inner_text(STATE)) > 20
    page.fill("#question", "What is it?")
    page.keyboard.press("Enter")
    assert page.locator(".turn").count() == 0


def test_who_may_not_add_anything_asks_about_frames(page: Page, site: Server, film: Path) -> None:
    refused = {"error": {"code": "forbidden", "message": "Only readers here."}}
    page.route("**/v1/files/resumable", lambda route: route.fulfill(status=403, json=refused))
    _open(page, site.address)
    page.set_input_files("#files", str(film))
    page.wait_for_function("() => document.querySelectorAll('.attachment:not(.video)').length === 6")
    assert page.locator(".attachment.video").count() == 0
