"""What every `Downloader` must do. Subclass it in your tests and give the fixtures."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import ClassVar

import pytest

from foveal.errors import AssetLimitError, UnreadableAssetError
from foveal.ports.videos import Downloader

LIMIT_BYTES = 4096


class DownloaderContract:
    """The specification of `foveal.ports.Downloader` as tests."""

    PAGES: ClassVar[Mapping[str, bytes]] = {
        "/clip.mp4": bytes(range(256)) * 16,
        "/empty.mp4": b"",
        "/large.mp4": bytes(LIMIT_BYTES + 1),
    }
    """What stands at each path."""

    @pytest.fixture
    def downloader(self) -> Downloader:
        """One of at most `LIMIT_BYTES` a file."""
        raise pytest.UsageError("a subclass of DownloaderContract gives the fixture `downloader`")

    @pytest.fixture
    def place(self) -> str:
        """The beginning of an address (`http://host`), under which exactly `PAGES` are found, whatever the query."""
        raise pytest.UsageError("a subclass of DownloaderContract gives the fixture `place`")

    @pytest.mark.parametrize("path", ["/clip.mp4", "/empty.mp4"])
    def test_a_file_comes_as_it_is(self, downloader: Downloader, place: str, path: str) -> None:
        """Byte for byte, of whatever kind, and its length is told."""
        into = io.BytesIO()
        assert downloader.download(f"{place}{path}?sig=hidden", into) == len(self.PAGES[path])
        assert into.getvalue() == self.PAGES[path]

    def test_what_is_not_there_is_refused_without_the_query(self, downloader: Downloader, place: str) -> None:
        """Host and path are named."""
        with pytest.raises(UnreadableAssetError) as caught:
            downloader.download(f"{place}/nothing.mp4?sig=hidden", io.BytesIO())
        assert caught.value.stage == "fetch"
        assert "/nothing.mp4" in str(caught.value)
        assert "hidden" not in str(caught.value)

    def test_a_file_over_the_limit_is_refused(self, downloader: Downloader, place: str) -> None:
        """As too large, not as broken."""
        with pytest.raises(AssetLimitError, match=str(LIMIT_BYTES)):
            downloader.download(f"{place}/large.mp4", io.BytesIO())

    @pytest.mark.parametrize("url", ["", "clip.mp4", "file:///etc/passwd", "ftp://example.org/a.mp4", "http://"])
    def test_only_addresses_of_the_web_are_fetched(self, downloader: Downloader, url: str) -> None:
        """Whatever else is refused as unreadable."""
        with pytest.raises(UnreadableAssetError):
            downloader.download(url, io.BytesIO())
