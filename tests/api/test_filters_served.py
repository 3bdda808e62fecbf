"""The whole way: settings, an endpoint that judges, a model server that answers, and the official client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from starlette.types import ASGIApp

from foveal.asgi import create_app
from foveal.runtime import Foveal
from foveal.settings import load
from foveal.testing.content_safety_server import KEY, ContentSafetyServer
from foveal.testing.openai_server import Faults, OpenAIServer

SAFE = {"filtered": False, "severity": "safe"}
HARMLESS = dict.fromkeys(("hate", "self_harm", "sexual", "violence"), SAFE)
ANSWER = "All is well. It is calm. Then Violence=6 breaks out. The end."


@pytest.fixture(scope="module")
def judging() -> Iterator[ContentSafetyServer]:
    with ContentSafetyServer() as server:
        yield server


@pytest.fixture(scope="module")
def model() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


Ask = Callable[..., Any]


@pytest.fixture
def ask(
    judging: ContentSafetyServer, model: OpenAIServer, serve: Callable[[ASGIApp], str], tmp_path: Path
) -> Iterator[Ask]:
    """Ask the deployment, with settings of `safety` and a prepared answer of its model."""
    opened: list[Foveal | openai.AzureOpenAI] = []
    judging.calls.clear()
    model.calls.clear()

    def asking(prompt: str, *, says: str | None = None, safety: dict[str, object] | None = None, **more: object) -> Any:
        model.faults = Faults(reply=says)
        limits = {"endpoint": judging.endpoint, "api_key": KEY, "timeout_s": 5, **(safety or {})}
        deployments = {"gpt-4": {"base_url": model.base_url, "model": "fake"}}
        flags = {"home": tmp_path / str(len(opened)), "offline": True, "safety": limits, "deployments": deployments}
        foveal = Foveal(load(flags, environ={}))
        url = serve(create_app(foveal))
        client = openai.AzureOpenAI(azure_endpoint=url, api_key="any", api_version="2024-10-21", max_retries=0)
        opened.extend([foveal, client])
        messages: Any = [{"role": "user", "content": prompt}]
        return client.chat.completions.create(model="gpt-4", messages=messages, **more)  # type: ignore[call-overload]

    yield asking
    for one in opened:
        one.close()
    judging.failures.clear()


def results(choice: Any) -> dict[str, Any]:
    found: dict[str, Any] = choice.model_extra["content_filter_results"]
    return found


def test_a_prompt_over_the_threshold_never_reaches_the_model(ask: Ask, model: OpenAIServer) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        ask("Hate=4")
    assert caught.value.code == "content_filter"
    assert model.calls == []


def test_thresholds_are_the_operators(ask: Ask) -> None:
    reply = ask("Hate=3 SelfHarm=7", safety={"prompt_self_harm": "off"})
    (prompt,) = reply.model_extra["prompt_filter_results"]
    assert prompt["content_filter_results"]["hate"] == {"filtered": False, "severity": "low"}
    assert prompt["content_filter_results"]["self_harm"] == {"filtered": False, "severity": "high"}
    with pytest.raises(openai.BadRequestError):
        ask("Hate=3", safety={"prompt_hate": "low"})


def test_a_passed_answer_ends_before_the_sentence_that_is_filtered(ask: Ask) -> None:
    reply = ask("Hello", says=ANSWER)
    assert reply.choices[0].message.content == "All is well. It is calm. "
    assert reply.choices[0].finish_reason == "content_filter"
    assert results(reply.choices[0])["violence"] == {"filtered": True, "severity": "high"}


def test_so_does_a_passed_stream_which_is_held_back_until_it_was_judged(ask: Ask) -> None:
    chunks = list(ask("Hello", says=ANSWER, stream=True))
    assert chunks[0].model_extra["prompt_filter_results"][0]["content_filter_results"] == HARMLESS
    choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
    assert [c.delta.content for c in choices if c.delta.content] == ["All is well. ", "It is calm. "]
    assert all(results(c) == HARMLESS for c in choices if c.delta.content)
    assert choices[0].delta.role == "assistant"
    assert [c.finish_reason for c in choices if c.finish_reason] == ["content_filter"]
    assert results(choices[-1])["violence"]["filtered"]


def test_a_harmless_stream_comes_whole(ask: Ask) -> None:
    chunks = list(ask("Hello", says="One. Two. Three", stream=True, stream_options={"include_usage": True}))
    choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
    assert "".join(c.delta.content or "" for c in choices) == "One. Two. Three"
    assert [c.finish_reason for c in choices if c.finish_reason] == ["stop"]


def test_an_endpoint_that_fails_lets_through_and_the_reply_says_so(ask: Ask, judging: ContentSafetyServer) -> None:
    judging.failures = [(401, {})] * 2
    reply = ask("Hate=7", says="Hate=7")
    assert reply.choices[0].message.content == "Hate=7"
    assert "model_rejected" in results(reply.choices[0])["error"]["message"]


def test_without_an_endpoint_nothing_is_called_safe_that_nobody_judged(ask: Ask, judging: ContentSafetyServer) -> None:
    reply = ask("Hate=7", says="Hate=7", safety={"endpoint": ""})
    assert list(results(reply.choices[0])) == ["error"]
    assert reply.choices[0].message.content == "Hate=7"
    assert judging.calls == []


def test_a_conversation_is_judged_once(ask: Ask, judging: ContentSafetyServer) -> None:
    ask("Hello", says="Fine.")
    assert [body["text"] for _, body in judging.calls] == ["Hello", "Fine."]
