"""Content filters as clients meet them: the official package reads what was judged, refused and cut off."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from foveal.testing.fakes_engine import IMAGE_MAGIC, FakeEngine, fake_chunk

from .wire import PLAIN, answered, ask, body, events, plain_body

SAFE = {"filtered": False, "severity": "safe"}
FILTERED = {"filtered": True, "severity": "high"}
HARMLESS = dict.fromkeys(("hate", "self_harm", "sexual", "violence"), SAFE)
SOURCE = {"type": "azure_search", "parameters": {"index_name": "photos"}}


@pytest.fixture
def azure(base_url: str) -> Iterator[openai.AzureOpenAI]:
    with openai.AzureOpenAI(
        azure_endpoint=base_url, api_key="any", api_version="2024-10-21", max_retries=0, timeout=20
    ) as client:
        yield client


def say(text: str, *earlier: str) -> list[Any]:
    return [{"role": "user", "content": words} for words in (*earlier, text)]


@pytest.mark.parametrize("stream", [False, True])
def test_a_filtered_prompt_is_a_bad_request_with_the_contracts_fields(
    azure: openai.AzureOpenAI, engine: FakeEngine, *, stream: bool
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        azure.chat.completions.create(model="foveal", messages=say("So much hate"), stream=stream)
    error = caught.value
    assert (error.status_code, error.code, error.param, error.type) == (400, "content_filter", "prompt", None)
    assert isinstance(error.body, dict)
    assert error.body["status"] == 400
    assert error.body["innererror"] == {
        "code": "ResponsibleAIPolicyViolation",
        "content_filter_result": {**HARMLESS, "hate": FILTERED},
    }
    assert "content management policy" in error.body["message"]
    assert engine.requests == [], "a filtered prompt reaches no model"


@pytest.mark.parametrize("stream", [False, True])
def test_with_data_sources_the_envelope_is_that_of_on_your_data(
    azure: openai.AzureOpenAI, engine: FakeEngine, *, stream: bool
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        azure.chat.completions.create(
            model="foveal", messages=say("violence"), stream=stream, extra_body={"data_sources": [SOURCE]}
        )
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["code"] == 400
    assert caught.value.body["requestid"]
    assert caught.value.body["innererror"]["content_filter_result"]["violence"] == FILTERED
    assert engine.requests == []


def test_an_image_and_the_history_are_part_of_the_prompt(azure: openai.AzureOpenAI) -> None:
    url = "data:image/png;base64," + base64.b64encode(IMAGE_MAGIC + b" sexual").decode()
    picture: Any = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}
    for messages in ([picture], [picture, {"role": "assistant", "content": "No."}, *say("Why?")], say("Hi", "hate")):
        with pytest.raises(openai.BadRequestError, match="was filtered"):
            azure.chat.completions.create(model="foveal", messages=messages)


def test_words_of_the_operator_and_of_the_model_are_not_the_callers(azure: openai.AzureOpenAI) -> None:
    others: list[Any] = [{"role": role, "content": "hate"} for role in ("system", "assistant")]
    assert azure.chat.completions.create(model="foveal", messages=[*others, *say("Hi")]).choices


def test_a_plain_reply_says_what_was_judged(azure: openai.AzureOpenAI) -> None:
    reply = azure.chat.completions.create(model="foveal", messages=say("Hello"))
    assert reply.model_extra is not None
    assert reply.model_extra["prompt_filter_results"] == [{"prompt_index": 0, "content_filter_results": HARMLESS}]
    assert reply.choices[0].model_extra == {"content_filter_results": HARMLESS}


def test_what_nobody_judged_is_an_error_and_not_safe(azure: openai.AzureOpenAI, engine: FakeEngine) -> None:
    engine.filters_fail = True
    reply = azure.chat.completions.create(model="foveal", messages=say("hate"))
    assert reply.model_extra is not None
    (prompt,) = reply.model_extra["prompt_filter_results"]
    for results in (prompt["content_filter_results"], reply.choices[0].model_extra["content_filter_results"]):  # type: ignore[index]
        assert set(results) == {"error"}
        assert results["error"]["code"] == "content_filter_error"
        assert results["error"]["message"].startswith("The contents are not filtered for hate, self_harm, sexual")


@pytest.mark.parametrize("grounded", [False, True])
def test_a_filtered_answer_keeps_what_came_before_and_ends_with_the_reason(
    http: httpx.Client, engine: FakeEngine, *, grounded: bool
) -> None:
    engine.holds_answers = True
    text = "One dogs sentence. Then violence comes! And more."
    engine.indexes["photos"] = [fake_chunk("dogs.txt", text)]
    if grounded:
        wanted = body("dogs sentence")
    else:
        wanted = plain_body("x")
        engine.say = text
    reply = answered(ask(http, PLAIN, wanted))
    (choice,) = reply["choices"]
    assert choice["finish_reason"] == "content_filter"
    assert choice["message"]["content"] == "One dogs sentence. "
    chunks = events(ask(http, PLAIN, wanted | {"stream": True}))
    choices = [chunk["choices"][0] for chunk in chunks if chunk["choices"]]
    assert "".join(c["delta"].get("content") or "" for c in choices) == "One dogs sentence. "
    assert choices[-1]["finish_reason"] == "content_filter"
    if not grounded:
        assert choice["content_filter_results"]["violence"] == FILTERED
        assert choices[-1]["content_filter_results"]["violence"] == FILTERED
        assert choices[-2]["content_filter_results"] == HARMLESS
    assert engine.closed == 2, "the model is stopped"


def test_every_content_event_says_what_was_judged_of_it(http: httpx.Client, engine: FakeEngine) -> None:
    engine.holds_answers = True
    engine.say = "First here. Second there. The third has no end"
    chunks = events(ask(http, PLAIN, plain_body("x", stream=True)))
    pieces = [c["choices"][0] for c in chunks if c["choices"] and c["choices"][0]["delta"].get("content")]
    assert [p["delta"]["content"] for p in pieces] == ["First here. ", "Second there. ", "The third has no end"]
    assert all(p["content_filter_results"] == HARMLESS for p in pieces)
    judged = [text for side, text in engine.judged if side == "answer"]
    assert judged[-1] == engine.say, "a sentence is judged with the words before it"


def test_words_that_nothing_can_filter_go_out_at_once_and_say_so(http: httpx.Client, engine: FakeEngine) -> None:
    chunks = events(ask(http, PLAIN, plain_body("One. Two", stream=True)))
    *pieces, last = [c["choices"][0] for c in chunks if c["choices"]][1:]
    assert len(pieces) == 4
    assert all(list(p["content_filter_results"]) == ["error"] for p in pieces)
    assert last["content_filter_results"] == HARMLESS


@pytest.mark.parametrize("text", ["x" * 1000, "犬。" * 300, "a b " * 200, "End\n\n", "…", "Mr. X.\tY? 'Z!' "])
def test_holding_loses_and_reorders_nothing(http: httpx.Client, engine: FakeEngine, text: str) -> None:
    engine.say = text
    engine.holds_answers = True
    assert answered(ask(http, PLAIN, plain_body("x")))["choices"][0]["message"]["content"] == text
