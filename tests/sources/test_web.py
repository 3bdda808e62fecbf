"""The fetcher against servers and names that mean harm, on real sockets."""

from __future__ import annotations

import gzip
import itertools
import socket
import ssl
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.errors import ImageError, SettingsError, TooLargeError
from foveal.readers.sniffing import sniff
from foveal.settings import load
from foveal.sources.public_addresses import Allowed, is_public
from foveal.sources.web import WebFetcher, shown
from foveal.testing.contracts.fetcher import PICTURE

LIMIT_BYTES = 64 * 1024
Page = Callable[[BaseHTTPRequestHandler], None]


class Site:
    """A server of pages that tests write."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {"/picture.jpg": send(PICTURE)}
        self.seen: list[dict[str, str]] = []
        self.broken_off = threading.Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.seen.append({k.lower(): v for k, v in self.headers.items()})
                try:
                    site.pages[self.path.partition("?")[0]](self)
                except OSError:
                    site.broken_off.set()

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    def url(self, path: str = "/picture.jpg", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


def send(data: bytes, status: int = 200, **headers: str) -> Page:
    def page(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return page


def to(location: str, status: int = 302) -> Page:
    return send(b"", status, Location=location)


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    thread = threading.Thread(target=site.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield site
    site.server.shutdown()
    site.server.server_close()
    thread.join()


STRICT = WebFetcher(sniff=sniff)
OPEN = WebFetcher(sniff=sniff, allowed=Allowed.of(["127.0.0.1"]), max_bytes=LIMIT_BYTES, seconds=10)


def refusal(fetcher: WebFetcher, url: str) -> str:
    with pytest.raises(ImageError) as caught:
        fetcher.fetch_url(url)
    return str(caught.value)


# --- where from


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "017700000001",
        "127.1",
        "0",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.3.4",
        "192.168.1.1",
        "100.64.0.1",
        "100.100.100.200",
        "169.254.169.254",
        "169.254.170.2",
        "168.63.129.16",
        "192.0.0.192",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[::127.0.0.1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[2002:7f00:1::]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::7f00:1]",
        "[2001:0:1:2:3:4:80ff:fffe]",
        "[fe80::1]",
        "[fec0::1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[ff02::1]",
        "１２７.0.0.1",
        "127.0.0.1.",
    ],
)
def test_no_spelling_of_a_private_address_is_fetched_from(host: str, site: Site) -> None:
    with pytest.raises(ImageError, match=r"not on the public internet|cannot be found|no address"):
        STRICT.fetch_url(site.url(host=host))
    assert site.seen == []


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_in_the_clothes_of_ipv6_is_no_more_public_than_bare(address: object) -> None:
    bare = ip_address(str(address))
    for form in (f"::ffff:{bare}", f"64:ff9b::{bare}"):
        assert is_public(ip_address(form)) == is_public(bare)
    assert not is_public(ip_address(f"::{bare}"))
    assert not is_public(ip_address((0x2002 << 112) | (int(bare) << 80)))


@given(st.ip_addresses())
def test_what_python_knows_to_be_private_is_not_public(address: object) -> None:
    known = ip_address(str(address))
    if known.is_private or known.is_loopback or known.is_link_local or known.is_multicast or known.is_unspecified:
        mapped = getattr(known, "ipv4_mapped", None)
        assert not is_public(mapped or known)


@pytest.mark.parametrize("address", ["8.8.8.8", "52.239.4.1", "2606:4700::1111", "2a01:4f8::1", "64:ff9b::808:808"])
def test_the_public_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.org/a.png",
        "gopher://127.0.0.1:70/_x",
        "http://",
        "http:///a.png",
        "http://[::1",
        "http://a b/",
        "http://example.org:99999/",
        "http://example.org:0/",
        "http://exa\nmple.org/",
        "https:example.org",
        "//example.org/a.png",
    ],
)
def test_odd_addresses_are_refused_before_any_name_is_looked_up(url: str) -> None:
    looked_up: list[str] = []
    fetcher = replace(STRICT, resolve=lambda host, port: looked_up.append(host) or [])
    refusal(fetcher, url)
    assert looked_up == []


def test_an_address_with_a_password_is_refused_and_not_repeated(site: Site) -> None:
    message = refusal(OPEN, f"http://joe:hunter2@127.0.0.1:{site.port}/picture.jpg")
    assert "password" in message
    assert "hunter2" not in message


@pytest.mark.parametrize("port", [1, 22, 25, 110, 143, 445, 587, 993])
def test_ports_of_mail_and_logins_are_refused_on_public_hosts(port: int) -> None:
    fetcher = replace(STRICT, resolve=lambda host, port: ["8.8.8.8"])
    assert f"port {port}" in refusal(fetcher, f"http://example.org:{port}/a.png")


def test_one_private_address_among_public_ones_is_enough_to_refuse(site: Site) -> None:
    fetcher = replace(STRICT, resolve=lambda host, port: ["8.8.8.8", "127.0.0.1"])
    assert "public internet" in refusal(fetcher, site.url(host="mixed.example"))


def test_a_name_that_answers_differently_the_second_time_is_asked_once(site: Site) -> None:
    answers = itertools.chain([["127.0.0.1"]], itertools.repeat(["127.0.0.2"]))
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(answers)

    assert replace(OPEN, resolve=rebinding).fetch_url(site.url(host="rebinding.example")) == PICTURE
    assert asked == ["rebinding.example"]
    assert site.seen[0]["host"] == f"rebinding.example:{site.port}"


def test_a_name_that_turns_private_between_two_hops_is_refused_at_the_second(site: Site) -> None:
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])
    site.pages["/again"] = to("/picture.jpg")
    fetcher = replace(OPEN, resolve=lambda host, port: next(answers))
    assert "public internet" in refusal(fetcher, site.url("/again", host="rebinding.example"))
    assert len(site.seen) == 1


def test_the_operator_opens_hosts_addresses_and_networks(site: Site) -> None:
    for entry in ("localhost", "LOCALHOST", "127.0.0.1", "127.0.0.0/8"):
        fetcher = WebFetcher(sniff=sniff, allowed=Allowed.of([entry]), resolve=lambda host, port: ["127.0.0.1"])
        assert fetcher.fetch_url(site.url(host="localhost")) == PICTURE
    other = WebFetcher(sniff=sniff, allowed=Allowed.of(["127.0.0.2", "example.org"]))
    assert "public internet" in refusal(other, site.url(host="localhost"))


def test_an_entry_of_the_allow_list_that_is_none_is_refused_at_start() -> None:
    for entry in ("http://example.org", "10.0.0.0/99", "*.example.org"):
        with pytest.raises(SettingsError, match=r"fetch\.allow"):
            load({"fetch.allow": f"localhost, {entry}"}, environ={})
    assert load({"fetch.allow": "localhost, 10.0.0.0/8"}, environ={}).fetch.allowed == ("localhost", "10.0.0.0/8")


# --- redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(site: Site, status: int) -> None:
    site.pages["/moved"] = to("picture.jpg?x=1", status)
    assert OPEN.fetch_url(site.url("/moved")) == PICTURE


@pytest.mark.parametrize(
    "target",
    ["http://169.254.169.254/latest/meta-data", "http://[::1]:{port}/picture.jpg", "http://0:{port}/", "//10.0.0.1"],
)
def test_a_redirect_into_the_private_network_is_refused(site: Site, target: str) -> None:
    site.pages["/moved"] = to(target.format(port=site.port))
    assert "public internet" in refusal(OPEN, site.url("/moved"))
    assert len(site.seen) == 1


@pytest.mark.parametrize("target", ["file:///etc/passwd", "javascript:alert(1)", "http://a:b@127.0.0.1/", "http://["])
def test_a_redirect_out_of_the_web_is_refused(site: Site, target: str) -> None:
    site.pages["/moved"] = to(target)
    refusal(OPEN, site.url("/moved"))


def test_five_redirects_are_followed_and_a_sixth_is_not(site: Site) -> None:
    site.pages["/0"] = send(PICTURE)
    for hop in range(1, 7):
        site.pages[f"/{hop}"] = to(f"/{hop - 1}")
    assert OPEN.fetch_url(site.url("/5")) == PICTURE
    assert "more than 5 times" in refusal(OPEN, site.url("/6?sig=hidden"))


def test_nothing_of_the_environment_and_no_cookie_is_sent(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    site.pages["/cookie"] = send(b"", 302, Location="/picture.jpg", Set_Cookie="a=1; Path=/")
    assert OPEN.fetch_url(site.url("/cookie")) == PICTURE
    assert all(sorted(seen) == ["accept", "accept-encoding", "host", "user-agent"] for seen in site.seen)


# --- how much, how long, what


def drip(handler: BaseHTTPRequestHandler, piece: bytes) -> None:
    while True:
        handler.wfile.write(piece)
        handler.wfile.flush()
        time.sleep(0.05)


def headers_that_drip(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    drip(handler, b"a")


def a_body_that_drips(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
    drip(handler, b"\xff")


def silence(handler: BaseHTTPRequestHandler) -> None:
    handler.rfile.read(1)


@pytest.mark.parametrize("page", [headers_that_drip, a_body_that_drips, silence])
def test_a_server_that_drips_is_left_at_the_deadline(site: Site, page: Page) -> None:
    site.pages["/slow"] = page
    began = time.monotonic()
    assert "within 0.6 seconds" in refusal(replace(OPEN, seconds=0.6), site.url("/slow?sig=hidden"))
    assert 0.5 < time.monotonic() - began < 3


def test_a_lookup_that_hangs_is_left_at_the_deadline() -> None:
    released = threading.Event()
    fetcher = replace(STRICT, seconds=0.2, resolve=lambda host, port: [str(released.wait(20))])
    assert "within 0.2 seconds" in refusal(fetcher, "https://slow.example/a.png")
    released.set()


def test_a_redirect_gets_no_time_of_its_own(site: Site) -> None:
    def slow(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.4)
        to("/loop")(handler)

    site.pages["/loop"] = slow
    began = time.monotonic()
    assert "within 0.6 seconds" in refusal(replace(OPEN, seconds=0.6), site.url("/loop"))
    assert time.monotonic() - began < 2


def test_an_endless_body_is_left_soon_after_the_limit(site: Site) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n" + PICTURE)
        for _ in range(10_000):
            handler.wfile.write(bytes(65536))
        raise AssertionError("655 MB were taken")

    site.pages["/endless"] = endless
    with pytest.raises(TooLargeError, match=str(LIMIT_BYTES)):
        OPEN.fetch_url(site.url("/endless"))
    assert site.broken_off.wait(5)


def test_a_declared_length_over_the_limit_is_not_even_begun(site: Site) -> None:
    site.pages["/large"] = send(PICTURE + bytes(LIMIT_BYTES))
    with pytest.raises(TooLargeError):
        OPEN.fetch_url(site.url("/large"))


def test_an_image_of_just_the_limit_is_taken(site: Site) -> None:
    data = PICTURE + bytes(LIMIT_BYTES - len(PICTURE))
    site.pages["/limit"] = send(data)
    assert OPEN.fetch_url(site.url("/limit")) == data


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("GZIP", gzip.compress)]
)
def test_a_packed_image_is_unpacked(site: Site, encoding: str, pack: Callable[[bytes], bytes]) -> None:
    site.pages["/packed"] = send(pack(PICTURE), Content_Encoding=encoding)
    assert OPEN.fetch_url(site.url("/packed")) == PICTURE


def test_a_gzip_bomb_takes_no_more_memory_than_the_limit(site: Site) -> None:
    bomb = gzip.compress(PICTURE + bytes(50_000_000))
    assert len(bomb) < LIMIT_BYTES
    site.pages["/bomb"] = send(bomb, Content_Encoding="gzip")
    tracemalloc.start()
    try:
        with pytest.raises(TooLargeError):
            OPEN.fetch_url(site.url("/bomb"))
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_what_is_sent_is_limited_though_nothing_comes_out_of_it(site: Site) -> None:
    packed = gzip.compress(PICTURE) + bytes(LIMIT_BYTES)

    def undeclared(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + packed)

    site.pages |= {"/declared": send(packed, Content_Encoding="gzip"), "/undeclared": undeclared}
    for path in ("/declared", "/undeclared"):
        with pytest.raises(TooLargeError):
            OPEN.fetch_url(site.url(path))


def test_what_is_packed_wrongly_is_refused(site: Site) -> None:
    site.pages["/broken"] = send(PICTURE, Content_Encoding="gzip")
    site.pages["/other"] = send(PICTURE, Content_Encoding="br")
    assert "packed wrongly" in refusal(OPEN, site.url("/broken"))
    assert "br" in refusal(OPEN, site.url("/other"))


def test_what_is_no_image_is_refused_by_its_bytes_and_not_read_on(site: Site) -> None:
    def page(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n<!doctype html>" + b"x" * 8192)
        handler.wfile.flush()
        handler.rfile.read(1)

    site.pages["/page"] = page
    began = time.monotonic()
    assert "no image" in refusal(OPEN, site.url("/page"))
    assert time.monotonic() - began < 3


def test_an_empty_body_is_no_image(site: Site) -> None:
    site.pages["/empty"] = send(b"")
    assert "no image" in refusal(OPEN, site.url("/empty"))


@pytest.mark.parametrize("status", [204, 206, 304, 401, 403, 404, 500])
def test_any_other_status_than_ok_is_named(site: Site, status: int) -> None:
    site.pages["/status"] = send(b"", status)
    assert str(status) in refusal(OPEN, site.url("/status"))


def test_a_body_shorter_than_declared_and_a_server_that_speaks_otherwise_cannot_be_reached(site: Site) -> None:
    def short(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + PICTURE)

    def otherwise(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")

    site.pages |= {"/short": short, "/otherwise": otherwise}
    for path in ("/short", "/otherwise"):
        assert "cannot be reached" in refusal(OPEN, site.url(path))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert "cannot be reached" in refusal(OPEN, f"http://127.0.0.1:{port}/a.png")


def test_an_unknown_host_cannot_be_found() -> None:
    def nowhere(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "nowhere")

    assert "cannot be found" in refusal(replace(STRICT, resolve=nowhere), "https://nowhere.example/a.png?sig=hidden")


def test_messages_show_host_and_path_and_nothing_secret() -> None:
    assert shown("https://joe:hunter2@example.org:8443/a/b.png?sv=1&sig=hidden#x") == "example.org:8443/a/b.png"
    assert len(shown("https://example.org/" + "a" * 5000)) < 250


# --- TLS


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For `picture.example`, self-signed, key and certificate in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "picture.example")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("picture.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "picture.pem"
    plain = serialization.NoEncryption()
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return file


def test_tls_is_verified_for_the_name_though_the_connection_goes_to_a_checked_address(
    site: Site, certificate: Path
) -> None:
    names: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda sock, name, ctx: names.append(name)
    site.server.socket = context.wrap_socket(site.server.socket, server_side=True)
    trusting = replace(
        OPEN, resolve=lambda host, port: ["127.0.0.1"], tls=ssl.create_default_context(cafile=str(certificate))
    )
    assert trusting.fetch_url(f"https://picture.example:{site.port}/picture.jpg") == PICTURE
    assert names == ["picture.example"]
    assert "cannot be reached" in refusal(trusting, f"https://other.example:{site.port}/picture.jpg")
    strangers = replace(trusting, tls=None)
    assert "cannot be reached" in refusal(strangers, f"https://picture.example:{site.port}/picture.jpg")
