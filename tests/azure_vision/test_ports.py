"""The ports of video retrieval: contracts, and what is particular to the real ones."""

from __future__ import annotations

import io
import re
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from foveal.errors import UnreadableAssetError
from foveal.ports.videos import Downloader, VideoRegistry
from foveal.sources.public_addresses import Allowed
from foveal.sources.web_files import WebDownloader
from foveal.stores.catalog import open_engine
from foveal.stores.video_registry import SqlVideoRegistry
from foveal.testing.contracts.downloader import LIMIT_BYTES, DownloaderContract
from foveal.testing.contracts.video_registry import INDEX, INGESTION, TASKS, VideoRegistryContract
from foveal.testing.fakes_videos import FakeDownloader, InMemoryVideoRegistry
from foveal.testing.serving import served

LOCAL = Allowed.of(["127.0.0.1"])


class TestWebDownloader(DownloaderContract):
    @pytest.fixture
    def downloader(self) -> Downloader:
        return WebDownloader(allowed=LOCAL, max_bytes=LIMIT_BYTES)

    @pytest.fixture
    def place(self) -> Iterator[str]:
        async def pages(scope: Scope, receive: Receive, send: Send) -> None:
            data = self.PAGES.get(Request(scope).url.path)
            await Response(data or b"", 404 if data is None else 200)(scope, receive, send)

        with served(pages) as url:
            yield url


class TestFakeDownloader(DownloaderContract):
    @pytest.fixture
    def place(self) -> str:
        return "http://example.org"

    @pytest.fixture
    def downloader(self, place: str) -> Downloader:
        return FakeDownloader({place + path: data for path, data in self.PAGES.items()}, max_bytes=LIMIT_BYTES)


class TestSqlVideoRegistry(VideoRegistryContract):
    @pytest.fixture(params=["sqlite", "postgresql"])
    def registry(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VideoRegistry]:
        shared = request.param == "postgresql"
        url = request.getfixturevalue("postgres_url") if shared else f"sqlite:///{tmp_path / 'catalog.sqlite'}"
        engine = open_engine(url)
        yield SqlVideoRegistry(engine, lambda: bytes(32))
        engine.dispose()


class TestInMemoryVideoRegistry(VideoRegistryContract):
    @pytest.fixture
    def registry(self) -> VideoRegistry:
        return InMemoryVideoRegistry()


def test_a_signature_is_nowhere_in_the_database_not_even_while_it_is_needed(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    registry = SqlVideoRegistry(engine, lambda: bytes(32))
    registry.put_index(INDEX)
    registry.add_ingestion(INGESTION, TASKS)
    engine.dispose()
    with sqlite3.connect(tmp_path / "catalog.sqlite") as database:
        rows = database.execute("select * from video_ingestions").fetchall()
    assert rows
    assert "sig=s" not in str(rows)


def test_an_ingestion_whose_process_died_is_claimed_by_another(tmp_path: Path) -> None:
    now = datetime(2024, 1, 1, tzinfo=UTC)
    engine = open_engine(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    dying = SqlVideoRegistry(engine, lambda: bytes(32), now=lambda: now)
    dying.put_index(INDEX)
    dying.add_ingestion(INGESTION, TASKS)
    assert dying.claim() is not None
    later = SqlVideoRegistry(engine, lambda: bytes(32), now=lambda: now + timedelta(minutes=10))
    run = later.claim()
    assert run is not None
    assert run.tasks == TASKS
    engine.dispose()


def _breaking(data: bytes, *, after: int, etag: str = '"1"') -> tuple[ASGIApp, list[str]]:
    """A server that sends `after` bytes of whatever is asked for and then hangs up, until the end is reached."""
    asked: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        wanted = Request(scope).headers.get("range", "")
        asked.append(wanted)
        match = re.fullmatch(r"bytes=(\d+)-", wanted)
        start = int(match[1]) if match and etag else 0
        rest = data[start:]

        async def body() -> object:
            yield rest[:after]
            if len(rest) > after:
                raise ConnectionResetError

        headers = {"content-length": str(len(rest)), **({"etag": etag} if etag else {})}
        await StreamingResponse(body(), 206 if start else 200, headers)(scope, receive, send)  # type: ignore[arg-type]

    return app, asked


def test_a_broken_connection_is_taken_up_where_it_broke(serve: Callable[[ASGIApp], str]) -> None:
    data = bytes(range(256)) * 1000
    app, asked = _breaking(data, after=100_000)
    into = io.BytesIO()
    assert WebDownloader(allowed=LOCAL).download(f"{serve(app)}/clip.mp4", into) == len(data)
    assert into.getvalue() == data
    assert len(asked) == 3
    assert asked[0] == ""


def test_without_a_mark_of_the_file_a_broken_connection_is_a_failure(serve: Callable[[ASGIApp], str]) -> None:
    app, asked = _breaking(bytes(300_000), after=100_000, etag="")
    with pytest.raises(UnreadableAssetError, match="cannot be reached"):
        WebDownloader(allowed=LOCAL).download(f"{serve(app)}/clip.mp4", io.BytesIO())
    assert len(asked) == 1


def test_a_file_is_fetched_from_nowhere_but_the_public_internet_and_what_is_listed(
    serve: Callable[[ASGIApp], str],
) -> None:
    app, asked = _breaking(b"secret", after=100)
    with pytest.raises(UnreadableAssetError, match="public internet"):
        WebDownloader().download(f"{serve(app)}/clip.mp4", io.BytesIO())
    assert not asked
