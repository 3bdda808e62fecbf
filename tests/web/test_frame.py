"""The frame: what is sent with every page, and that pages ask for no key while their data does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import httpx
import pytest
from starlette.types import ASGIApp

from foveal.asgi import create_app
from foveal.testing.fakes_engine import FakeEngine, fake_chunk
from foveal.web.site import PAGES

Serve = Callable[[ASGIApp], str]
KEY = "a-key-of-the-settings"


@pytest.fixture
def http(serve: Serve) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=serve(create_app(_engine())), timeout=20, trust_env=False) as client:
        yield client


@pytest.fixture
def locked(serve: Serve) -> Iterator[httpx.Client]:
    app = create_app(_engine(), api_keys=[KEY])
    with httpx.Client(base_url=serve(app), timeout=20, trust_env=False) as client:
        yield client


def _engine() -> FakeEngine:
    return FakeEngine({"texts": [fake_chunk("a.md", "The harbour opens at nine.")]})


OWN = [page for page in PAGES if page.name != "embedded"]
"""The other is shown in frames, where that is allowed: tests/people/test_embed.py."""


@pytest.mark.parametrize("page", OWN, ids=lambda page: page.name)
def test_nothing_of_elsewhere_and_nothing_inline_may_run(http: httpx.Client, page: object) -> None:
    reply = http.get(page.path + ("x" if page.more else ""))  # type: ignore[attr-defined]
    policy = dict(part.split(" ", 1) for part in reply.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in reply.headers["content-security-policy"]
    assert reply.headers["x-content-type-options"] == "nosniff"
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", reply.text, re.DOTALL)
    assert all("application/json" in attributes or not body.strip() for attributes, body in scripts)
    assert not re.search(r"\son\w+=|\sstyle=|javascript:", reply.text)
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", reply.text)


def test_static_files_are_kept_for_ever_under_an_address_of_their_content(http: httpx.Client) -> None:
    page = http.get("/").text
    for address in re.findall(r"""(?:src|href)="(/static/[^"]+)""", page):
        reply = http.get(address)
        assert reply.status_code == 200, address
        assert "immutable" in reply.headers["cache-control"]
        assert reply.headers["content-encoding"] == "gzip"
    name = address.rpartition("/")[2]
    assert http.get(f"/static/0000000000000000/{name}").status_code == 404
    assert http.get(address.rpartition("/")[0] + "/../site.py").status_code == 404


def test_a_module_imports_only_files_that_are_there(http: httpx.Client) -> None:
    page = http.get("/").text
    waiting, seen = set(re.findall(r"""src="(/static/[^"]+\.js)""", page)), set()
    while waiting:
        address = waiting.pop()
        seen.add(address)
        reply = http.get(address)
        assert reply.status_code == 200, address
        for name in re.findall(r"""from "\./([\w.-]+)";""", reply.text):
            waiting |= {address.rpartition("/")[0] + f"/{name}"} - seen
    assert len(seen) > 3


@pytest.mark.parametrize(("accepted", "expected"), [("de", "Zum Inhalt"), ("th", "ข้ามไปยัง"), ("fr", "Skip to")])
def test_a_page_speaks_the_language_of_its_reader(http: httpx.Client, accepted: str, expected: str) -> None:
    assert expected in http.get("/", headers={"accept-language": accepted}).text
    chosen = http.get("/", headers={"accept-language": accepted, "cookie": "foveal_language=de"})
    assert 'lang="de"' in chosen.text


def test_pages_need_no_key_but_their_data_does(locked: httpx.Client) -> None:
    assert locked.get("/").status_code == 200
    assert locked.get("/sign-in").status_code == 200
    assert locked.get("/v1/indexes").status_code == 401
    assert locked.get("/v1/session").status_code == 401
    assert locked.post("/").status_code == 401


def test_a_session_opens_with_a_key_and_ends(locked: httpx.Client) -> None:
    reply = locked.post("/v1/session", json={"key": KEY})
    assert reply.status_code == 204
    cookie = reply.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert KEY not in reply.headers["set-cookie"]
    me = locked.get("/v1/session").json()
    assert (me["name"], me["role"], me["signed_in"]) == ("owner", "owner", True)
    assert locked.get("/v1/indexes").status_code == 200
    assert locked.delete("/v1/session", headers={"x-foveal-token": me["token"]}).status_code == 200
    assert locked.get("/v1/indexes").status_code == 401


def test_a_wrong_key_opens_no_session(locked: httpx.Client) -> None:
    assert locked.post("/v1/session", json={"key": "wrong"}).status_code == 401
    assert locked.post("/v1/session", json={"key": ""}).status_code == 400
    assert locked.get("/v1/indexes", headers={"cookie": "foveal_session=forged"}).status_code == 401


def test_a_foreign_page_cannot_change_anything_with_the_cookie(locked: httpx.Client) -> None:
    locked.post("/v1/session", json={"key": KEY})
    question = {"index": "texts", "text": "harbour"}
    assert locked.post("/v1/search", json=question).status_code == 403
    assert locked.post("/v1/search", json=question, headers={"x-foveal-token": "guess"}).status_code == 403
    token = locked.get("/v1/session").json()["token"]
    assert locked.post("/v1/search", json=question, headers={"x-foveal-token": token}).status_code == 200
    assert locked.post("/v1/search", json=question, headers={"api-key": KEY}).status_code == 200
