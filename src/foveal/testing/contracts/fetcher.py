"""What every `Fetcher` must do. Subclass it in your tests and give the fixtures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pytest

from foveal.errors import ImageError, TooLargeError
from foveal.ports.sources import Fetcher
from foveal.testing.pictures import jpeg

LIMIT_BYTES = 4096
PICTURE = jpeg(np.zeros((8, 8, 3), dtype=np.uint8))


class FetcherContract:
    """The specification of `foveal.ports.Fetcher` as tests."""

    PAGES: ClassVar[Mapping[str, bytes]] = {
        "/picture.jpg": PICTURE,
        "/large.jpg": PICTURE + bytes(LIMIT_BYTES),
        "/page.html": b"<!doctype html><title>Not an image</title>",
    }
    """What stands at each path."""

    @pytest.fixture
    def fetcher(self) -> Fetcher:
        """A fetcher of at most `LIMIT_BYTES` an image."""
        raise pytest.UsageError("a subclass of FetcherContract gives the fixture `fetcher`")

    @pytest.fixture
    def place(self) -> str:
        """The beginning of an address (`http://host`), under which exactly `PAGES` are found, whatever the query."""
        raise pytest.UsageError("a subclass of FetcherContract gives the fixture `place`")

    def test_an_image_comes_as_it_is(self, fetcher: Fetcher, place: str) -> None:
        """Byte for byte, each time."""
        for _ in range(2):
            assert fetcher.fetch_url(f"{place}/picture.jpg") == self.PAGES["/picture.jpg"]

    @pytest.mark.parametrize("path", ["/nothing.jpg", "/page.html"])
    def test_what_is_not_there_or_no_image_is_refused_without_the_query(
        self, fetcher: Fetcher, place: str, path: str
    ) -> None:
        """Host and path are named."""
        with pytest.raises(ImageError) as caught:
            fetcher.fetch_url(f"{place}{path}?sig=hidden")
        assert path in str(caught.value)
        assert "hidden" not in str(caught.value)

    def test_an_image_over_the_limit_is_refused(self, fetcher: Fetcher, place: str) -> None:
        """As too large, not as broken."""
        with pytest.raises(TooLargeError, match=str(LIMIT_BYTES)):
            fetcher.fetch_url(f"{place}/large.jpg")

    @pytest.mark.parametrize("url", ["", "picture.jpg", "file:///etc/passwd", "ftp://example.org/a.png", "http://"])
    def test_only_addresses_of_the_web_are_fetched(self, fetcher: Fetcher, url: str) -> None:
        """Whatever else is refused as a wrong image."""
        with pytest.raises(ImageError):
            fetcher.fetch_url(url)
