"""A client of the web for addresses that callers send, which reaches nothing that callers should not.

Whoever may send an address may make this machine ask for it, so:

- only `http` and `https`, without user and password; ports 80, 443 and those from 1024 on (below live mail, file
  and login services), unless the operator lists the host;
- the name is resolved here, once a hop; every address it has must be public (`foveal.sources.public_addresses`) or
  listed; the connection goes to an address that was checked, whatever the name says a moment later, while TLS still
  verifies the certificate for the *name*;
- every redirect, at most five, goes through the same checks;
- no proxy, no cookies, nothing read from the environment;
- one deadline over everything, lookups, headers and bytes that drip included.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

import httpcore
import httpx

from foveal.errors import ImageError
from foveal.sources.public_addresses import Allowed, is_public, parse_address

Resolve = Callable[[str, int], Sequence[str]]
"""Addresses of a host, best first; raises OSError or UnicodeError when there are none."""
SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]

MAX_REDIRECTS = 5
CONNECT_S = 5.0
"""For one connection, its TLS handshake apart; less when less is left."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HOST = re.compile(rb"[0-9A-Za-z._-]+|[0-9A-Fa-f:.]+")
"""A name, in its ASCII form, or an IPv6 address without its brackets."""


def system_addresses(host: str, port: int) -> list[str]:
    """As the operating system resolves."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is fetched, as messages name it.

    Attributes:
        noun: Such as `image`.
        remedy: What a caller can do instead.
        accept: The header of that name.
    """

    noun: str
    remedy: str
    accept: str = "*/*"


@dataclass(frozen=True, kw_only=True)
class WebClient:
    """Opens addresses under the rules of the module's docstring.

    Attributes:
        wanted: What for.
        allowed: What the operator opens beyond the public internet.
        resolve: Looks names up.
        tls: Verifies servers; the common certificate authorities when None.
    """

    wanted: Wanted
    allowed: Allowed = field(default_factory=Allowed)
    resolve: Resolve = system_addresses
    tls: ssl.SSLContext | None = None

    @contextmanager
    def open(
        self,
        url: str,
        deadline: Deadline,
        *,
        headers: Sequence[tuple[bytes, bytes]] = (),
        codes: Sequence[int] = (200,),
    ) -> Iterator[tuple[httpx.URL, httpcore.Response]]:
        """The response behind an address, its body unread, and the address that it is from in the end.

        Args:
            headers: Besides the usual ones.
            codes: Statuses that are no failure.

        Raises:
            ImageError: No address to fetch from, nothing there in time; reason `address`. Also in the block, for what
                the network does while the body is read.
        """
        at = self._parse(url)
        try:
            for _ in range(MAX_REDIRECTS + 1):
                with self._asked(at, deadline, headers) as response:
                    location = header(response, b"location")
                    if response.status not in _REDIRECTS or not location:
                        self._check_status(response, at, codes)
                        yield at, response
                        return
                    at = self._parse(location, base=at)
        except (httpcore.TimeoutException, TimeoutError):
            if deadline.is_over:
                said = f"did not arrive within {deadline.seconds:g} seconds"
                raise self._failure(f"The {self.wanted.noun} at {shown(url)} {said}.") from None
            raise self._interrupted(url, "nothing came any more") from None
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise self._interrupted(url, str(error)) from None
        raise self._failure(f"{shown(url)} redirects more than {MAX_REDIRECTS} times.", "Send the last one.")

    def _check_status(self, response: httpcore.Response, at: httpx.URL, codes: Sequence[int]) -> None:
        if response.status not in codes:
            raise self._failure(f"{shown(at)} answers {response.status}, not with {self._a_noun}.")

    @property
    def _a_noun(self) -> str:
        return f"{'an' if self.wanted.noun[0] in 'aeiou' else 'a'} {self.wanted.noun}"

    @contextmanager
    def _asked(
        self, url: httpx.URL, deadline: Deadline, more: Sequence[tuple[bytes, bytes]]
    ) -> Iterator[httpcore.Response]:
        backend = _Pinned(self._addresses(url, deadline), deadline)
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=_port(url), target=url.raw_path)
        usual = (
            (b"Host", url.netloc),
            (b"User-Agent", b"foveal"),
            (b"Accept", self.wanted.accept.encode()),
            (b"Accept-Encoding", b"identity"),
        )
        with (
            httpcore.ConnectionPool(ssl_context=self._tls, network_backend=backend) as pool,
            pool.stream("GET", target, headers=[*usual, *more]) as response,
        ):
            yield response

    def _addresses(self, url: httpx.URL, deadline: Deadline) -> list[str]:
        """Addresses of the host, each checked."""
        port = _port(url)
        # A lookup cannot be interrupted: it is waited for until the deadline, and ends by itself.
        lookup = self._lookups.submit(self.resolve, url.raw_host.decode("ascii"), port)
        try:
            found = list(lookup.result(timeout=deadline.left()))
        except TimeoutError:
            raise
        except (OSError, UnicodeError):
            raise self._failure(f"The host of {shown(url)} cannot be found.", "Check the address.") from None
        checked = [parse_address(text) for text in found]
        if not checked or not all(a is not None and (is_public(a) or self.allowed.opens(url.host, a)) for a in checked):
            raise self._failure(
                f"{shown(url)} is not on the public internet, and this server fetches from nowhere else.",
                f"{self.wanted.remedy} The operator may list the host in fetch.allow.",
            )
        listed = all(a is not None and self.allowed.opens(url.host, a) for a in checked)
        if port not in (80, 443) and port < 1024 and not listed:
            raise self._failure(f"{shown(url)} has port {port}, where no {self.wanted.noun}s are served.")
        return found

    def _parse(self, text: str, *, base: httpx.URL | None = None) -> httpx.URL:
        try:
            url = httpx.URL(text.strip()) if base is None else base.join(text)
            port = _port(url)
        except (httpx.InvalidURL, UnicodeError, ValueError):
            raise self._failure(f"{shown(text)} is no address.") from None
        if url.scheme not in {"http", "https"} or not _HOST.fullmatch(url.raw_host) or not 0 < port < 65536:
            noun = f"{self.wanted.noun}s".capitalize()
            raise self._failure(f"{noun} are fetched from http and https addresses, not from {shown(url)}.")
        if url.userinfo:
            raise self._failure(f"The address of {shown(url)} has a user or a password in it.", "Leave them out.")
        return url

    def _failure(self, message: str, remedy: str = "") -> ImageError:
        return ImageError(message, remedy=remedy or self.wanted.remedy, reason="address")

    def _interrupted(self, url: str, why: str) -> InterruptedFetchError:
        message = f"The {self.wanted.noun} at {shown(url)} cannot be reached: {why}."
        return InterruptedFetchError(message, remedy=self.wanted.remedy, reason="address")

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self.tls or httpx.create_ssl_context(trust_env=False)

    @cached_property
    def _lookups(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(max_workers=8, thread_name_prefix="foveal-lookup")


class InterruptedFetchError(ImageError):
    """The network failed: the same request may succeed a moment later."""


def shown(url: str | httpx.URL) -> str:
    """Host and path of an address for messages: never its query, which may hold a signature, nor a password."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return "the address given"
    text = f"{parsed.netloc.decode('ascii', 'replace')}{parsed.path}"
    return text if len(text) <= 200 else f"{text[:200]}…"


class Deadline:
    """When everything has to be over, and for how long nothing may come.

    Args:
        seconds: From now on.
        stall_s: Longest silence; None: until the end.
    """

    def __init__(self, seconds: float, *, stall_s: float | None = None) -> None:
        self.seconds = seconds
        self._stall_s = stall_s
        self._end = time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        """Whether no time is left."""
        return time.monotonic() >= self._end

    def left(self) -> float:
        """Seconds to wait for the next thing, more than none.

        Raises:
            httpcore.ReadTimeout: None is.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left if self._stall_s is None else min(left, self._stall_s)


class _Pinned(httpcore.NetworkBackend):
    """Connects to the given addresses, the first that answers, whatever host is asked for."""

    def __init__(self, addresses: Sequence[str], deadline: Deadline) -> None:
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

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
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


def _port(url: httpx.URL) -> int:
    return url.port if url.port is not None else {"http": 80, "https": 443}.get(url.scheme, 0)


def header(response: httpcore.Response, name: bytes) -> str:
    """A header's value, empty when it is absent."""
    return next((value.decode("latin-1") for key, value in response.headers if key.lower() == name), "")
