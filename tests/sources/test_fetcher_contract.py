from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from foveal.ports.sources import Fetcher
from foveal.readers.sniffing import sniff
from foveal.sources.public_addresses import Allowed
from foveal.sources.web import WebFetcher
from foveal.testing.contracts.fetcher import LIMIT_BYTES, FetcherContract
from foveal.testing.fakes_web import FakeFetcher
from foveal.testing.serving import served


class TestWebFetcher(FetcherContract):
    @pytest.fixture
    def fetcher(self) -> Fetcher:
        return WebFetcher(sniff=sniff, allowed=Allowed.of(["127.0.0.1"]), max_bytes=LIMIT_BYTES)

    @pytest.fixture
    def place(self) -> Iterator[str]:
        async def pages(scope: Scope, receive: Receive, send: Send) -> None:
            data = self.PAGES.get(Request(scope).url.path)
            # The type a server claims is not believed.
            await Response(data or b"", 404 if data is None else 200, media_type="text/plain")(scope, receive, send)

        with served(pages) as url:
            yield url


class TestFakeFetcher(FetcherContract):
    @pytest.fixture
    def place(self) -> str:
        return "http://example.org"

    @pytest.fixture
    def fetcher(self, place: str) -> Fetcher:
        return FakeFetcher({place + path: data for path, data in self.PAGES.items()}, max_bytes=LIMIT_BYTES)
