"""What one key, one request and one body may take: counted, told in headers, refused with the time to come again."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import httpx
import openai
import pytest
from fastapi import FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from foveal.api import limits
from foveal.api.bodies import read_body
from foveal.api.deadline import Deadline
from foveal.api.limits import RateLimiter, Window, estimate
from foveal.asgi import create_app
from foveal.errors import RequestTimeoutError
from foveal.testing.fakes_engine import FakeEngine
from foveal.testing.fakes_keys import InMemoryApiKeys
from foveal.types.content import Usage
from foveal.types.keys import KeyGrant, RateLimits

from .wire import PLAIN, ask, body, events, plain_body, wait_for

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


def limited(keys: InMemoryApiKeys, name: str = "anna", **amounts: int) -> dict[str, str]:
    return {"api-key": keys.create(KeyGrant(name=name, limits=RateLimits(**amounts)))[1]}


def test_one_request_more_than_a_minute_allows_is_told_when_to_return(
    http: httpx.Client, keys: InMemoryApiKeys
) -> None:
    headers = limited(keys, requests_per_minute=3)
    replies = [http.get("/v1/indexes", headers=headers) for _ in range(4)]
    assert [r.status_code for r in replies] == [200, 200, 200, 429]
    assert [r.headers["x-ratelimit-remaining-requests"] for r in replies] == ["2", "1", "0", "0"]
    assert {r.headers["x-ratelimit-limit-requests"] for r in replies} == {"3"}
    refusal = replies[-1]
    assert refusal.json()["error"]["code"] == "429"
    assert refusal.json()["error"]["innererror"]["code"] == "rate_limited"
    assert 50 < int(refusal.headers["retry-after"]) <= 60
    assert 50_000 < int(refusal.headers["retry-after-ms"]) <= 60_000
    assert 50 < int(refusal.headers["x-ratelimit-reset-requests"]) <= 60


def test_keys_are_counted_apart_and_keys_without_limits_not_at_all(http: httpx.Client, keys: InMemoryApiKeys) -> None:
    first, second = limited(keys, "a", requests_per_minute=1), limited(keys, "b", requests_per_minute=1)
    unlimited = limited(keys, "c")
    for headers in (first, second):
        assert http.get("/v1/indexes", headers=headers).status_code == 200
        assert http.get("/v1/indexes", headers=headers).status_code == 429
    for _ in range(5):
        reply = http.get("/v1/indexes", headers=unlimited)
        assert reply.status_code == 200
        assert "x-ratelimit-limit-requests" not in reply.headers


def test_the_official_client_reports_the_limit_as_its_own_error(http: httpx.Client, keys: InMemoryApiKeys) -> None:
    key = limited(keys, requests_per_minute=1)["api-key"]
    with openai.AzureOpenAI(
        azure_endpoint=str(http.base_url), api_key=key, api_version="2024-10-21", max_retries=0
    ) as client:
        list(client.models.list())
        with pytest.raises(openai.RateLimitError) as refusal:
            client.models.list()
    assert refusal.value.code == "429"


def test_tokens_are_charged_before_and_corrected_after(http: httpx.Client, keys: InMemoryApiKeys) -> None:
    headers = limited(keys, tokens_per_minute=1000)
    http.headers.update(headers)
    reply = ask(http, PLAIN, plain_body("Hello there", max_tokens=900))
    assert reply.status_code == 200, reply.text
    assert int(reply.headers["x-ratelimit-remaining-tokens"]) < 1000
    used = reply.json()["usage"]["total_tokens"]
    after = http.get("/v1/indexes")
    assert int(after.headers["x-ratelimit-remaining-tokens"]) == 1000 - used
    again = ask(http, PLAIN, plain_body("Hello there", max_tokens=900))
    assert again.status_code == 200  # the estimate alone would have used the minute up


def test_a_streamed_answer_is_corrected_when_it_ends(http: httpx.Client, keys: InMemoryApiKeys) -> None:
    http.headers.update(limited(keys, tokens_per_minute=1000))
    asked = body() | {"stream": True, "stream_options": {"include_usage": True}, "max_tokens": 900}
    used = events(ask(http, PLAIN, asked, version="2025-03-01-preview"))[-1]["usage"]["total_tokens"]
    left = http.get("/v1/indexes").headers["x-ratelimit-remaining-tokens"]
    assert int(left) == 1000 - used


def test_too_many_tokens_are_refused_before_the_work(
    engine: FakeEngine, http: httpx.Client, keys: InMemoryApiKeys
) -> None:
    http.headers.update(limited(keys, tokens_per_minute=500))
    reply = ask(http, PLAIN, plain_body("Hello", max_tokens=600))
    assert reply.status_code == 429
    assert reply.json()["error"]["code"] == "429"
    assert "up to 6" in reply.json()["error"]["message"]
    assert reply.headers["x-should-retry"] == "false"  # it never fits
    assert reply.headers["x-ratelimit-remaining-tokens"] == "500"
    assert not engine.requests


def test_a_failed_request_costs_no_tokens(http: httpx.Client, keys: InMemoryApiKeys) -> None:
    http.headers.update(limited(keys, tokens_per_minute=500))
    assert ask(http, PLAIN, plain_body(temperature="hot", max_tokens=400)).status_code == 400
    assert http.get("/v1/indexes").headers["x-ratelimit-remaining-tokens"] == "500"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@given(
    limit=st.integers(1, 20),
    steps=st.lists(st.tuples(st.floats(0, 40), st.integers(1, 20)), max_size=40),
)
def test_no_minute_sees_more_than_the_limit(limit: int, steps: list[tuple[float, int]]) -> None:
    clock = Clock()
    window = Window(limit, clock)
    taken: list[tuple[float, int]] = []
    for pause, amount in steps:
        clock.now += pause
        wait_s = window.wait_s(amount)
        assert (wait_s is None) == (amount > limit)
        if wait_s == 0.0:
            window.take(amount)
            taken.append((clock.now, amount))
        elif wait_s is not None:
            assert 0 < wait_s <= limits.WINDOW_S + 1e-6
            before = clock.now
            clock.now += wait_s + 1e-6
            assert window.wait_s(amount) == 0.0  # what was promised holds
            clock.now = max(before, clock.now)
        recent = sum(a for at, a in taken if at > clock.now - limits.WINDOW_S)
        assert recent <= limit
        assert window.remaining == limit - recent


def test_a_correction_after_the_minute_changes_nothing() -> None:
    clock = Clock()
    window = Window(100, clock)
    entry = window.take(90)
    window.correct(entry, 10)
    assert window.remaining == 90
    clock.now += 61
    assert window.remaining == 100
    window.correct(entry, 95)
    assert window.remaining == 100


@pytest.mark.parametrize(
    ("request_body", "tokens"),
    [
        ({"messages": [{"role": "user", "content": "Hello there"}], "max_tokens": 50}, 4 + 2 + 50),
        ({"messages": [{"role": "user", "content": "Hello there"}], "max_tokens": 50, "n": 3}, 4 + 2 + 150),
        ({"messages": [{"role": "user", "content": "Hello there"}], "max_completion_tokens": 7}, 4 + 2 + 7),
        ({"messages": [{"role": "user", "content": "Hello there"}]}, 4 + 2 + 16),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x" * 9999}}]}]}, 0),
        ({"input": "Hello there"}, 2),
        ({"input": ["Hello there", "Hello there"]}, 4),
        ({"input": [[1, 2, 3], [4]]}, 4),
        ({"prompt": "Hello there", "max_tokens": 5, "best_of": 2}, 12),
        ({"text": "a search"}, 0),
        (["no object"], 0),
    ],
)
def test_a_request_is_charged_its_words_its_images_and_its_longest_answer(request_body: object, tokens: int) -> None:
    found = estimate(json.dumps(request_body).encode())
    if tokens:
        assert found == tokens
    else:
        assert found < 850


@given(
    st.binary()
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["messages", "content", "image_url", "input", "n", "max_tokens", "role"]), inner
            )
        ),
    ).map(lambda value: json.dumps(value).encode())
)
def test_no_body_breaks_the_estimate(data: bytes) -> None:
    assert estimate(data) >= 0


def test_several_calls_of_one_request_add_up(engine: FakeEngine, keys: InMemoryApiKeys, serve: Serve) -> None:
    app = create_app(engine, keys=keys)

    @app.post("/v1/twice")
    async def twice(request: Request) -> None:
        await read_body(request, limit_bytes=1000)
        for _ in range(2):
            limits.settle(Usage(prompt_tokens=10, completion_tokens=5))

    headers = limited(keys, tokens_per_minute=100)
    with httpx.Client(base_url=serve(app), trust_env=False, timeout=20, headers=headers) as http:
        http.post("/v1/twice", json=plain_body("x", max_tokens=60))
        assert http.get("/v1/indexes").headers["x-ratelimit-remaining-tokens"] == "70"


def test_a_request_over_its_time_is_ended_and_told(engine: FakeEngine, serve: Serve) -> None:
    engine.pause_s = 3600.0
    with httpx.Client(base_url=serve(create_app(engine, request_seconds=0.3)), trust_env=False, timeout=20) as http:
        reply = ask(http, PLAIN, body())
        assert reply.status_code == 408
        assert reply.json()["error"]["innererror"]["code"] == "request_timeout"
        assert "apim-request-id" in reply.headers
    end = time.monotonic() + 20
    while engine.closed != 1:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_work_over_its_time_is_cancelled() -> None:
    ended: list[str] = []
    sent: list[Message] = []

    async def endless(scope: object, receive: object, send: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("ended")

    async def send(message: Message) -> None:
        sent.append(message)

    app = Deadline(endless, seconds=0.1)
    asyncio.run(asyncio.wait_for(app({"type": "http"}, None, send), 5))  # type: ignore[arg-type]
    assert ended == ["ended"]
    assert [m.get("status") for m in sent] == [408, None]


def test_a_stream_over_its_time_ends_with_an_error_that_clients_raise(engine: FakeEngine, serve: Serve) -> None:
    engine.turns = threading.Semaphore(1)  # one word, and then nothing more
    url = serve(create_app(engine, request_seconds=2.0))
    with openai.AzureOpenAI(azure_endpoint=url, api_key="x", api_version="2024-10-21", max_retries=0) as client:
        stream = client.chat.completions.create(
            model="foveal",
            messages=[{"role": "user", "content": "dogs"}],
            stream=True,
            extra_body={"data_sources": body()["data_sources"]},
        )
        with pytest.raises(openai.APIError, match="longer than"):
            list(stream)


def test_a_computation_that_takes_too_long_is_answered_on_time(serve: Serve) -> None:
    release = threading.Event()

    class Slow(FakeEngine):
        def index_names(self) -> list[str]:
            release.wait(60)
            return super().index_names()

    url = serve(create_app(Slow({}), request_seconds=0.2))
    try:
        with httpx.Client(base_url=url, trust_env=False, timeout=20) as http:
            assert http.get("/v1/indexes").status_code == 408
    finally:
        release.set()


def test_a_body_that_trickles_is_not_waited_for() -> None:
    async def receive() -> Message:
        await asyncio.sleep(0.05)
        return {"type": "http.request", "body": b"x", "more_body": True}

    request = Request({"type": "http", "headers": []}, receive)
    with pytest.raises(RequestTimeoutError, match=r"0\.2 seconds"):
        asyncio.run(read_body(request, limit_bytes=10**6, limit_s=0.2))


@pytest.mark.parametrize("headers", [{f"x-{n}": "v" for n in range(120)}, {"x-long": "v" * 40_000}])
def test_too_many_or_too_long_headers_are_refused(http: httpx.Client, headers: dict[str, str]) -> None:
    reply = http.get("/v1/indexes", headers=headers)
    assert reply.status_code == 431
    assert reply.json()["error"]["code"] == "431"


def test_a_search_of_a_caller_who_hung_up_is_not_begun(engine: FakeEngine, serve: Serve) -> None:
    """It waits for its turn behind another; when that comes, nobody is there any more."""
    begun: list[str] = []
    release = threading.Event()
    plain_search = engine.search

    def search(index: str, query: object) -> object:
        begun.append(index)
        release.wait(20)
        return plain_search(index, query)  # type: ignore[arg-type]

    engine.search = search  # type: ignore[assignment, method-assign]
    app = create_app(engine, concurrency=1)
    read: list[str] = []
    left: list[str] = []

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        async def heard() -> Message:
            message = await receive()
            read.append(message["type"])
            return message

        try:
            await app(scope, heard, send)
        finally:
            left.append(scope["path"])

    url = serve(watched)

    def post(index: str) -> socket.socket:
        data = json.dumps({"index": index, "text": "dogs"}).encode()
        connection = socket.create_connection((urlsplit(url).hostname, urlsplit(url).port))
        head = f"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n\r\n"
        connection.sendall(head.encode() + data)
        return connection

    try:
        with post("photos"), httpx.Client(base_url=url, trust_env=False, timeout=20) as http:
            wait_for(lambda: begun)
            with post("texts"):
                wait_for(lambda: read.count("http.request") == 2)
            wait_for(lambda: left)
            release.set()
            assert http.get("/v1/indexes").status_code == 200
    finally:
        release.set()
    assert begun == ["photos"]


def test_what_has_no_caller_is_not_counted() -> None:
    seen = []

    async def app(scope: object, receive: object, send: object) -> None:
        seen.append(scope)

    asyncio.run(RateLimiter(app)({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert len(seen) == 1
