"""Links to bytes: signed, bound to what they were made for, ending, and never more than a key's groups may see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import ASGIApp

from foveal.api.links import LIFETIME_S, STEP_S, Links, LinkSigner
from foveal.asgi import create_app
from foveal.errors import ForbiddenError
from foveal.testing.fakes_engine import FakeEngine, fake_chunk
from foveal.testing.fakes_keys import InMemoryApiKeys
from foveal.types.keys import KeyGrant

Serve = Callable[[ASGIApp], str]
SECRET = b"s" * 32
JPEG = b"\xff\xd8\xff jpeg"


@pytest.fixture
def keys() -> InMemoryApiKeys:
    return InMemoryApiKeys()


@pytest.fixture
def key(keys: InMemoryApiKeys) -> str:
    return keys.create(KeyGrant(name="anna", groups=("press",)))[1]


@pytest.fixture
def board(keys: InMemoryApiKeys) -> str:
    return keys.create(KeyGrant(name="bert", groups=("board",)))[1]


@pytest.fixture
def http(engine: FakeEngine, keys: InMemoryApiKeys, key: str, serve: Serve) -> Iterator[httpx.Client]:
    engine.files["secret dogs.jpg"] = b"secret"
    with httpx.Client(
        base_url=serve(create_app(engine, keys=keys, link_secret=SECRET)), trust_env=False, timeout=20
    ) as client:
        yield client


@pytest.fixture
def open_http(engine: FakeEngine, keys: InMemoryApiKeys, key: str, serve: Serve) -> Iterator[httpx.Client]:
    engine.files["secret dogs.jpg"] = b"secret"
    app = create_app(engine, keys=keys, link_secret=SECRET, open_links=True)
    with httpx.Client(base_url=serve(app), trust_env=False, timeout=20) as client:
        yield client


def link(http: httpx.Client, key: str, filepath: str = "dogs.jpg", kind: str = "bytes_url") -> str:
    body = {"index": "photos", "text": "dogs", "collapse": False}
    reply = http.post("/v1/search", json=body, headers={"api-key": key}).json()
    return next(str(hit[kind]) for hit in reply["hits"] if hit["filepath"] == filepath)


def changed(url: str, **parameters: str) -> str:
    """`url` with other values of some parameters; an empty one is taken out."""
    pairs = dict(parse_qsl(urlsplit(url).query)) | parameters
    return url.partition("?")[0] + "?" + urlencode({k: v for k, v in pairs.items() if v})


@pytest.mark.parametrize("kind", ["bytes_url", "thumbnail_url"])
def test_a_link_opens_with_the_key_and_not_without_it(http: httpx.Client, key: str, kind: str) -> None:
    url = link(http, key, kind=kind)
    assert {"expires", "groups", "signature"} <= dict(parse_qsl(urlsplit(url).query)).keys()
    assert http.get(url, headers={"api-key": key}).status_code == 200
    assert http.get(url, headers={"authorization": f"Bearer {key}"}).status_code == 200
    assert http.get(url).status_code == 401
    assert http.get(url, headers={"api-key": "wrong"}).status_code == 401


def test_the_plain_address_is_an_ordinary_request(http: httpx.Client, key: str) -> None:
    plain = link(http, key).partition("?")[0]
    assert http.get(plain, headers={"api-key": key}).content == JPEG
    assert http.get(plain).status_code == 401


def test_a_changed_link_is_refused_even_with_the_key(http: httpx.Client, key: str) -> None:
    url = link(http, key, kind="thumbnail_url")
    other = url.replace(fake_chunk("dogs.jpg", "").chunk_id, fake_chunk("secret dogs.jpg", "").chunk_id)
    assert other != url
    for wrong in (
        changed(url, expires="99999999999"),
        changed(url, groups=""),
        changed(url, groups="WyJib2FyZCJd"),
        changed(url, size="2048"),
        changed(url, box="0,0,1,1"),
        changed(url, signature="A" * 43),
        changed(url, signature="ü"),
        url + "&signature=A",
        url.replace("/thumbnail?", "/bytes?"),
        url.replace("/photos/", "/texts/"),
        other,
    ):
        reply = http.get(wrong, headers={"api-key": key})
        assert reply.status_code == 403, wrong
        assert "changed" in reply.json()["error"]["message"]
        assert reply.json()["error"]["code"] == "forbidden"


def test_a_link_does_not_widen_what_a_key_may_see(http: httpx.Client, key: str, board: str) -> None:
    secret = link(http, board, "secret dogs.jpg")
    assert http.get(secret, headers={"api-key": board}).content == b"secret"
    assert http.get(secret, headers={"api-key": key}).status_code == 404


def test_an_open_link_needs_no_key_but_its_signature(open_http: httpx.Client, key: str) -> None:
    for kind in ("bytes_url", "thumbnail_url"):
        url = link(open_http, key, kind=kind)
        reply = open_http.get(url)
        assert reply.status_code == 200
        assert reply.headers["cross-origin-resource-policy"] == "cross-origin"  # or no other page may show it
        assert open_http.get(url, headers={"api-key": "wrong"}).status_code == 401
        assert open_http.get(url.partition("?")[0]).status_code == 401
        assert open_http.get(changed(url, size="64")).status_code == 403
    assert open_http.post("/v1/search", json={"text": "dogs"}).status_code == 401


def test_an_open_link_shows_what_its_groups_may_still_see(
    engine: FakeEngine, open_http: httpx.Client, board: str
) -> None:
    url = link(open_http, board, "secret dogs.jpg")
    assert open_http.get(url).content == b"secret"
    hidden = fake_chunk("secret dogs.jpg", "dogs for the board only", group_ids=("owners",))
    engine.indexes["photos"] = [c for c in engine.indexes["photos"] if c.chunk_id != hidden.chunk_id] + [hidden]
    assert open_http.get(url).status_code == 404


def test_an_expired_link_says_so(engine: FakeEngine, keys: InMemoryApiKeys, key: str, serve: Serve) -> None:
    url = serve(create_app(engine, keys=keys, link_secret=SECRET, open_links=True))
    chunk = engine.indexes["photos"][0]
    path = f"/v1/indexes/photos/chunks/{chunk.chunk_id}/bytes"
    old = LinkSigner(secret=SECRET, now=lambda: 0.0).query(path, None, {})
    for headers in ({}, {"api-key": key}):
        reply = httpx.get(f"{url}{path}?{old}", headers=headers, trust_env=False)
        assert reply.status_code == 403
        assert "expired on 1970-01-02" in reply.json()["error"]["message"]


def test_links_live_a_day_and_are_the_same_for_an_hour() -> None:
    clock = [1_700_000_000.0 // STEP_S * STEP_S]
    signer = LinkSigner(secret=SECRET, now=lambda: clock[0])
    first = signer.query("/p", None, {})
    clock[0] += STEP_S - 1
    assert signer.query("/p", None, {}) == first
    clock[0] += 1
    assert signer.query("/p", None, {}) != first
    clock[0] += LIFETIME_S - 1
    assert signer.check("/p", first) is not None
    clock[0] += 1
    with pytest.raises(ForbiddenError, match="expired"):
        signer.check("/p", first)


@given(
    path=st.text(min_size=1),
    groups=st.none() | st.lists(st.text(), max_size=3).map(tuple),
    parameters=st.dictionaries(st.sampled_from(["size", "box", "page"]), st.text(), max_size=3),
)
def test_whatever_is_signed_is_known_again(
    path: str, groups: tuple[str, ...] | None, parameters: dict[str, str]
) -> None:
    query = LinkSigner(secret=SECRET).query(path, groups, parameters)
    link = LinkSigner(secret=SECRET).check(path, query)
    assert link is not None
    assert link.groups == groups
    with pytest.raises(ForbiddenError):
        LinkSigner(secret=b"other" * 7).check(path, query)
    with pytest.raises(ForbiddenError):
        LinkSigner(secret=SECRET).check(path + "x", query)


@given(st.text())
def test_no_query_from_outside_breaks_the_check(query: str) -> None:
    try:
        assert LinkSigner(secret=SECRET).check("/p", query) is None
    except ForbiddenError:
        assert "signature" in query


def test_the_secret_is_not_shown() -> None:
    assert "ssss" not in repr(LinkSigner(secret=SECRET))
    assert "ssss" not in repr(Links(base="http://x", signer=LinkSigner(secret=SECRET)))


PARTS = [
    ("bytes=0-3", 206, 0, 4),
    ("bytes=4-", 206, 4, 8),
    ("bytes=-2", 206, 6, 8),
    ("bytes=0-999", 206, 0, 8),
    ("bytes=-999", 206, 0, 8),
    ("bytes=8-", 416, 0, 0),
    ("bytes=99-100", 416, 0, 0),
    ("bytes=-0", 416, 0, 0),
    ("bytes=3-1", 200, 0, 8),
    ("bytes=0-1,3-4", 200, 0, 8),
    ("bytes=-", 200, 0, 8),
    ("lines=0-1", 200, 0, 8),
    ("nonsense", 200, 0, 8),
]


@pytest.mark.parametrize(("asked", "status", "start", "stop"), PARTS)
def test_one_part_of_a_file_can_be_asked_for(
    http: httpx.Client, key: str, asked: str, status: int, start: int, stop: int
) -> None:
    assert len(JPEG) == 8
    reply = http.get(link(http, key), headers={"api-key": key, "range": asked})
    assert reply.status_code == status
    assert reply.content == JPEG[start:stop]
    if status == 206:
        assert reply.headers["content-range"] == f"bytes {start}-{stop - 1}/8"
    if status == 416:
        assert reply.headers["content-range"] == "bytes */8"
    assert reply.headers["accept-ranges"] == "bytes"


def test_a_part_of_another_state_of_the_file_is_not_given(http: httpx.Client, key: str) -> None:
    url = link(http, key)
    headers = {"api-key": key, "range": "bytes=0-3"}
    tag = http.get(url, headers=headers).headers["etag"]
    assert http.get(url, headers={**headers, "if-range": tag}).status_code == 206
    assert http.get(url, headers={**headers, "if-range": '"old"'}).content == JPEG


@pytest.mark.parametrize("kind", ["bytes_url", "thumbnail_url"])
def test_head_says_what_get_would_without_the_bytes(http: httpx.Client, key: str, kind: str) -> None:
    url = link(http, key, kind=kind)
    got, head = (http.request(m, url, headers={"api-key": key}) for m in ("GET", "HEAD"))
    assert head.status_code == 200
    assert head.content == b""
    for name in ("content-length", "content-type", "etag", "cache-control", "content-security-policy"):
        assert head.headers[name] == got.headers[name]
    assert "private" in got.headers["cache-control"]
    assert "sandbox" in got.headers["content-security-policy"]
    again = http.get(url, headers={"api-key": key, "if-none-match": got.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert http.head(url).status_code == 401
