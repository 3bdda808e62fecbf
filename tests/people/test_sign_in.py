"""Signing in over HTTP, and what two people in different groups get to see: each their own (A1, A2, W7)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from urllib.parse import urljoin

import httpx
import pytest
from starlette.types import ASGIApp

from foveal.api import reception
from foveal.api.sessions import COOKIE, PERSON, TOKEN_HEADER, Session, Sessions
from foveal.asgi import create_app
from foveal.identity.desk import FREE_TRIES, RENEWED_AFTER
from foveal.identity.openid import OpenIdClient, OpenIdProvider
from foveal.testing.fakes_engine import FakeEngine
from foveal.testing.fakes_keys import InMemoryApiKeys
from foveal.types.keys import KeyGrant, Role
from foveal.types.people import Account

from .conftest import DOGS, SECRET
from .provider import API, running, travel
from .test_identity import RULES, access_token

PASSWORD = "correct horse battery"
SEED = b"s" * 32
PEOPLE = {
    "anna": {"name": "Anna", "groups": ["board"]},
    "bert": {"name": "Bert", "groups": ["staff"]},
    "carla": {"name": "Carla", "groups": [], "roles": ["Foveal.Owner"]},
}
Serve = Callable[[ASGIApp], str]
Browser = Callable[[], httpx.Client]


@pytest.fixture
def url(engine: FakeEngine, keys: InMemoryApiKeys, serve: Serve) -> str:
    return serve(create_app(engine, keys=keys, link_secret=SEED))


@pytest.fixture
def browser(url: str) -> Iterator[Browser]:
    """Browsers, each with cookies of its own."""
    opened: list[httpx.Client] = []

    def made() -> httpx.Client:
        opened.append(httpx.Client(base_url=url, timeout=20, trust_env=False))
        return opened[-1]

    yield made
    for each in opened:
        each.close()


def account(engine: FakeEngine, name: str, **more: object) -> None:
    engine.desk.add(Account(name=name, created_at=datetime.now(UTC), **more), PASSWORD)  # type: ignore[arg-type]


def sign_in(http: httpx.Client, name: str, password: str = PASSWORD) -> httpx.Response:
    reply = http.post("/v1/session", json={"name": name, "password": password})
    if reply.status_code == 204:
        http.headers[TOKEN_HEADER] = http.get("/v1/session").json()["token"]
    return reply


def test_a_server_without_people_asks_nobody_to_sign_in(browser: Browser) -> None:
    http = browser()
    assert http.get("/v1/session").json()["name"] == "local"
    assert http.get("/v1/session/ways").json() == {"key": False, "password": False, "provider": None}
    assert http.get("/v1/session/openid").headers["location"] == "/sign-in"


def test_with_the_first_account_everybody_has_to_sign_in(
    engine: FakeEngine, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reception, "FRESH_S", 0.05)
    http = browser()
    assert http.get("/v1/indexes").status_code == 200
    account(engine, "anna", groups=("board",), role=Role.CONTRIBUTOR)
    time.sleep(0.1)
    assert http.get("/v1/indexes").status_code == 401
    assert http.get("/").status_code == 200  # a page holds no data; it sends the browser to the sign-in page
    assert http.get("/v1/session/ways").json()["password"]
    reply = sign_in(http, "anna")
    cookie = reply.headers["set-cookie"]
    assert reply.status_code == 204
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert PASSWORD not in cookie
    me = http.get("/v1/session").json()
    assert (me["name"], me["role"], me["groups"], me["signed_in"]) == ("anna", "contributor", ["board"], True)
    assert http.delete("/v1/session").json() == {"leave_url": ""}
    assert http.get("/v1/indexes").status_code == 401
    engine.desk.remove("anna")
    time.sleep(0.1)
    assert http.get("/v1/indexes").status_code == 401  # removing the last one opens nothing


def test_a_session_that_was_ended_is_over_for_a_copied_cookie_too(engine: FakeEngine, browser: Browser) -> None:
    account(engine, "anna")
    http, thief = browser(), browser()
    sign_in(http, "anna")
    thief.cookies.set(COOKIE, http.cookies[COOKIE])
    assert thief.get("/v1/indexes").status_code == 200
    http.delete("/v1/session")
    assert thief.get("/v1/indexes").status_code == 401


def test_a_wrong_password_is_refused_and_guessing_made_slow(engine: FakeEngine, browser: Browser) -> None:
    account(engine, "anna")
    http = browser()
    for _ in range(FREE_TRIES):
        refused = sign_in(http, "anna", "wrong")
        assert refused.status_code == 401
        assert refused.json()["error"]["innererror"]["code"] == "sign_in_refused"
        assert "set-cookie" not in refused.headers
    slow = sign_in(http, "anna")
    assert slow.status_code == 429
    assert int(slow.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    "body", [{}, {"key": "k", "name": "anna"}, {"name": "anna", "password": "x", "more": 1}, {"key": "k" * 2000}]
)
def test_a_body_that_is_neither_is_refused(engine: FakeEngine, browser: Browser, body: dict) -> None:
    account(engine, "anna")
    assert browser().post("/v1/session", json=body).status_code == 400


def test_a_call_with_the_cookie_alone_changes_nothing(engine: FakeEngine, browser: Browser) -> None:
    account(engine, "anna")
    http = browser()
    sign_in(http, "anna")
    token = http.headers.pop(TOKEN_HEADER)
    body = {"messages": [{"role": "user", "content": "x"}]}
    for wrong in ({}, {TOKEN_HEADER: ""}, {TOKEN_HEADER: token[:-1]}, {TOKEN_HEADER: "ü".encode()}):
        assert http.post("/v1/conversations", json=body, headers=wrong).status_code == 403
        assert http.delete("/v1/session", headers=wrong).status_code == 403
    assert http.get("/v1/conversations").json()["conversations"] == []
    assert http.post("/v1/conversations", json=body, headers={TOKEN_HEADER: token}).status_code == 201


@pytest.mark.parametrize("headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}])
def test_another_site_signs_nobody_in(engine: FakeEngine, browser: Browser, headers: dict[str, str]) -> None:
    account(engine, "anna")
    body = {"name": "anna", "password": PASSWORD}
    assert browser().post("/v1/session", json=body, headers=headers).status_code == 403


def test_a_cookie_is_renewed_and_the_page_goes_on(
    engine: FakeEngine, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    account(engine, "anna")
    http = browser()
    sign_in(http, "anna")
    old = http.cookies[COOKIE]
    assert "set-cookie" not in http.get("/v1/session").headers
    later = datetime.now(UTC) + RENEWED_AFTER
    monkeypatch.setattr(engine.desk, "_now", lambda: later)
    assert "HttpOnly" in http.get("/v1/session").headers["set-cookie"]
    assert http.cookies[COOKIE] != old
    body = {"messages": [{"role": "user", "content": "x"}]}
    assert http.post("/v1/conversations", json=body).status_code == 201  # with the token the page had before
    first, second = (Sessions(secret=SEED).open(cookie) for cookie in (old, http.cookies[COOKIE]))
    assert first is not None
    assert second is not None
    assert first.value != second.value


def test_a_cookie_that_was_made_up_opens_nothing(engine: FakeEngine, browser: Browser) -> None:
    account(engine, "anna")
    for cookie in (
        "",
        "x",
        Sessions(secret=b"o" * 32).seal(Session(kind=PERSON, value="fake-0001.0")),
        Sessions(secret=SEED).seal(Session(kind=PERSON, value="fake-0001.0")),
        Sessions(secret=SEED).seal(Session(kind="other", value="x")),
    ):
        http = browser()
        http.cookies.set(COOKIE, cookie)
        assert http.get("/v1/indexes").status_code == 401


def test_a_key_still_opens_beside_people(engine: FakeEngine, keys: InMemoryApiKeys, browser: Browser) -> None:
    account(engine, "anna")
    key = keys.create(KeyGrant(name="program"))[1]
    assert browser().get("/v1/indexes", headers={"api-key": key}).status_code == 200
    http = browser()
    assert http.post("/v1/session", json={"key": key}).status_code == 204
    assert http.get("/v1/session").json()["name"] == "program"


# --- with a provider


@pytest.fixture
def at_work(engine: FakeEngine, url: str) -> Iterator[str]:
    """The server with a real provider; gives the provider's address."""
    with running(PEOPLE, [f"{url}/v1/session/openid/arrival"]) as real:
        client = OpenIdClient(issuer=real.issuer, client_id="foveal", secret="secret", audiences=(API,), label="Work")
        engine.desk.provider = OpenIdProvider(client, RULES)
        yield real.issuer


def arrive(http: httpx.Client, person: str, next_: str = "/") -> httpx.Response:
    """Go to the provider, sign in there, and come back."""
    away = http.get("/v1/session/openid", params={"next": next_})
    assert away.status_code == 303, away.text
    arrival = urljoin(str(http.base_url), "/v1/session/openid/arrival")
    reply = http.get("/v1/session/openid/arrival", params=travel(away.headers["location"], person, arrival))
    if "location" in reply.headers and reply.headers["location"] != "/sign-in":
        http.headers[TOKEN_HEADER] = http.get("/v1/session").json()["token"]
    return reply


def test_somebody_comes_back_from_the_provider_signed_in(at_work: str, browser: Browser) -> None:
    http = browser()
    assert http.get("/v1/indexes").status_code == 401
    assert http.get("/v1/session/ways").json() == {"key": False, "password": False, "provider": "Work"}
    back = arrive(http, "carla", "/?chat=1")
    assert (back.status_code, back.headers["location"]) == (303, "/?chat=1")
    me = http.get("/v1/session").json()
    assert (me["name"], me["role"], me["groups"]) == ("Carla", "owner", [])
    leave = http.delete("/v1/session").json()["leave_url"]
    assert leave.startswith(f"{at_work}/session/end?client_id=foveal&post_logout_redirect_uri=")
    assert http.get("/v1/indexes").status_code == 401


@pytest.mark.parametrize(
    "goal", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", ""]
)
def test_nobody_is_sent_elsewhere_after_signing_in(at_work: str, browser: Browser, goal: str) -> None:
    assert arrive(browser(), "anna", goal).headers["location"] == "/"


def test_an_answer_that_was_not_asked_for_signs_nobody_in(at_work: str, browser: Browser) -> None:
    victim, attacker = browser(), browser()
    away = attacker.get("/v1/session/openid")
    arrival = urljoin(str(attacker.base_url), "/v1/session/openid/arrival")
    answer = travel(away.headers["location"], "anna", arrival)
    for prepare in (lambda: None, lambda: victim.get("/v1/session/openid")):
        prepare()
        reply = victim.get("/v1/session/openid/arrival", params=answer)
        assert reply.headers["location"] == "/sign-in"
        assert "foveal_problem" in reply.headers["set-cookie"]
        assert COOKIE not in victim.cookies
    assert victim.get("/v1/indexes").status_code == 401


def test_an_access_token_of_the_provider_opens_the_api(engine: FakeEngine, url: str, at_work: str) -> None:
    from .provider import Provider

    tokens = {who: access_token(Provider(at_work), who, f"{url}/v1/session/openid/arrival") for who in ("anna", "bert")}
    seen = {}
    for who, token in tokens.items():
        with httpx.Client(base_url=url, headers={"authorization": f"Bearer {token}"}, trust_env=False) as http:
            seen[who] = http.get(f"/v1/indexes/papers/chunks/{SECRET.chunk_id}").status_code
            hits = http.post("/v1/search", json={"index": "papers", "text": "merger"}).json()["hits"]
            assert len(hits) == (1 if who == "anna" else 0)
            assert http.post("/v1/conversations", json={}).status_code == 201  # no cookie: no token of a page is asked
    assert seen == {"anna": 200, "bert": 404}
    header, claims, signature = tokens["anna"].split(".")
    with httpx.Client(base_url=url, trust_env=False) as http:
        for wrong in (f"{header}.{claims}.{signature[:-4]}AAAA", f"{header}.{claims}.", "a.b.c"):
            assert http.get("/v1/indexes", headers={"authorization": f"Bearer {wrong}"}).status_code == 401


def test_two_people_in_different_groups_see_nothing_of_each_other(
    engine: FakeEngine, at_work: str, browser: Browser
) -> None:
    anna, bert = browser(), browser()
    arrive(anna, "anna")
    arrive(bert, "bert")
    question = {"role": "user", "content": "What does the board plan?"}
    source = {
        "type": "azure_search",
        "parameters": {
            "endpoint": str(anna.base_url),
            "index_name": "papers",
            "authentication": {"type": "system_assigned_managed_identity"},
        },
    }

    def chat(http: httpx.Client) -> dict:
        body = {"messages": [question], "data_sources": [source]}
        path = "/openai/deployments/foveal/chat/completions?api-version=2024-10-21"
        return http.post(path, json=body).raise_for_status().json()["choices"][0]["message"]

    mine, theirs = chat(anna), chat(bert)
    assert "Lisbon" in mine["content"]
    assert "Lisbon" not in str(theirs)
    said = {"role": "assistant", "content": mine["content"], "citations": mine["context"]["citations"]}
    kept = anna.post("/v1/conversations", json={"messages": [question, said]}).json()["id"]
    shared = anna.post(f"/v1/conversations/{kept}/shares", json={}).json()["id"]
    shown = anna.get(f"/v1/conversations/{kept}").json()["items"][1]["citations"][0]["chunk"]
    picture = anna.get("/v1/indexes/photos/chunks/" + DOGS.chunk_id).json()["thumbnail_url"]
    assert anna.get(shown["bytes_url"]).status_code == 200
    for path in (
        shown["bytes_url"],
        shown["bytes_url"].partition("?")[0],
        f"/v1/indexes/papers/chunks/{SECRET.chunk_id}",
        f"/v1/indexes/papers/chunks/{SECRET.chunk_id}/thumbnail",
        f"/v1/conversations/{kept}",
        f"/v1/conversations/{kept}/shares",
    ):
        assert bert.get(path).status_code == 404, path
    assert bert.get("/v1/conversations").json()["conversations"] == []
    assert bert.post("/v1/search", json={"index": "papers", "text": "merger Lisbon"}).json()["hits"] == []
    link = bert.get(f"/v1/shared/{shared}")
    assert link.json()["withheld"] == 1
    assert "Lisbon" not in link.text
    assert bert.get(picture).status_code == 200  # what is for everybody stays so
