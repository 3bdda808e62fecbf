"""Files of any kind behind addresses that callers send, fetched onto the disk by the rules of `web_client`.

They may be hours of video: nothing is held in memory, and a connection that breaks off is taken up again where it was
(RFC 9110, section 14: `Range`, with `If-Range` so that it is still the same file), as long as some bytes come.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from functools import cached_property
from typing import BinaryIO, Final

import httpcore

from foveal.errors import AssetLimitError, ImageError, UnreadableAssetError
from foveal.sources.public_addresses import Allowed
from foveal.sources.web_client import (
    Deadline,
    InterruptedFetchError,
    Resolve,
    Wanted,
    WebClient,
    header,
    shown,
    system_addresses,
)

_FILE: Final = Wanted(noun="file", remedy="Check that the address opens, and that its signature is still valid.")
_STALL_S: Final = 60.0
_RETRIES: Final = 5
"""Times in a row that a connection may break off without a single byte."""
_WHOLE, _PART = 200, 206


@dataclass(frozen=True, kw_only=True)
class WebDownloader:
    """`foveal.ports.Downloader` over HTTP.

    Attributes:
        allowed: What the operator opens beyond the public internet.
        max_bytes: Longest file.
        seconds: For everything.
        resolve: Looks names up.
        tls: Verifies servers; the common certificate authorities when None.
    """

    allowed: Allowed = field(default_factory=Allowed)
    max_bytes: int = 8 * 2**30
    seconds: float = 3600.0
    resolve: Resolve = system_addresses
    tls: ssl.SSLContext | None = None

    def download(self, url: str, into: BinaryIO) -> int:
        """Write the bytes behind an address."""
        getting = _Getting(url, into, self._client, Deadline(self.seconds, stall_s=_STALL_S), self.max_bytes)
        try:
            return getting.all()
        except ImageError as error:  # what the client of the web calls whatever it cannot fetch
            raise UnreadableAssetError(error.message, remedy=error.remedy, stage="fetch") from None

    @cached_property
    def _client(self) -> WebClient:
        return WebClient(wanted=_FILE, allowed=self.allowed, resolve=self.resolve, tls=self.tls)


class _Getting:
    """One file under way."""

    def __init__(self, url: str, into: BinaryIO, client: WebClient, deadline: Deadline, max_bytes: int) -> None:
        self._url = url
        self._into = into
        self._client = client
        self._deadline = deadline
        self._max_bytes = max_bytes
        self._done = 0
        self._mark = ""
        """What tells that the file is still the same: its ETag."""

    def all(self) -> int:
        failed = 0
        while True:
            before = self._done
            try:
                self._some()
            except InterruptedFetchError:
                failed = 0 if self._done > before else failed + 1
                if failed >= _RETRIES or not self._mark:
                    raise
                continue
            return self._done

    def _some(self) -> None:
        """From where it stands to the end, or until the connection breaks."""
        headers = [(b"Range", b"bytes=%d-" % self._done), (b"If-Range", self._mark.encode())] if self._done else []
        with self._client.open(self._url, self._deadline, headers=headers, codes=(_WHOLE, _PART)) as (_, response):
            if response.status == _WHOLE and self._done:  # another file by now, or a server without ranges
                self._done = 0
                self._into.seek(0)
                self._into.truncate()
            etag = header(response, b"etag")
            self._mark = etag if not etag.startswith("W/") else ""
            declared = header(response, b"content-length")
            self._check_size(self._done + (int(declared) if declared.isdigit() else 0))
            self._write(response)

    def _write(self, response: httpcore.Response) -> None:
        for piece in response.iter_stream():
            self._check_size(self._done + len(piece))
            self._into.write(piece)
            self._done += len(piece)

    def _check_size(self, size_bytes: int) -> None:
        if size_bytes > self._max_bytes:
            raise AssetLimitError(
                f"The file at {shown(self._url)} is larger than {self._max_bytes} bytes.",
                remedy="Send a smaller one; the operator may raise fetch.file_bytes.",
                stage="fetch",
            )
