"""Images behind addresses that callers send.

Whoever may send an address may make this machine ask for it, so:

- only `http` and `https`, without user and password; ports 80, 443 and those from 1024 on (below live mail, file
  and login services), unless the operator lists the host;
- the name is resolved here, once a hop; every address it has must be public (`foveal.sources.public_addresses`) or
  listed; the connection goes to an address that was checked, whatever the name says a moment later, while TLS still
  verifies the certificate for the *name*;
- every redirect, at most five, goes through the same checks;
- no proxy, no cookies, nothing read from the environment;
- one deadline over everything, lookups, headers and bytes that drip included; limits on bytes sent and on bytes after
  decompression, checked while they arrive;
- the type is told from the first bytes, and what is no image is not read on.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property

import httpcore
import httpx

from foveal.errors import ImageError, TooLargeError
from foveal.ports import Sniffer
from foveal.sources.public_addresses import Allowed, is_public, parse_address
from foveal.types.assets import MediaKind

Resolve = Callable[[str, int], Sequence[str]]
"""Addresses of a host, best first; raises OSError or UnicodeError when there are none."""
SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]

MAX_REDIRECTS = 5
CONNECT_S = 5.0
"""For one connection, its TLS handshake apart; less when less is left."""
_HEAD_BYTES = 4096
_HEADERS = ((b"User-Agent", b"foveal"), (b"Accept", b"image/*"), (b"Accept-Encoding", b"identity"))
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HOST = re.compile(rb"[0-9A-Za-z._-]+|[0-9A-Fa-f:.]+")
"""A name, in its ASCII form, or an IPv6 address without its brackets."""
_SEND_IT = "Send the image itself as a data URL: data:image/jpeg;base64,…"


def system_addresses(host: str, port: int) -> list[str]:
    """As the operating system resolves."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


@dataclass(frozen=True, kw_only=True)
class WebFetcher:
    """Fetches over HTTP under the rules of the module's docstring.

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
        deadline, at, original = _Deadline(self.seconds), _parse(url), url
        try:
            for _ in range(MAX_REDIRECTS + 1):
                got = self._get(at, deadline)
                if isinstance(got, bytes):
                    return got
                at = got
        except (httpcore.TimeoutException, TimeoutError):
            raise ImageError(
                f"The image at {shown(original)} did not arrive within {self.seconds:g} seconds.", remedy=_SEND_IT
            ) from None
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise ImageError(f"The image at {shown(original)} cannot be reached: {error}.", remedy=_SEND_IT) from None
        raise ImageError(f"{shown(original)} redirects more than {MAX_REDIRECTS} times.", remedy="Send the last one.")

    def _get(self, url: httpx.URL, deadline: _Deadline) -> bytes | httpx.URL:
        """The image, or where to look for it."""
        backend = _Pinned(self._addresses(url, deadline), deadline)
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=_port(url), target=url.raw_path)
        with (
            httpcore.ConnectionPool(ssl_context=self._tls, network_backend=backend) as pool,
            pool.stream("GET", target, headers=[(b"Host", url.netloc), *_HEADERS]) as response,
        ):
            location = _header(response, b"location")
            if response.status in _REDIRECTS and location:
                return _parse(location, base=url)
            if response.status != 200:
                raise ImageError(f"{shown(url)} answers {response.status}, not with an image.", remedy=_SEND_IT)
            return self._read(response, url)

    def _addresses(self, url: httpx.URL, deadline: _Deadline) -> list[str]:
        """Addresses of the host, each checked."""
        port = _port(url)
        # A lookup cannot be interrupted: it is waited for until the deadline, and ends by itself.
        lookup = self._lookups.submit(self.resolve, url.raw_host.decode("ascii"), port)
        try:
            found = list(lookup.result(timeout=deadline.left()))
        except TimeoutError:
            raise
        except (OSError, UnicodeError):
            raise ImageError(f"The host of {shown(url)} cannot be found.", remedy="Check the address.") from None
        checked = [parse_address(text) for text in found]
        if not checked or not all(a is not None and (is_public(a) or self.allowed.opens(url.host, a)) for a in checked):
            raise ImageError(
                f"{shown(url)} is not on the public internet, and this server fetches from nowhere else.",
                remedy=f"{_SEND_IT} The operator may list the host in fetch.allow.",
            )
        listed = all(a is not None and self.allowed.opens(url.host, a) for a in checked)
        if port not in (80, 443) and port < 1024 and not listed:
            raise ImageError(f"{shown(url)} has port {port}, where no images are served.", remedy=_SEND_IT)
        return found

    def _read(self, response: httpcore.Response, url: httpx.URL) -> bytes:
        too_large = TooLargeError(
            f"The image at {shown(url)} is larger than {self.max_bytes} bytes.", remedy="Send a smaller one."
        )
        declared = _header(response, b"content-length")
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
            raise ImageError(f"The image at {shown(url)} is packed wrongly: {error}.", remedy=_SEND_IT) from None
        self._check_type(data, url)
        return bytes(data)

    def _check_type(self, data: bytearray, url: httpx.URL) -> None:
        sniffed = self.sniff(url.path, bytes(data[:_HEAD_BYTES]), len(data))
        if sniffed.kind is not MediaKind.IMAGE:
            what = f"is {sniffed.media_type}" if sniffed.media_type else "is of no type that is known"
            raise ImageError(f"What is at {shown(url)} {what}, no image that is read here.", remedy="Send an image.")

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self.tls or httpx.create_ssl_context(trust_env=False)

    @cached_property
    def _lookups(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(max_workers=8, thread_name_prefix="foveal-lookup")


def shown(url: str | httpx.URL) -> str:
    """Host and path of an address for messages: never its query, which may hold a signature, nor a password."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return "the address given"
    text = f"{parsed.netloc.decode('ascii', 'replace')}{parsed.path}"
    return text if len(text) <= 200 else f"{text[:200]}…"


class _Deadline:
    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds left, more than none.

        Raises:
            httpcore.ReadTimeout: None is.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left


class _Pinned(httpcore.NetworkBackend):
    """Connects to the given addresses, the first that answers, whatever host is asked for."""

    def __init__(self, addresses: Sequence[str], deadline: _Deadline) -> None:
        self._addresses = addresses
        self._deadline = deadline
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.NetworkStream:
        failure: httpcore.ConnectError | httpcore.ConnectTimeout = httpcore.ConnectError("it has no address")
        for address in self._addresses[:4]:
            try:
                stream = self._network.connect_tcp(address, port, timeout=min(CONNECT_S, self._deadline.left()))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
                continue
            return _Timed(stream, self._deadline)
        raise failure


class _Timed(httpcore.NetworkStream):
    """A connection whose every wait ends at the deadline: a server that drips gains nothing."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, timeout=self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout=self._deadline.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, timeout=self._deadline.left())
        return _Timed(secured, self._deadline)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


def _parse(text: str, *, base: httpx.URL | None = None) -> httpx.URL:
    try:
        url = httpx.URL(text.strip()) if base is None else base.join(text)
        port = _port(url)
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise ImageError(f"{shown(text)} is no address.", remedy=_SEND_IT) from None
    if url.scheme not in {"http", "https"} or not _HOST.fullmatch(url.raw_host) or not 0 < port < 65536:
        raise ImageError(f"Images are fetched from http and https addresses, not from {shown(url)}.", remedy=_SEND_IT)
    if url.userinfo:
        raise ImageError(f"The address of {shown(url)} has a user or a password in it.", remedy="Leave them out.")
    return url


def _port(url: httpx.URL) -> int:
    return url.port if url.port is not None else {"http": 80, "https": 443}.get(url.scheme, 0)


def _header(response: httpcore.Response, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in response.headers if key.lower() == name), "")


def _decoded(response: httpcore.Response, too_large: TooLargeError, *, limit_bytes: int) -> Iterator[bytes]:
    """The body, inflated where it is packed, in pieces of `limit_bytes` and one more at most.

    Raises:
        TooLargeError: More than `limit_bytes` were sent, whatever comes out of them.
        zlib.error: It is packed wrongly, or otherwise than is read here.
    """
    encoding = _header(response, b"content-encoding").strip().lower()
    if encoding not in {"", "identity", "gzip", "x-gzip", "deflate"}:
        raise zlib.error(f"as {encoding[:20]}, which was not asked for")
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32) if encoding not in {"", "identity"} else None
    sent = 0
    for piece in response.iter_stream():
        sent += len(piece)
        if sent > limit_bytes:
            raise too_large
        yield inflater.decompress(piece, limit_bytes + 1) if inflater else piece
