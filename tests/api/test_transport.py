"""Who may call, how much at once, and what happens when a caller hangs up."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.requests import Request
from starlette.types import ASGIApp

from foveal.api.auth import caller_of
from foveal.asgi import create_app
from foveal.testing.fakes_engine import FakeEngine

from .wire import PLAIN, answered, ask, body, events, plain_body, wait_for

Serve = Callable[[ASGIApp], str]


def client(url: str, **headers: str) -> httpx.Client:
    return httpx.Client(base_url=url, headers=headers, timeout=20, trust_env=False)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"api-key": "wrong"}, 401),
        ({"api-key": ""}, 401),
        ({"authorization": "Bearer wrong"}, 401),
        ({"authorization": "Basic k1"}, 401),
        ({"api-key": "k1"}, 200),
        ({"api-key": "k2"}, 200),
        ({"authorization": "Bearer k1"}, 200),
        ({"authorization": "bearer k2"}, 200),
        ({"api-key": "k1", "authorization": "Bearer k1"}, 200),
    ],
)
def test_with_keys_set_a_request_needs_one(
    engine: FakeEngine, serve: Serve, headers: dict[str, str], status: int
) -> None:
    url = serve(create_app(engine, api_keys=("k1", "k2")))
    with client(url, **headers) as http:
        for response in (http.get("/v1/indexes"), ask(http, PLAIN, plain_body()), http.get("/openapi.json")):
            assert response.status_code == status
            if status == 401:
                assert response.json()["error"]["code"] == "401"
                assert "apim-request-id" in response.headers


def test_probes_need_no_key(engine: FakeEngine, serve: Serve) -> None:
    with client(serve(create_app(engine, api_keys=("k",)))) as http:
        assert http.get("/healthz").json() == {"status": "ok"}
        assert http.get("/readyz").json() == {"status": "ready"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example:80"}, 403),
        ({"host": "127.0.0.1.evil.example"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"host": "localhost:8808"}, 200),
        ({"origin": "http://localhost:3000"}, 200),
        ({"host": "[::1]:8808"}, 200),
        ({"host": "[::1"}, 403),
    ],
)
def test_without_keys_web_pages_from_elsewhere_are_kept_out(
    http: httpx.Client, headers: dict[str, str], status: int
) -> None:
    assert http.get("/v1/indexes", headers=headers).status_code == status


def test_with_a_key_any_host_name_is_served(engine: FakeEngine, serve: Serve) -> None:
    with client(serve(create_app(engine, api_keys=("k",))), **{"api-key": "k", "host": "photos.example"}) as http:
        context = answered(ask(http, PLAIN, body()))["choices"][0]["message"]["context"]
    assert context["citations"][0]["url"].startswith("http://photos.example/v1/indexes/photos/chunks/")


def test_whom_no_gate_has_let_in_is_in_no_group() -> None:
    assert caller_of(Request({"type": "http"})).groups == ()


def test_cross_origin_reading_is_off(http: httpx.Client) -> None:
    response = http.get("/v1/indexes", headers={"origin": "http://localhost:3000"})
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("path", ["//openai//deployments/foveal/chat/completions", PLAIN + "/", "/" + PLAIN])
def test_careless_slashes_are_forgiven(base_url: str, path: str) -> None:
    with client(base_url) as http:
        request = http.build_request("POST", PLAIN, params={"api-version": "2024-10-21"}, json=plain_body())
        request.url = request.url.copy_with(raw_path=f"{path}?api-version=2024-10-21".encode())
        assert http.send(request).status_code == 200


def test_a_body_over_the_limit_is_refused_declared_or_not(engine: FakeEngine, serve: Serve) -> None:
    with client(serve(create_app(engine, max_body_bytes=1000))) as http:
        big = json.dumps(plain_body("x" * 2000)).encode()
        declared = http.post(PLAIN, params={"api-version": "2024-10-21"}, content=big)
        chunked = http.post(PLAIN, params={"api-version": "2024-10-21"}, content=iter([big[:900], big[900:]]))
        assert (declared.status_code, chunked.status_code) == (413, 413)
        assert declared.json()["error"]["innererror"]["code"] == "too_large"
        answered(ask(http, PLAIN, plain_body("x" * 100)))


def test_a_full_queue_answers_429_at_once_and_serves_again_after(engine: FakeEngine, serve: Serve) -> None:
    engine.turns = threading.Semaphore(0)
    with client(serve(create_app(engine, concurrency=1, queue=1))) as http:
        slow = [threading.Thread(target=ask, args=(http, PLAIN, plain_body("a"))) for _ in range(2)]
        for thread in slow:
            thread.start()
        wait_for(lambda: len(engine.requests) == 2)
        response = ask(http, PLAIN, plain_body())
        assert response.status_code == 429
        assert response.json()["error"]["code"] == "429"
        assert {"retry-after", "retry-after-ms"} <= set(response.headers)
        assert http.get("/healthz").status_code == 200
        engine.turns.release(100)
        for thread in slow:
            thread.join()
        answered(ask(http, PLAIN, plain_body()))


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("grounded", [True, False])
def test_when_the_caller_hangs_up_the_generation_stops(
    engine: FakeEngine, base_url: str, *, stream: bool, grounded: bool
) -> None:
    engine.pause_s = 3600.0
    data = json.dumps((body() if grounded else plain_body()) | {"stream": stream}).encode()
    with socket.create_connection((urlsplit(base_url).hostname, urlsplit(base_url).port)) as connection:
        head = f"POST {PLAIN}?api-version=2024-10-21 HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n\r\n"
        connection.sendall(head.encode() + data)
        wait_for(lambda: engine.requests)
        assert engine.closed == 0
    wait_for(lambda: engine.closed == 1)


def test_hanging_up_in_the_middle_of_a_stream_stops_the_generation(engine: FakeEngine, base_url: str) -> None:
    engine.say = "a word and another " * 1000
    engine.pause_s = 0.05
    with client(base_url) as http:
        request = body() | {"stream": True}
        with http.stream("POST", PLAIN, params={"api-version": "2024-10-21"}, json=request) as response:
            next(response.iter_lines())
    wait_for(lambda: engine.closed == 1)


def test_events_arrive_while_the_answer_is_still_being_written(engine: FakeEngine, base_url: str) -> None:
    engine.turns = threading.Semaphore(1)
    arrived = 0
    with client(base_url) as http:
        request = body() | {"stream": True}
        with http.stream("POST", PLAIN, params={"api-version": "2024-10-21"}, json=request) as response:
            assert response.headers["x-accel-buffering"] == "no"
            assert "no-cache" in response.headers["cache-control"]
            for line in response.iter_lines():
                arrived += bool(line)
                engine.turns.release()  # the next word is written only once this one is here
    assert arrived > 3


def test_the_answer_as_one_piece_is_the_stream_collected(http: httpx.Client) -> None:
    whole = answered(ask(http, PLAIN, body()))["choices"][0]["message"]
    first, *middle, _ = events(ask(http, PLAIN, body() | {"stream": True}))
    assert first["choices"][0]["delta"]["context"] == whole["context"]
    assert "".join(e["choices"][0]["delta"]["content"] for e in middle) == whole["content"]


def test_the_openapi_document_is_whole(http: httpx.Client) -> None:
    document = http.get("/openapi.json").json()
    text = json.dumps(document)
    assert document["openapi"].startswith("3.1")
    references = {part.split('"')[0] for part in text.split('"$ref": "')[1:]}
    assert references
    for reference in references:
        assert reference.startswith("#/components/schemas/"), reference
        assert reference.rpartition("/")[2] in document["components"]["schemas"]
    operations = [(p, o) for p, methods in document["paths"].items() for o in methods.values()]
    ids = [operation["operationId"] for _, operation in operations]
    assert len(ids) == len(set(ids))
    for path, operation in operations:
        named = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", path))
        assert "default" in operation["responses"]
    chat = document["paths"]["/openai/deployments/{deployment}/chat/completions"]["post"]
    assert chat["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ChatBody"}
