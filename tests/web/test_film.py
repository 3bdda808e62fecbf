"""A moment of a video that an answer cites is played from its second, in a real browser."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from foveal.testing.serving import environment

from .environment import Server
from .test_pages import _ask, _open

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.xdist_group("web"), pytest.mark.timeout(600)]

SECONDS, SAID_AT_S = 20, 12
SUBTITLES = """WEBVTT

00:02.000 --> 00:04.000
The market is open on Saturdays.

00:12.000 --> 00:15.000
The lighthouse keeper retires in October.
"""


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory, site: Server, models_dir: Path) -> str:
    """An index with one video, whose words are in subtitles beside it; the server finds it while it runs."""
    folder = tmp_path_factory.mktemp("films")
    with av.open(str(folder / "harbour.mp4"), "w") as file:
        stream = file.add_stream("libx264", rate=5, options={"g": "5"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(SECONDS * 5):
            picture = np.full((240, 320, 3), (40 + 9 * (number // 5), 90, 160), np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        file.mux(stream.encode())
    (folder / "harbour.vtt").write_text(SUBTITLES, encoding="utf-8")
    environ = environment(home=site.home, models=models_dir, offline=1)
    command = [sys.executable, "-m", "foveal", "ingest", str(folder), "--index", "films"]
    subprocess.run(command, env=environ, check=True, capture_output=True, timeout=300)
    return "films"


def test_a_citation_of_a_video_plays_from_its_second(page: Page, site: Server, films: str) -> None:
    _open(page, site.address, index=films)
    _ask(page, "When does the lighthouse keeper retire?")
    assert "October" in page.inner_text(".turn")
    page.locator(".card").first.click()
    page.wait_for_selector(".source video")
    page.wait_for_function("() => document.querySelector('.source video').readyState >= 2")
    shown = page.evaluate("document.querySelector('.source video').currentTime")
    assert SAID_AT_S <= shown <= SAID_AT_S + 3
    page.evaluate("document.querySelector('.source video').play()")
    page.wait_for_function("at => document.querySelector('.source video').currentTime > at + 0.3", arg=shown)
