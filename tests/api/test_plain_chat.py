"""C1, C9: plain chats passed on to a model server, judged by the official client and by what reaches the server."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest
from PIL import Image
from starlette.types import ASGIApp

from foveal.asgi import create_app
from foveal.errors import ModelFailedError
from foveal.runtime import Foveal
from foveal.settings import load
from foveal.testing.fakes_engine import FakeEngine
from foveal.testing.fakes_upstream import FakeUpstream
from foveal.testing.openai_server import Faults, OpenAIServer

from .wire import ask, events, plain_body, wait_for

CHAT = "/openai/deployments/gpt-4-vision/chat/completions"
TOOL = {"type": "function", "function": {"name": "look_around", "parameters": {"type": "object"}}}
HELLO: Any = [{"role": "user", "content": "Hello there"}]


def image_url(format: str, label: str | None = None, side: int = 24, **options: object) -> str:
    file = io.BytesIO()
    pixels = np.random.default_rng(1).integers(0, 255, (side, side, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, format=format, **options)
    return f"data:{label or f'image/{format.lower()}'};base64,{base64.b64encode(file.getvalue()).decode()}"


def asking(*parts: object) -> Any:
    return [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, *parts]}]


@pytest.fixture(scope="module")
def running() -> Iterator[OpenAIServer]:
    with OpenAIServer(api_key="upstream-key") as server:
        yield server


@pytest.fixture
def upstream(running: OpenAIServer) -> Iterator[OpenAIServer]:
    running.calls.clear()
    running.faults = Faults()
    yield running
    running.faults = Faults()


@pytest.fixture(scope="module")
def home(running: OpenAIServer, tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> Iterator[Foveal]:
    server = {"base_url": running.base_url, "model": "fake", "api_key": "upstream-key"}
    flags = {
        "home": tmp_path_factory.mktemp("home"),
        "models": models_dir,
        "offline": True,
        "safety.on": False,
        "deployments": {
            "gpt-4-vision": server,
            "azure": {**server, "base_url": running.address, "api_version": "2024-10-21"},
            "text-only": {**server, "sees": False, "tools": False, "json_mode": False},
            "by-address": {**server, "image_urls": "pass"},
            "wrong-key": {**server, "api_key": "another"},
            "impatient": {**server, "timeout_s": 0.5},
        },
    }
    with Foveal(load(flags, environ={})) as foveal:
        yield foveal


@pytest.fixture
def url(home: Foveal, upstream: OpenAIServer, serve: Callable[[ASGIApp], str]) -> str:
    return serve(create_app(home))


@pytest.fixture
def azure(url: str) -> Iterator[openai.AzureOpenAI]:
    with openai.AzureOpenAI(azure_endpoint=url, api_key="any", api_version="2024-10-21", max_retries=0) as client:
        yield client


@pytest.fixture
def http(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=20, trust_env=False) as client:
        yield client


def test_the_reply_is_the_servers_with_what_the_contract_adds(http: httpx.Client) -> None:
    reply = ask(http, CHAT, plain_body()).json()
    assert reply["choices"][0]["message"]["content"] == "You said: Hello there"
    assert (reply["id"], reply["object"], reply["model"]) == ("chatcmpl-fake", "chat.completion", "fake")
    assert reply["system_fingerprint"] is None
    assert reply["choices"][0]["logprobs"] is None
    assert reply["choices"][0]["message"]["refusal"] is None
    assert reply["prompt_filter_results"][0]["prompt_index"] == 0
    assert reply["usage"]["total_tokens"] > 0


@pytest.mark.parametrize("deployment", ["gpt-4-vision", "azure"])
def test_everything_the_client_asks_for_reaches_the_server(
    azure: openai.AzureOpenAI, upstream: OpenAIServer, deployment: str
) -> None:
    more: Any = {
        "n": 2,
        "seed": 7,
        "logprobs": True,
        "top_logprobs": 2,
        "logit_bias": {"50256": -100},
        "presence_penalty": 0.5,
        "frequency_penalty": -0.5,
        "user": "somebody",
        "tools": [TOOL],
        "tool_choice": "auto",
        "parallel_tool_calls": False,
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}},
        "reasoning_effort": "low",
        "max_completion_tokens": 64,
        "stop": ["END"],
    }
    reply = azure.chat.completions.create(model=deployment, messages=HELLO, **more)
    sent = upstream.calls[-1].body
    assert {name: sent[name] for name in more} == more
    assert sent["model"] == "fake"
    assert len(reply.choices) == 2


def test_tools_are_called_and_answered(azure: openai.AzureOpenAI, upstream: OpenAIServer) -> None:
    tools: Any = [TOOL]
    reply = azure.chat.completions.create(model="gpt-4-vision", messages=HELLO, tools=tools, tool_choice="required")
    assert reply.choices[0].finish_reason == "tool_calls"
    assert reply.choices[0].message.tool_calls
    call = reply.choices[0].message.tool_calls[0]
    history: Any = [
        *HELLO,
        reply.choices[0].message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "a harbour"},
    ]
    azure.chat.completions.create(model="gpt-4-vision", messages=history, tools=tools)
    assert upstream.calls[-1].body["messages"][1]["tool_calls"][0]["id"] == "call_1"  # type: ignore[index]
    assert upstream.calls[-1].body["messages"][2]["tool_call_id"] == "call_1"  # type: ignore[index]


def test_with_tools_the_data_source_is_ignored_and_with_none_it_is_used(
    http: httpx.Client, upstream: OpenAIServer
) -> None:
    source = {"type": "azure_search", "parameters": {"index_name": "no-such-index"}}
    both = plain_body(data_sources=[source], tools=[TOOL])
    assert ask(http, CHAT, both).status_code == 200
    assert "data_sources" not in upstream.calls[-1].body
    refused = ask(http, CHAT, {**both, "tool_choice": "none"})
    assert refused.status_code == 400
    assert "no-such-index" in refused.text
    assert len(upstream.calls) == 1


def test_what_a_deployment_does_not_take_is_refused_by_name(http: httpx.Client, upstream: OpenAIServer) -> None:
    path = "/openai/deployments/text-only/chat/completions"
    for param, body in (
        ("tools", plain_body(tools=[TOOL])),
        ("functions", plain_body(functions=[{"name": "f"}])),
        ("response_format", plain_body(response_format={"type": "json_object"})),
        ("messages", {"messages": asking({"type": "image_url", "image_url": {"url": image_url("PNG")}})}),
    ):
        refused = ask(http, path, body)
        assert refused.status_code == 400
        assert refused.json()["error"]["param"] == param
    assert ask(http, path, plain_body(response_format={"type": "text"})).status_code == 200
    assert len(upstream.calls) == 1


def test_what_clients_send_back_or_send_for_nothing_does_not_reach_the_server(
    http: httpx.Client, upstream: OpenAIServer
) -> None:
    earlier = {"role": "assistant", "content": "Hi", "id": "1", "date": "today", "end_turn": True, "context": {}}
    citations = {"role": "tool", "content": '{"citations": []}'}
    messages = [citations, earlier, {"role": "user", "content": "Hello", "id": "2"}]
    body = {"messages": messages, "stop": None, "model": None, "deployment": "x", "user_security_context": {}}
    assert ask(http, CHAT, body).status_code == 200
    assert upstream.calls[-1].body == {
        "model": "fake",
        "messages": [{"role": "assistant", "content": "Hi"}, {"role": "user", "content": "Hello"}],
    }


# --- images


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": image_url("PNG", label="image/jpeg"), "detail": "low"}},
        {"type": "image_url", "imageUrl": {"url": image_url("PNG", label="image/jpg"), "detail": "low"}},
    ],
)
def test_an_image_goes_on_under_its_true_type_with_its_detail(
    http: httpx.Client, upstream: OpenAIServer, part: object
) -> None:
    assert ask(http, CHAT, {"messages": asking(part)}).status_code == 200
    (_, sent) = upstream.calls[-1].body["messages"][0]["content"]  # type: ignore[index]
    assert sent == {"type": "image_url", "image_url": {"url": image_url("PNG"), "detail": "low"}}


def test_forms_of_the_first_preview_are_understood(http: httpx.Client, upstream: OpenAIServer) -> None:
    encoded = image_url("PNG").partition(",")[2]
    reply = ask(http, CHAT, {"messages": [{"role": "user", "content": ["What is this?", {"image": encoded}]}]})
    assert "I see images of 24x24 pixels" in reply.json()["choices"][0]["message"]["content"]
    words, image = upstream.calls[-1].body["messages"][0]["content"]  # type: ignore[index]
    assert words == {"type": "text", "text": "What is this?"}
    assert image["image_url"] == {"url": image_url("PNG")}


def test_a_type_that_servers_do_not_read_becomes_jpeg(http: httpx.Client, upstream: OpenAIServer) -> None:
    part = {"type": "image_url", "image_url": {"url": image_url("TIFF")}}
    assert ask(http, CHAT, {"messages": asking(part)}).status_code == 200
    (_, sent) = upstream.calls[-1].body["messages"][0]["content"]  # type: ignore[index]
    assert sent["image_url"]["url"].startswith("data:image/jpeg;base64,/9j/")


def test_an_address_is_passed_on_where_the_operator_says_so(http: httpx.Client, upstream: OpenAIServer) -> None:
    part = {"type": "image_url", "image_url": {"url": "https://example.com/a.jpg", "detail": "high"}}
    upstream.faults = Faults(status=400, code="invalid_image_url")  # the server for tests fetches nothing
    ask(http, "/openai/deployments/by-address/chat/completions", {"messages": asking(part)})
    assert upstream.calls[-1].body["messages"][0]["content"][1] == part  # type: ignore[index]


def test_eleven_images_and_broken_ones_never_reach_the_server(http: httpx.Client, upstream: OpenAIServer) -> None:
    one = {"type": "image_url", "image_url": {"url": image_url("PNG")}}
    refused = ask(http, CHAT, {"messages": asking(*[one] * 11)})
    assert (refused.status_code, "maximum is 10" in refused.text) == (400, True)
    broken = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    assert ask(http, CHAT, {"messages": asking(broken)}).status_code == 400
    video = {"type": "acv_document_id", "acv_document_id": "x"}
    told = ask(http, CHAT, {"messages": asking(video)})  # a video without its index: as clients know it, in the answer
    assert (told.status_code, "ErrorMessage" in told.text) == (200, True)
    assert not upstream.calls
    assert ask(http, CHAT, {"messages": asking(*[one] * 10)}).status_code == 200


# --- streams


def test_a_stream_opens_as_the_service_did_and_relays_every_chunk(http: httpx.Client) -> None:
    first, *chunks = events(ask(http, CHAT, plain_body(stream=True)))
    assert (first["id"], first["choices"], first["created"]) == ("", [], 0)
    assert first["prompt_filter_results"][0]["prompt_index"] == 0
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    said = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks)
    assert said == "You said: Hello there"
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


def test_the_first_event_is_named_by_the_version(http: httpx.Client) -> None:
    old = events(ask(http, CHAT, plain_body(stream=True), version="2023-08-01-preview"))
    assert "prompt_annotations" in old[0]
    bare = ask(http, "/v1/chat/completions", plain_body(stream=True, model="gpt-4-vision"), version=None)
    assert events(bare)[0]["choices"][0]["delta"]["role"] == "assistant"


def test_the_official_client_accumulates_a_stream_with_usage(azure: openai.AzureOpenAI) -> None:
    with azure.chat.completions.stream(
        model="gpt-4-vision", messages=HELLO, stream_options={"include_usage": True}
    ) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.content == "You said: Hello there"
    assert final.usage is not None
    assert final.usage.total_tokens > 0


@pytest.mark.parametrize("faults", [Faults(error_after=2), Faults(disconnect_after=2), Faults(unfinished=True)])
def test_a_failure_in_mid_stream_is_an_event_that_clients_raise_on(
    azure: openai.AzureOpenAI, upstream: OpenAIServer, faults: Faults
) -> None:
    upstream.faults = faults
    stream = azure.chat.completions.create(model="gpt-4-vision", messages=HELLO, stream=True)
    assert next(stream).choices == []
    with pytest.raises(openai.APIError, match="in the middle"):
        list(stream)


# --- failures


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("faults", "status", "code"),
    [
        (Faults(status=400, code="context_length_exceeded"), 400, "context_length_exceeded"),
        (Faults(status=422, code="odd"), 400, "odd"),
        (Faults(filtered=True), 400, "content_filter"),
        (Faults(status=500, code="x"), 502, "model_failed"),
        (Faults(status=503, code="x"), 502, "model_failed"),
        (Faults(status=404, code="x"), 502, "model_rejected"),
        (Faults(overloaded=1, retry_after_s=13), 429, "429"),
    ],
)
def test_a_failure_of_the_server_keeps_its_meaning(
    http: httpx.Client, upstream: OpenAIServer, faults: Faults, status: int, code: str, stream: bool
) -> None:
    upstream.faults = faults
    reply = ask(http, CHAT, plain_body(stream=stream))
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)
    if status == 429:
        assert (reply.headers["retry-after"], reply.headers["retry-after-ms"]) == ("13", "13000")
    if code == "content_filter":
        found = reply.json()["error"]["innererror"]["content_filter_result"]
        assert found["violence"] == {"filtered": True, "severity": "medium"}


@pytest.mark.parametrize("stream", [False, True])
def test_a_server_that_does_not_answer_in_time_is_a_timeout(
    http: httpx.Client, upstream: OpenAIServer, stream: bool
) -> None:
    upstream.faults = Faults(hang_s=20)
    reply = ask(http, "/openai/deployments/impatient/chat/completions", plain_body(stream=stream))
    assert (reply.status_code, reply.json()["error"]["code"]) == (504, "model_timeout")


def test_the_operators_key_problem_is_not_the_callers(http: httpx.Client) -> None:
    reply = ask(http, "/openai/deployments/wrong-key/chat/completions", plain_body())
    assert reply.status_code == 502
    assert "API key" in reply.json()["error"]["innererror"]["remedy"]
    assert "another" not in reply.text


def test_a_client_that_hangs_up_ends_the_call(engine: FakeEngine, serve: Callable[[ASGIApp], str]) -> None:
    fake = FakeUpstream()
    fake.pause_s = 0.05
    engine.upstreams = {"gpt-4-vision": fake}
    with httpx.Client(base_url=serve(create_app(engine)), trust_env=False, timeout=20) as http:
        body = plain_body("a word and another " * 1000, stream=True)
        with http.stream("POST", CHAT, params={"api-version": "2024-10-21"}, json=body) as reply:
            next(reply.iter_lines())
        wait_for(lambda: fake.closed == 1)


def test_unknown_fields_and_rate_headers_of_the_server_come_through(
    engine: FakeEngine, serve: Callable[[ASGIApp], str]
) -> None:
    engine.upstreams = {"gpt-4-vision": FakeUpstream()}
    with httpx.Client(base_url=serve(create_app(engine)), trust_env=False, timeout=20) as http:
        for stream in (False, True):
            reply = ask(http, CHAT, plain_body(stream=stream))
            assert reply.headers["x-ratelimit-remaining-requests"] == "7"
            assert "set-cookie" not in reply.headers
            assert reply.headers["apim-request-id"]
        assert ask(http, CHAT, plain_body()).json()["x_unknown"] == {"kept": True}


def test_a_failure_after_the_first_word_is_the_last_event(engine: FakeEngine, serve: Callable[[ASGIApp], str]) -> None:
    fake = FakeUpstream()
    fake.failure_after = ModelFailedError("The server fell over.")
    engine.upstreams = {"gpt-4-vision": fake}
    with httpx.Client(base_url=serve(create_app(engine)), trust_env=False, timeout=20) as http:
        reply = ask(http, CHAT, plain_body(stream=True))
    assert "[DONE]" not in reply.text
    assert events(reply)[-1]["error"]["message"] == "The server fell over."


def test_a_hundred_streams_at_once_all_end_well(
    home: Foveal, upstream: OpenAIServer, serve: Callable[[ASGIApp], str]
) -> None:
    url = serve(create_app(home, queue=home.settings.serve.queue))
    upstream.faults = Faults(trickle_s=0.02)
    said: list[str] = []

    def one(number: int) -> None:
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
            reply = ask(http, CHAT, plain_body(f"Boat {number}", stream=True))
        said.append("".join(c["choices"][0]["delta"].get("content", "") for c in events(reply) if c["choices"]))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == sorted(f"You said: Boat {number}" for number in range(100))


# --- a second Foveal behind the first


@pytest.fixture
def chained(url: str, tmp_path: Path, models_dir: Path) -> Iterator[httpx.Client]:
    """A client of a Foveal whose upstream, spoken to as Azure OpenAI, is a Foveal whose upstream is the server."""
    from foveal.testing.serving import served

    server = {"base_url": url, "model": "gpt-4-vision", "api_version": "2024-10-21"}
    flags = {"home": tmp_path, "models": models_dir, "offline": True, "safety.on": False, "deployments": {"*": server}}
    with Foveal(load(flags, environ={})) as second, served(create_app(second)) as address:
        with httpx.Client(base_url=address, timeout=20, trust_env=False) as http:
            yield http


def test_a_foveal_behind_a_foveal_answers_the_same(chained: httpx.Client, http: httpx.Client) -> None:
    direct, relayed = (ask(client, CHAT, plain_body()).json() for client in (http, chained))
    assert relayed == direct
    direct_events, relayed_events = (events(ask(c, CHAT, plain_body(stream=True))) for c in (http, chained))
    assert relayed_events == direct_events


def test_errors_come_through_two_servers(chained: httpx.Client, upstream: OpenAIServer) -> None:
    upstream.faults = Faults(overloaded=1, retry_after_s=13)
    reply = ask(chained, CHAT, plain_body())
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "13")
    upstream.faults = Faults(status=400, code="context_length_exceeded")
    assert ask(chained, CHAT, plain_body()).json()["error"]["code"] == "context_length_exceeded"


def test_any_name_is_answered_where_the_settings_say_so(chained: httpx.Client) -> None:
    for name in ("gpt-35-turbo", "my old deployment", "gpt-4"):
        assert ask(chained, f"/openai/deployments/{name}/chat/completions", plain_body()).status_code == 200
    listed = [d["id"] for d in chained.get("/openai/models", params={"api-version": "2024-10-21"}).json()["data"]]
    assert "*" not in listed
