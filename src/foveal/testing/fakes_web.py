"""The web in memory: images by address, for tests of whatever fetches what a caller points at."""

from __future__ import annotations

from collections.abc import Mapping

from foveal.errors import ImageError, TooLargeError


class FakeFetcher:
    """Gives what stands behind an address, and refuses every other.

    Args:
        pages: Bytes by address.
        max_bytes: Longest image.

    Attributes:
        fetched: Addresses asked for, in order.
    """

    def __init__(self, pages: Mapping[str, bytes], *, max_bytes: int = 20 * 2**20) -> None:
        self._pages = dict(pages)
        self._max_bytes = max_bytes
        self.fetched: list[str] = []

    def fetch_url(self, url: str) -> bytes:
        """The bytes; an image is what begins with no `<`."""
        self.fetched.append(url)
        data, name = self._pages.get(url), url.partition("?")[0].partition("://")[2]
        if data is None:
            raise ImageError(f"There is nothing at {name}.")
        if len(data) > self._max_bytes:
            raise TooLargeError(f"The image at {name} is larger than {self._max_bytes} bytes.")
        if data.startswith(b"<"):
            raise ImageError(f"What is at {name} is no image.")
        return data
