"""C9: requests passed on to a model server as they are, its failures with their meaning."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from foveal.errors import (
    BudgetError,
    ContentFilteredError,
    ModelFailedError,
    ModelOverloadedError,
    ModelRejectedError,
    ModelTimeoutError,
    ModelUnavailableError,
    UpstreamRequestError,
)
from foveal.models.limits import Budget, CallLimit
from foveal.models.openai_client import Endpoint
from foveal.models.upstream import OpenAIUpstream, most_usage
from foveal.ports.models import Upstream
from foveal.testing.contracts.upstream import ASKED, UpstreamContract, events_of
from foveal.testing.fakes_upstream import FakeUpstream
from foveal.testing.openai_server import Faults, OpenAIServer
from foveal.types.upstream import JsonObject

STREAMED: JsonObject = {**ASKED, "stream": True}


class TestFakeUpstream(UpstreamContract):
    @pytest.fixture
    def upstream(self) -> Upstream:
        return FakeUpstream()


class TestOpenAIUpstream(UpstreamContract):
    @pytest.fixture
    def upstream(self, endpoint: Endpoint) -> Upstream:
        return OpenAIUpstream(endpoint)


class TestAzureUpstream(UpstreamContract):
    @pytest.fixture
    def upstream(self, endpoint: Endpoint, server: OpenAIServer) -> Upstream:
        return OpenAIUpstream(replace(endpoint, base_url=server.address, azure=True, api_version="2024-10-21"))


def test_everything_a_request_has_reaches_the_server(endpoint: Endpoint, server: OpenAIServer) -> None:
    more: JsonObject = {
        "n": 2,
        "seed": 7,
        "logprobs": True,
        "top_logprobs": 2,
        "logit_bias": {"50256": -100},
        "presence_penalty": 0.5,
        "user": "somebody",
        "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}],
        "tool_choice": "auto",
        "parallel_tool_calls": False,
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}},
        "reasoning_effort": "low",
        "max_completion_tokens": 64,
        "a_field_of_tomorrow": {"deep": [1, None]},
    }
    asyncio.run(OpenAIUpstream(endpoint).complete({**ASKED, **more}))
    assert server.calls[-1].body == {**ASKED, **more, "model": "fake"}
    assert server.calls[-1].headers["authorization"] == "Bearer secret"


def test_azure_is_addressed_by_deployment_and_version(endpoint: Endpoint, server: OpenAIServer) -> None:
    azure = replace(endpoint, base_url=server.address, azure=True, api_version="2024-10-21", model="gpt-4-vision")
    asyncio.run(OpenAIUpstream(azure).complete(ASKED))
    call = server.calls[-1]
    assert call.path == "/openai/deployments/gpt-4-vision/chat/completions"
    assert call.query == {"api-version": "2024-10-21"}
    assert call.headers["api-key"] == "secret"


@pytest.mark.parametrize(
    ("faults", "error"),
    [
        (Faults(status=401, code="invalid_api_key"), ModelRejectedError),
        (Faults(status=403, code="no"), ModelRejectedError),
        (Faults(status=404, code="DeploymentNotFound"), ModelRejectedError),
        (Faults(status=500, code="server_error"), ModelFailedError),
        (Faults(status=502, code="bad_gateway"), ModelFailedError),
        (Faults(status=504, code="slow"), ModelTimeoutError),
        (Faults(status=400, code="context_length_exceeded"), UpstreamRequestError),
        (Faults(status=422, code="invalid"), UpstreamRequestError),
        (Faults(hang_s=5), ModelTimeoutError),
        (Faults(garbage=True), ModelUnavailableError),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_failure_before_the_reply_keeps_its_meaning(
    endpoint: Endpoint, server: OpenAIServer, faults: Faults, error: type[Exception], stream: bool
) -> None:
    server.faults = faults
    upstream = OpenAIUpstream(replace(endpoint, timeout_s=0.5))
    with pytest.raises(error):
        asyncio.run(events_of(upstream, STREAMED)) if stream else asyncio.run(upstream.complete(ASKED))
    assert len(server.calls) == 1


def test_what_the_server_says_of_a_wrong_request_is_kept(endpoint: Endpoint, server: OpenAIServer) -> None:
    server.faults = Faults(status=400, code="unsupported_value", param="temperature")
    with pytest.raises(UpstreamRequestError, match="fault unsupported_value") as refused:
        asyncio.run(OpenAIUpstream(endpoint).complete(ASKED))
    assert (refused.value.wire_code, refused.value.param) == ("unsupported_value", "temperature")


def test_what_a_content_filter_found_is_kept(endpoint: Endpoint, server: OpenAIServer) -> None:
    server.faults = Faults(filtered=True)
    with pytest.raises(ContentFilteredError) as refused:
        asyncio.run(OpenAIUpstream(endpoint).complete(ASKED))
    assert refused.value.results == {"violence": {"filtered": True, "severity": "medium"}}


def test_being_told_to_wait_is_passed_on_at_once(endpoint: Endpoint, server: OpenAIServer) -> None:
    server.faults = Faults(overloaded=1, retry_after_s=13)
    with pytest.raises(ModelOverloadedError) as told:
        asyncio.run(OpenAIUpstream(replace(endpoint, max_retries=4)).complete(ASKED))
    assert told.value.retry_after_s == 13
    assert len(server.calls) == 1


def test_a_server_that_is_not_there_is_unavailable(endpoint: Endpoint) -> None:
    with pytest.raises(ModelUnavailableError):
        asyncio.run(OpenAIUpstream(replace(endpoint, base_url="http://127.0.0.1:9/v1")).complete(ASKED))


@pytest.mark.parametrize("faults", [Faults(disconnect_after=1), Faults(error_after=1), Faults(unfinished=True)])
def test_a_stream_that_breaks_off_is_an_error(endpoint: Endpoint, server: OpenAIServer, faults: Faults) -> None:
    server.faults = faults
    with pytest.raises((ModelFailedError, ModelUnavailableError)):
        asyncio.run(events_of(OpenAIUpstream(endpoint), STREAMED))


@pytest.mark.parametrize("body", [ASKED, STREAMED])
def test_calls_are_paid_from_the_budget(endpoint: Endpoint, server: OpenAIServer, body: JsonObject) -> None:
    budget = Budget(max_tokens=5000)
    upstream = OpenAIUpstream(endpoint, meter=budget.meter("deployment x"))
    if "stream" in body:
        events = asyncio.run(events_of(upstream, {**body, "stream_options": {"include_usage": True}}))
        last = events[-1]
        assert isinstance(last, bytes)
        usage = json.loads(last)["usage"]
    else:
        usage = asyncio.run(upstream.complete(body)).body["usage"]
    spent = budget.usage["deployment x"]
    assert usage["prompt_tokens"] == spent.prompt_tokens > 0
    assert usage["completion_tokens"] == spent.completion_tokens > 0


def test_a_stream_without_usage_is_paid_by_its_events(endpoint: Endpoint, server: OpenAIServer) -> None:
    budget = Budget()
    asyncio.run(events_of(OpenAIUpstream(endpoint, meter=budget.meter("x")), STREAMED))
    assert budget.usage["x"].completion_tokens > 5


def test_a_call_that_could_pass_the_budget_is_not_made(endpoint: Endpoint, server: OpenAIServer) -> None:
    upstream = OpenAIUpstream(endpoint, meter=Budget(max_tokens=100).meter("x"))
    with pytest.raises(BudgetError):
        asyncio.run(upstream.complete({**ASKED, "max_tokens": 200}))
    assert not server.calls


def test_calls_at_once_keep_to_the_limit(endpoint: Endpoint, server: OpenAIServer) -> None:
    upstream = OpenAIUpstream(endpoint, limit=CallLimit(2))
    server.faults = Faults(hang_s=0.05)

    async def together() -> None:
        await asyncio.gather(*(upstream.complete(ASKED) for _ in range(6)))

    asyncio.run(together())
    assert server.most_at_once == 2


def test_a_caller_that_leaves_ends_the_call(endpoint: Endpoint, server: OpenAIServer) -> None:
    server.faults = Faults(hang_s=30)
    upstream = OpenAIUpstream(replace(endpoint, timeout_s=60))

    async def leaves() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await upstream.complete(ASKED)
        server.faults = Faults()
        await upstream.complete(ASKED)

    asyncio.run(asyncio.wait_for(leaves(), 10))


def test_what_a_request_may_cost_counts_answers_and_images() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    body: JsonObject = {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}, image]}], "n": 3}
    most = most_usage({**body, "max_tokens": 100})
    assert most.completion_tokens == 300
    assert most.prompt_tokens > 765
    assert most_usage({}).prompt_tokens == 0
