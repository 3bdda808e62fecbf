"""Images behind addresses that callers send, fetched by the rules of `web_client`.

There are limits on bytes sent and on bytes after decompression, checked while they arrive; the type is told from the
first bytes, and what is no image is not read on.
"""

from __future__ import annotations

import ssl
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import httpcore
import httpx

from foveal.errors import ImageError, TooLargeError
from foveal.ports.sources import Sniffer
from foveal.sources.public_addresses import Allowed
from foveal.sources.web_client import Deadline, Resolve, Wanted, WebClient, header, shown, system_addresses
from foveal.types.assets import MediaKind

__all__ = ["WebFetcher", "shown"]

_HEAD_BYTES = 4096
_SEND_IT = "Send the image itself as a data URL: data:image/jpeg;base64,…"
_IMAGE = Wanted(noun="image", remedy=_SEND_IT, accept="image/*")


@dataclass(frozen=True, kw_only=True)
class WebFetcher:
    """`foveal.ports.Fetcher` over HTTP.

    Attributes:
        sniff: Tells whether bytes are an image.
        allowed: What the operator opens beyond the public internet.
        max_bytes: Longest image.
        seconds: For everything, redirects included.
        resolve: Looks names up.
        tls: Verifies servers; the common certificate authorities when None.
    """

    sniff: Sniffer
    allowed: Allowed = field(default_factory=Allowed)
    max_bytes: int = 20 * 2**20
    seconds: float = 15.0
    resolve: Resolve = system_addresses
    tls: ssl.SSLContext | None = None

    def fetch_url(self, url: str) -> bytes:
        """The bytes of the image."""
        with self._client.open(url, Deadline(self.seconds)) as (at, response):
            return self._read(response, at)

    @cached_property
    def _client(self) -> WebClient:
        return WebClient(wanted=_IMAGE, allowed=self.allowed, resolve=self.resolve, tls=self.tls)

    def _read(self, response: httpcore.Response, url: httpx.URL) -> bytes:
        too_large = TooLargeError(
            f"The image at {shown(url)} is larger than {self.max_bytes} bytes.", remedy="Send a smaller one."
        )
        declared = header(response, b"content-length")
        if declared.isdigit() and int(declared) > self.max_bytes:
            raise too_large
        data, seen = bytearray(), False
        try:
            for piece in _decoded(response, too_large, limit_bytes=self.max_bytes):
                data += piece
                if not seen and len(data) >= _HEAD_BYTES:
                    self._check_type(data, url)
                    seen = True
                if len(data) > self.max_bytes:
                    raise too_large
        except zlib.error as error:
            raise ImageError(
                f"The image at {shown(url)} is packed wrongly: {error}.", remedy=_SEND_IT, reason="address"
            ) from None
        self._check_type(data, url)
        return bytes(data)

    def _check_type(self, data: bytearray, url: httpx.URL) -> None:
        sniffed = self.sniff(url.path, bytes(data[:_HEAD_BYTES]), len(data))
        if sniffed.kind is not MediaKind.IMAGE:
            what = f"is {sniffed.media_type}" if sniffed.media_type else "is of no type that is known"
            raise ImageError(f"What is at {shown(url)} {what}, no image that is read here.", remedy="Send an image.")


def _decoded(response: httpcore.Response, too_large: TooLargeError, *, limit_bytes: int) -> Iterator[bytes]:
    """The body, inflated where it is packed, in pieces of `limit_bytes` and one more at most.

    Raises:
        TooLargeError: More than `limit_bytes` were sent, whatever comes out of them.
        zlib.error: It is packed wrongly, or otherwise than is read here.
    """
    encoding = header(response, b"content-encoding").strip().lower()
    if encoding not in {"", "identity", "gzip", "x-gzip", "deflate"}:
        raise zlib.error(f"as {encoding[:20]}, which was not asked for")
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32) if encoding not in {"", "identity"} else None
    sent = 0
    for piece in response.iter_stream():
        sent += len(piece)
        if sent > limit_bytes:
            raise too_large
        yield inflater.decompress(piece, limit_bytes + 1) if inflater else piece
