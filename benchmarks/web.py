"""The web app: how soon a page is there, words are shown and typing finds, and how smoothly the gallery rolls.

    python -m benchmarks.web [--rows 100000] [--keep FOLDER]

The real application over a real store whose rows were written directly, with random vectors (their files do not exist,
so eight small JPEGs stand in for thumbnails), in Chromium that draws without a GPU. Times are those a person sees:
until the frame in which it is on the screen. `--keep` makes the index in a folder of one's own, or takes it from there.

- first load: from the address to the chat with its choices, with nothing cached; and what came over the wire. Beside it
  the time until Chromium has drawn a page of one paragraph from the same server.
- first words: from the moment the engine hands over its first words to the frame that shows them.
- typing: words are typed letter by letter, each of which starts a search; from the last letter to the results. Below it
  what the server takes of that.
- rolling: frames a second while all pictures pass by. Beside it a page of nothing but 2,000 such pictures in rows.
- fifty pages: so many clients of another process load the whole page and what it asks for, all at once.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import re
import tempfile
import time
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import numpy as np
from PIL import Image
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from benchmarks.search import BATCH, Vectors
from foveal.asgi import create_app
from foveal.testing.fakes_engine import FakeEngine, fake_chunk
from foveal.testing.serving import served
from foveal.types.assets import AssetId, DocumentId, MediaKind
from foveal.types.chat import ChatEvent, ChatRequest, TextDelta
from foveal.types.chunks import Chunk, ChunkChange, ChunkId, IndexSchema
from foveal.types.content import DetectedObject
from foveal.types.locators import Box

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Response as PageResponse

    from foveal import Foveal

INDEX = "pictures"
THINGS = (
    *("dog", "cat", "horse", "boat", "bicycle", "car", "person", "bird", "umbrella", "kite", "bench", "clock", "cup"),
    *("banana", "laptop", "book", "train", "sheep"),
)
PLACES = (
    *("beach", "street", "kitchen", "garden", "harbour", "forest", "market", "station", "bridge", "tower", "field"),
    *("window", "table", "river"),
)
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
LIMITS = {"load_s": 1.0, "words_ms": 100.0, "typing_ms": 200.0, "frames": 50.0}
ROLL_S = 4
LETTER_MS = 90
"""Between two letters of somebody who types well (about 130 letters a minute over the pauses)."""
PLAIN, PLAIN_PICTURES = "/plain", 2_000
"""Address of the page that is compared with, and how many pictures it has; `?one` of it has none."""
ROLLING = """async ([selector, seconds]) => {
    const body = document.querySelector(selector), gaps = [];
    let last = performance.now();
    const end = last + seconds * 1000;
    await new Promise(done => { const step = now => {
        gaps.push(now - last); last = now; body.scrollTop += 60;
        if (now < end) requestAnimationFrame(step); else done();
    }; requestAnimationFrame(step); });
    return gaps;
}"""


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.web")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--keep", type=Path)
    args = parser.parse_args(arguments)
    import foveal

    with tempfile.TemporaryDirectory(prefix="foveal-bench-") as folder, foveal.open(args.keep or Path(folder)) as home:
        if INDEX not in home.index_names():
            fill(home, args.rows)
        app = _Thumbnails(create_app(home))
        print(f"{args.rows:,} pictures\n")
        print(f"{'':<44}{'measured':>12}{'limit':>12}{'ratio':>8}")
        with served(app) as address:
            with _chromium() as browser:
                load(browser, address)
                typing(browser, address)
                rolling(browser, address)
            fifty(address)  # Playwright has an event loop of its own, so not inside
        engine = _Marking()
        with served(create_app(engine)) as address, _chromium() as browser:
            words(browser, address, engine)


def _row(name: str, measured: float, limit: float, unit: str, *, more_is_better: bool = False) -> None:
    ratio = limit / measured if more_is_better else measured / limit
    print(f"{name:<44}{measured:>9.1f} {unit:<2}{limit:>9.1f} {unit:<2}{ratio:>8.2f}")


def _keep_size(received: list[int], reply: PageResponse) -> None:
    received.append(int(reply.headers.get("content-length", 0)))


def load(browser: Browser, address: str) -> None:
    seconds, sizes = [], []
    for _ in range(7):
        context = browser.new_context()
        page = context.new_page()
        received: list[int] = []
        page.on("response", partial(_keep_size, received))
        started = time.perf_counter()
        page.goto(address, wait_until="commit")
        page.wait_for_selector("[data-choice=data]")
        seconds.append(time.perf_counter() - started)
        page.wait_for_load_state("networkidle")
        resources = page.evaluate(
            "performance.getEntries().filter(e => e.transferSize && !e.name.includes('/v1/')"
            " && (e.entryType === 'resource' || e.entryType === 'navigation')).map(e => e.transferSize)"
        )
        sizes.append(sum(resources) / 1000)
        context.close()
    _row("first load, median of 7", float(np.median(seconds)), LIMITS["load_s"], "s")
    print(f"{'  a page of one paragraph beside it':<44}{_plain_load(browser, address):>9.1f} s")
    print(f"{'  over the wire, packed':<44}{np.median(sizes):>9.1f} kB in {len(resources)} files")


def _plain_load(browser: Browser, address: str) -> float:
    seconds = []
    for _ in range(7):
        context = browser.new_context()
        page = context.new_page()
        started = time.perf_counter()
        page.goto(f"{address}{PLAIN}?one", wait_until="commit")
        page.wait_for_selector("p")
        seconds.append(time.perf_counter() - started)
        context.close()
    return float(np.median(seconds))


def typing(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.set_default_timeout(120_000)
    page.goto(f"{address}/gallery?index={INDEX}")
    page.wait_for_selector(".cell img")
    page.evaluate(
        """() => { let pressed = 0, done;
        document.querySelector('#words').addEventListener('input', () => {
            pressed = performance.now(); window.took = new Promise(now => { done = now; });
        });
        new MutationObserver(() => {
            const [shown, from] = [done, pressed];
            requestAnimationFrame(() => shown?.(performance.now() - from));
        }).observe(document.querySelector('#count'), {childList: true, characterData: true, subtree: true}); }"""
    )
    rng = np.random.default_rng(1)
    took, served_ = [], []
    for _ in range(40):
        page.locator("#words").fill("")
        page.wait_for_timeout(300)
        page.locator("#words").press_sequentially(f"{rng.choice(THINGS)} near {rng.choice(PLACES)}", delay=LETTER_MS)
        took.append(page.evaluate("window.took"))
        served_.append(page.evaluate("performance.getEntriesByName(location.origin + '/v1/search').at(-1).duration"))
        page.evaluate("performance.clearResourceTimings()")
    _row(f"typing to results, p95 of {len(took)}", float(np.percentile(took, 95)), LIMITS["typing_ms"], "ms")
    print(f"{'  median':<44}{np.median(took):>9.1f} ms")
    print(f"{'  of that the answer of the server, median':<44}{np.median(served_):>9.1f} ms")
    page.close()


def rolling(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 860})
    page.goto(f"{address}/gallery?index={INDEX}")
    page.wait_for_selector(".cell img")
    frames = page.evaluate(ROLLING, ["#body", ROLL_S])
    _row("rolling, frames a second", 1000 * len(frames) / sum(frames), LIMITS["frames"], "/s", more_is_better=True)
    print(f"{'  slowest of 100 frames':<44}{np.percentile(frames, 99):>9.1f} ms")
    page.evaluate("document.querySelector('#body').scrollTop = 1e9")
    page.wait_for_function("() => [...document.querySelectorAll('.cell')].some(c => c.dataset.filled)")
    page.goto(f"{address}{PLAIN}")
    page.wait_for_load_state("networkidle")
    plain = page.evaluate(ROLLING, ["#body", ROLL_S])
    print(f"{f'  a page of {PLAIN_PICTURES:,} pictures beside it':<44}{1000 * len(plain) / sum(plain):>9.1f} /s")
    page.close()


def words(browser: Browser, address: str, engine: _Marking) -> None:
    page = browser.new_page()
    page.goto(address)
    page.wait_for_selector("[data-choice=data]")
    page.evaluate(
        """() => { new MutationObserver(() => { if (!window.shown && document.querySelector('.prose *'))
        requestAnimationFrame(() => { window.shown ??= Date.now(); }); })
        .observe(document.querySelector('#talk'), {childList: true, subtree: true}); }"""
    )
    took = []
    for _ in range(12):
        page.evaluate("window.shown = undefined")
        page.locator("#new-chat").click()
        page.locator("#question").fill("harbour")
        page.locator("#send").click()
        page.wait_for_function("() => window.shown")
        took.append(page.evaluate("window.shown") - engine.handed_ms)
        page.wait_for_selector(".acts")
    _row("first words shown after the engine has them", float(np.median(took[2:])), LIMITS["words_ms"], "ms")
    page.close()


def fifty(address: str) -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as elsewhere:
        took = elsewhere.submit(_fifty, address).result()
    print(f"{'fifty pages at once, slowest':<44}{max(took):>9.1f} s")
    print(f"{'  median':<44}{np.median(took):>9.1f} s")


def _fifty(address: str) -> list[float]:
    async def one() -> float:
        limits = httpx.Limits(max_connections=6)  # as many as browsers open to a server
        async with httpx.AsyncClient(
            base_url=address, timeout=60, trust_env=False, verify=False, limits=limits
        ) as client:
            started = time.perf_counter()
            page = (await client.get("/")).text
            addresses = {*re.findall(r"""(?:src|href)="(/static/[^"]+)""", page), "/v1/session", "/v1/indexes"}
            for reply in await asyncio.gather(*(client.get(part) for part in addresses)):
                reply.raise_for_status()
            return time.perf_counter() - started

    async def all_of_them() -> list[float]:
        return await asyncio.gather(*(one() for _ in range(50)))

    return asyncio.run(all_of_them())


class _Marking(FakeEngine):
    """Notes when it hands over its first words."""

    def __init__(self) -> None:
        super().__init__({"texts": [fake_chunk("a.md", "The harbour opens at nine in the morning and closes late.")]})
        self.handed_ms = 0.0
        self.pause_s = 0.01

    async def chat(self, request: ChatRequest) -> AsyncIterator[ChatEvent]:
        first = True
        async for event in super().chat(request):
            if first and isinstance(event, TextDelta):
                self.handed_ms, first = time.time() * 1000, False
            yield event


class _Thumbnails:
    """Eight pictures in the place of all thumbnails, and the plain pages; everything else is the application's."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        rng = np.random.default_rng(2)
        self._pictures = [_jpeg(rng) for _ in range(8)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].endswith("/thumbnail"):
            data = self._pictures[hash(scope["path"]) % len(self._pictures)]
            await Response(data, media_type="image/jpeg")(scope, receive, send)
            return
        if scope["type"] == "http" and scope["path"] == PLAIN:
            await Response(_plain(scope["query_string"] != b"one"), media_type="text/html")(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _plain(with_pictures: bool) -> str:
    if not with_pictures:
        return "<!doctype html><title>Plain</title><p>One paragraph.</p>"
    size = "display:inline-block;width:170px;height:146px;object-fit:cover"
    pictures = "".join(f"<img style='{size}' src='/{n}/thumbnail'>" for n in range(PLAIN_PICTURES))
    return f"<!doctype html><title>Plain</title><div id=body style='height:800px;overflow-y:auto'>{pictures}</div>"


def _jpeg(rng: np.random.Generator) -> bytes:
    small = Image.fromarray(rng.integers(0, 255, (8, 10, 3), dtype=np.uint8)).resize((320, 256))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=85)
    return out.getvalue()


class _chromium:
    def __enter__(self) -> Browser:
        import shutil

        from playwright.sync_api import sync_playwright

        self._playwright = sync_playwright().start()
        path = shutil.which("chromium") or shutil.which("google-chrome")
        self._browser = self._playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        return self._browser

    def __exit__(self, *_: object) -> None:
        self._browser.close()
        self._playwright.stop()


def fill(home: Foveal, rows: int) -> None:
    """Images with words, vectors and dates, as an ingestion would have written them."""
    rng = np.random.default_rng(0)
    schema = IndexSchema(text_dim=home.models.text.dim, image_dim=home.models.image.dim)
    texts, images = Vectors(schema.text_dim, rng), Vectors(schema.image_dim, rng)
    generation = home.store.create(INDEX, schema)
    home.catalog.create_index(INDEX, schema, generation)
    for first in range(0, rows, BATCH):
        at = range(first, min(first + BATCH, rows))
        own, seen = texts(len(at)), images(len(at))
        put = tuple(_picture(row, own[row - first], seen[row - first], rng) for row in at)
        generation = home.store.apply(INDEX, generation, ChunkChange(put=put))
    generation = home.store.optimize(INDEX, generation)
    home.catalog.commit(INDEX, generation)


def _picture(row: int, text: np.ndarray, image: np.ndarray, rng: np.random.Generator) -> Chunk:
    thing, place = str(rng.choice(THINGS)), str(rng.choice(PLACES))
    words_ = f"A {thing} near the {place}, picture {row}."
    box = Box(x=0.2, y=0.2, width=0.4, height=0.4)
    return Chunk(
        chunk_id=ChunkId(f"d{row:07}-0"),
        document_id=DocumentId(f"d{row:07}"),
        asset_id=AssetId(f"{row:064}"),
        kind=MediaKind.IMAGE,
        media_type="image/jpeg",
        source="/benchmark",
        title=f"{row}",
        filepath=f"folder/{row}.jpg",
        content=words_,
        description=words_,
        objects=(DetectedObject(label=thing, score=0.9, box=box),),
        taken_at=datetime(2015, 1, 1, tzinfo=UTC) + timedelta(minutes=53 * row),
        width_px=1200,
        height_px=900,
        language="en",
        text_vector=text,
        image_vector=image,
        seen_vector=text,
    )


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
