"""The official `openai` package is the judge: its typed clients against a running server."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import openai
import pytest

from foveal.errors import ModelOverloadedError, ModelTimeoutError, ModelUnavailableError
from foveal.testing.fakes_engine import FakeEngine

from .conftest import DOGS

HERE = "http://localhost:8808"
SOURCE = {"type": "azure_search", "parameters": {"endpoint": HERE, "index_name": "photos"}}
OLD_SOURCE = {"type": "AzureCognitiveSearch", "parameters": {"endpoint": HERE, "indexName": "photos"}}


@pytest.fixture
def azure(base_url: str) -> Iterator[openai.AzureOpenAI]:
    with openai.AzureOpenAI(
        azure_endpoint=base_url, api_key="any", api_version="2024-10-21", max_retries=0, timeout=20
    ) as client:
        yield client


def question(text: str = "dogs on the beach") -> list[dict[str, object]]:
    return [{"role": "user", "content": text}]


def test_a_question_on_your_data_is_answered_with_citations(azure: openai.AzureOpenAI) -> None:
    reply = azure.chat.completions.create(
        model="foveal",
        messages=question(),
        extra_body={"data_sources": [SOURCE]},  # type: ignore[arg-type]
    )
    assert reply.object == "extensions.chat.completion"
    message = reply.choices[0].message
    assert message.content == f"{DOGS} [doc1]"
    context = message.model_extra["context"]  # type: ignore[index]
    assert [c["filepath"] for c in context["citations"]] == ["dogs.jpg", "secret dogs.jpg"]
    assert set(context["citations"][0]) == {"content", "title", "url", "filepath", "chunk_id"}
    assert json.loads(context["intent"]) == ["dogs on the beach"]
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage is not None
    assert reply.usage.total_tokens == 16


def test_the_same_as_a_stream_gives_context_first_and_then_the_words(azure: openai.AzureOpenAI) -> None:
    chunks = list(
        azure.chat.completions.create(
            model="foveal",
            messages=question(),
            stream=True,
            extra_body={"data_sources": [SOURCE]},  # type: ignore[arg-type]
        )
    )
    context = chunks[0].choices[0].delta.model_extra["context"]  # type: ignore[index]
    assert context["citations"][0]["content"] == DOGS
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == f"{DOGS} [doc1]"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].choices[0].model_extra == {"end_turn": True}


def test_the_sdks_stream_helper_accumulates_a_plain_answer(azure: openai.AzureOpenAI) -> None:
    # Of grounded streams the helper skips every chunk: it knows no object but `chat.completion.chunk`.
    with azure.chat.completions.stream(model="foveal", messages=question("Hi")) as stream:  # type: ignore[arg-type]
        final = stream.get_final_completion()
    assert final.choices[0].message.content == "You said: Hi"


def test_the_2023_form_on_the_extensions_path(base_url: str) -> None:
    with openai.AzureOpenAI(
        base_url=f"{base_url}/openai/deployments/foveal/extensions",
        api_key="any",
        api_version="2023-12-01-preview",
        max_retries=0,
    ) as client:
        body = {"dataSources": [OLD_SOURCE]}
        reply = client.chat.completions.create(model="foveal", messages=question(), extra_body=body)  # type: ignore[arg-type]
        message = reply.choices[0].message
        assert message.content == f"{DOGS} [doc1]"
        tool = message.model_extra["context"]["messages"][0]  # type: ignore[index]
        assert json.loads(tool["content"])["citations"][0]["content"] == DOGS
        chunks = list(
            client.chat.completions.create(model="foveal", messages=question(), stream=True, extra_body=body)  # type: ignore[arg-type]
        )
        assert "".join(c.choices[0].delta.content or "" for c in chunks) == f"{DOGS} [doc1]"


def test_a_plain_chat_with_an_image_as_data_url(azure: openai.AzureOpenAI, engine: FakeEngine, picture: bytes) -> None:
    url = "data:image/png;base64," + base64.b64encode(picture).decode()
    reply = azure.chat.completions.create(
        model="foveal",
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": url, "detail": "low"}},
                ],
            }
        ],
    )
    assert reply.choices[0].message.content == "You said: What is this?"
    (image,) = engine.requests[0].messages[0].images
    assert (image.data, image.detail) == (picture, "low")


def test_a_question_with_an_image_searches_by_both(
    azure: openai.AzureOpenAI, engine: FakeEngine, picture: bytes
) -> None:
    url = "data:image/png;base64," + base64.b64encode(picture).decode()
    content = [{"type": "text", "text": "dogs"}, {"type": "image_url", "image_url": {"url": url}}]
    azure.chat.completions.create(
        model="foveal",
        messages=[{"role": "user", "content": content}],  # type: ignore[list-item, misc]
        extra_body={"data_sources": [SOURCE]},
    )
    _, query = engine.queries[0]
    assert query.text == "dogs"
    assert len(query.images) == 1


def test_usage_in_a_plain_stream(azure: openai.AzureOpenAI) -> None:
    chunks = list(
        azure.chat.completions.create(
            model="foveal",
            messages=question("Hi"),
            stream=True,
            stream_options={"include_usage": True},  # type: ignore[arg-type]
        )
    )
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.prompt_tokens == 7
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "You said: Hi"


@pytest.mark.parametrize("path", ["/openai/v1", "/v1"])
def test_the_plain_openai_client_works_on_both_v1_addresses(base_url: str, path: str) -> None:
    with openai.OpenAI(base_url=base_url + path, api_key="any", max_retries=0) as client:
        reply = client.chat.completions.create(model="foveal", messages=question("Hi"))  # type: ignore[arg-type]
        assert reply.choices[0].message.content == "You said: Hi"
        grounded = client.chat.completions.create(
            model="foveal",
            messages=question(),
            extra_body={"data_sources": [SOURCE]},  # type: ignore[arg-type]
        )
        assert grounded.choices[0].message.content == f"{DOGS} [doc1]"
        assert [m.id for m in client.models.list()] == ["foveal", "foveal-embedding"]
        assert client.models.retrieve("foveal").owned_by == "foveal"


def test_models_and_deployments_are_listed(azure: openai.AzureOpenAI) -> None:
    model, _ = azure.models.list().data
    assert (model.id, model.created, model.object) == ("foveal", 1_700_000_000, "model")
    listed = azure.get("/deployments", cast_to=dict[str, object])
    assert [d["id"] for d in listed["data"]] == ["foveal", "foveal-embedding"]  # type: ignore[index, attr-defined]


def test_the_sdk_raises_its_own_error_for_each_of_ours(azure: openai.AzureOpenAI, engine: FakeEngine) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        azure.chat.completions.create(model="gpt-4o", messages=question())  # type: ignore[arg-type]
    assert missing.value.code == "DeploymentNotFound"
    assert missing.value.request_id
    source = {"type": "azure_search", "parameters": {"index_name": "nothing"}}
    with pytest.raises(openai.BadRequestError, match="There is no index nothing"):
        azure.chat.completions.create(model="foveal", messages=question(), extra_body={"data_sources": [source]})  # type: ignore[arg-type]
    engine.failure = ModelUnavailableError("No chat model is configured.", remedy="Set chat.base_url.")
    with pytest.raises(openai.InternalServerError, match=r"Set chat\.base_url") as unavailable:
        azure.chat.completions.create(model="foveal", messages=question())  # type: ignore[arg-type]
    assert unavailable.value.status_code == 503


def test_the_sdk_raises_on_a_failure_in_mid_stream(azure: openai.AzureOpenAI, engine: FakeEngine) -> None:
    engine.failure_after = ModelTimeoutError("The model stopped talking.")
    with pytest.raises(openai.APIError, match="The model stopped talking"):
        list(azure.chat.completions.create(model="foveal", messages=question(), stream=True))  # type: ignore[arg-type]


def test_the_sdk_does_not_retry_what_waiting_cannot_mend(base_url: str, engine: FakeEngine) -> None:
    client = openai.AzureOpenAI(azure_endpoint=base_url, api_key="any", api_version="2024-10-21", max_retries=3)
    engine.failure = ModelUnavailableError("No chat model is configured.")
    with client, pytest.raises(openai.InternalServerError):
        client.chat.completions.create(model="foveal", messages=question())  # type: ignore[arg-type]
    assert len(engine.requests) == 1


def test_the_sdk_waits_as_long_as_it_is_told_and_tries_again(base_url: str, engine: FakeEngine) -> None:
    client = openai.AzureOpenAI(azure_endpoint=base_url, api_key="any", api_version="2024-10-21", max_retries=1)
    engine.failure = ModelOverloadedError("Busy.", retry_after_s=0.01)
    with client, pytest.raises(openai.RateLimitError):
        client.chat.completions.create(model="foveal", messages=question())  # type: ignore[arg-type]
    assert len(engine.requests) == 2
