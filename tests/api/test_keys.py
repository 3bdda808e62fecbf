"""Keys: where they are read, what each face says without one, what a role may, how soon a revoked one is shut out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.types import ASGIApp

from foveal.api import keyring
from foveal.api.auth import Role, require
from foveal.asgi import create_app
from foveal.testing.fakes_engine import FakeEngine
from foveal.testing.fakes_keys import InMemoryApiKeys
from foveal.types.keys import KeyGrant

from .wire import PLAIN, ask, plain_body

Serve = Callable[[ASGIApp], str]


@pytest.fixture
def keys() -> InMemoryApiKeys:
    return InMemoryApiKeys()


@pytest.fixture
def app(engine: FakeEngine, keys: InMemoryApiKeys) -> FastAPI:
    return create_app(engine, keys=keys)


@pytest.fixture
def http(app: FastAPI, serve: Serve) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=serve(app), timeout=20, trust_env=False) as client:
        yield client


def made(keys: InMemoryApiKeys, name: str = "anna", **grant: object) -> str:
    return keys.create(KeyGrant(name=name, **grant))[1]  # type: ignore[arg-type]


def test_a_made_key_opens_wherever_clients_send_it(http: httpx.Client, keys: InMemoryApiKeys) -> None:
    key, other = made(keys), made(keys, "bert")
    for headers in (
        {"api-key": key},
        {"authorization": f"Bearer {key}"},
        {"ocp-apim-subscription-key": key},
        {"api-key": key, "authorization": f"Bearer {key}"},
        {"api-key": "stale", "authorization": f"Bearer {key}"},
        {"api-key": other, "ocp-apim-subscription-key": key},
    ):
        assert http.get("/v1/indexes", headers=headers).status_code == 200, headers
    assert http.get("/v1/indexes", params={"api-key": key}).status_code == 401


@pytest.mark.parametrize(
    ("path", "missing", "wrong", "code"),
    [
        ("/openai/models?api-version=2024-10-21", 401, 401, "401"),
        ("/openai/nowhere", 401, 401, "401"),
        ("/v1/indexes", 401, 401, "401"),
        ("/indexes", 401, 403, ""),
        ("/indexes('photos')/docs/$count", 401, 403, ""),
        ("/computervision/retrieval/indexes", 401, 401, "401"),
    ],
)
def test_each_face_refuses_as_its_service_did(
    http: httpx.Client, keys: InMemoryApiKeys, path: str, missing: int, wrong: int, code: str
) -> None:
    made(keys)
    none, bad = http.get(path), http.get(path, headers={"api-key": "fvl_wrong"})
    assert (none.status_code, bad.status_code) == (missing, wrong)
    assert none.json()["error"]["code"] == bad.json()["error"]["code"] == code
    assert none.json()["error"]["message"] != bad.json()["error"]["message"]
    assert "www-authenticate" in none.headers
    assert "fvl_wrong" not in bad.text


def test_a_revoked_key_is_shut_out_within_seconds_also_by_another_process(
    http: httpx.Client, keys: InMemoryApiKeys
) -> None:
    key = made(keys)
    made(keys, "other")
    headers = {"api-key": key}
    assert http.get("/v1/indexes", headers=headers).status_code == 200
    keys.revoke("anna")  # behind the server's back, as another process does
    end = time.monotonic() + keyring.FRESH_S + 20
    while http.get("/v1/indexes", headers=headers).status_code == 200:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert http.get("/v1/indexes", headers=headers).status_code == 401


def test_revoking_the_last_key_does_not_open_the_server(http: httpx.Client, keys: InMemoryApiKeys) -> None:
    made(keys)
    keys.revoke("anna")
    assert http.get("/v1/indexes").status_code == 401


def test_the_first_key_shuts_a_server_that_had_none(
    engine: FakeEngine, keys: InMemoryApiKeys, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring, "FRESH_S", 0.05)
    with httpx.Client(base_url=serve(create_app(engine, keys=keys)), trust_env=False, timeout=20) as http:
        assert http.get("/v1/indexes").status_code == 200
        made(keys)
        time.sleep(0.1)
        assert http.get("/v1/indexes").status_code == 401


class Tomorrow(datetime):
    """A clock that is a day ahead."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + timedelta(days=1)


def test_an_expired_key_opens_nothing(
    http: httpx.Client, keys: InMemoryApiKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring, "FRESH_S", 3600.0)  # it is known, not looked up again
    key = made(keys, expires_at=datetime.now(UTC) + timedelta(hours=1))
    assert http.get("/v1/indexes", headers={"api-key": key}).status_code == 200
    monkeypatch.setattr(keyring, "datetime", Tomorrow)
    assert http.get("/v1/indexes", headers={"api-key": key}).status_code == 401


def test_the_owner_key_of_the_settings_stays_beside_made_keys(
    engine: FakeEngine, keys: InMemoryApiKeys, serve: Serve
) -> None:
    key = made(keys)
    url = serve(create_app(engine, api_keys=("boss",), keys=keys))
    with httpx.Client(base_url=url, trust_env=False, timeout=20) as http:
        for given in (key, "boss"):
            assert http.get("/v1/indexes", headers={"api-key": given}).status_code == 200


def test_the_use_of_a_key_is_kept(http: httpx.Client, keys: InMemoryApiKeys) -> None:
    key = made(keys)
    http.get("/v1/indexes", headers={"api-key": key})
    end = time.monotonic() + 20
    while keys.records()[0].last_used_at is None:
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("prefix", ["/v1", "/openai", "/indexes"])
@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_do_what_it_covers_and_is_told_what_it_lacks(
    app: FastAPI, http: httpx.Client, keys: InMemoryApiKeys, role: Role, prefix: str
) -> None:
    for needed in Role:

        @app.post(f"{prefix}/needs/{needed}")
        async def act(request: Request, needed: Role = needed) -> str:
            return require(request, needed).name

    key = made(keys, role=role)
    refusals = {"/v1": (403, "forbidden"), "/openai": (401, "PermissionDenied"), "/indexes": (403, "")}
    for needed in Role:
        reply = http.post(f"{prefix}/needs/{needed}", headers={"api-key": key})
        if role.covers(needed):
            assert (reply.status_code, reply.json()) == (200, "anna")
        else:
            assert (reply.status_code, reply.json()["error"]["code"]) == refusals[prefix]
            assert str(needed) in reply.json()["error"]["message"]
            assert key not in reply.text


def test_a_key_with_groups_sees_those_and_what_is_in_none(http: httpx.Client, keys: InMemoryApiKeys) -> None:
    seen = {}
    for name, groups in (("all", None), ("board", ("board",)), ("press", ("press",)), ("nobody", ())):
        reply = http.post(
            "/v1/search",
            json={"index": "photos", "text": "dogs", "collapse": False},
            headers={"api-key": made(keys, name, groups=groups)},
        )
        seen[name] = {hit["filepath"] for hit in reply.json()["hits"]}
    assert seen["all"] == seen["board"] == {"dogs.jpg", "secret dogs.jpg"}
    assert seen["press"] == seen["nobody"] == {"dogs.jpg"}


def test_a_chat_needs_a_key_too(http: httpx.Client, keys: InMemoryApiKeys) -> None:
    key = made(keys)
    assert ask(http, PLAIN, plain_body()).status_code == 401
    http.headers["api-key"] = key
    assert ask(http, PLAIN, plain_body()).status_code == 200


def test_pages_of_named_origins_may_read_replies_and_ask_without_a_key(
    engine: FakeEngine, keys: InMemoryApiKeys, serve: Serve
) -> None:
    key = made(keys)
    page = "https://photos.example"
    url = serve(create_app(engine, keys=keys, cors_origins=(page,)))
    with httpx.Client(base_url=url, trust_env=False, timeout=20) as http:
        asks = {"access-control-request-method": "POST", "access-control-request-headers": "api-key,content-type"}
        preflight = http.options("/v1/search", headers={"origin": page, **asks})
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == page
        assert "api-key" in preflight.headers["access-control-allow-headers"]
        refused = http.options("/v1/search", headers={"origin": "https://evil.example", **asks})
        assert "access-control-allow-origin" not in refused.headers
        for headers, status in (({"api-key": key}, 200), ({}, 401)):
            reply = http.get("/v1/indexes", headers={"origin": page, **headers})
            assert reply.status_code == status
            assert reply.headers["access-control-allow-origin"] == page
            assert "apim-request-id" in reply.headers["access-control-expose-headers"]
        stranger = http.get("/v1/indexes", headers={"origin": "https://evil.example", "api-key": key})
        assert "access-control-allow-origin" not in stranger.headers


def test_a_named_origin_may_call_a_server_without_keys(engine: FakeEngine, serve: Serve) -> None:
    page = "https://photos.example"
    url = serve(create_app(engine, cors_origins=(page,)))
    with httpx.Client(base_url=url, trust_env=False, timeout=20) as http:
        assert http.get("/v1/indexes", headers={"origin": page}).status_code == 200
        assert http.get("/v1/indexes", headers={"origin": "https://evil.example"}).status_code == 403
