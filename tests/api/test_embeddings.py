"""Embeddings, the refused completions, and what the lists say of each deployment."""

from __future__ import annotations

import base64
import struct
from typing import Any

import httpx
import numpy as np
import openai
import pytest

from foveal.retrieval.tokens import TokenCounter
from foveal.testing.fakes_engine import FakeEngine

from .wire import PLAIN, ask, plain_body

EMBED = "/openai/deployments/foveal-embedding/embeddings"
V1 = "/openai/v1/embeddings"
OPENAI = "/v1/embeddings"
HELLO_WORLD = [15339, 1917]
"""In cl100k_base."""


def embedded(http: httpx.Client, given: object, **more: object) -> dict[str, Any]:
    response = ask(http, EMBED, {"input": given, **more})
    assert response.status_code == 200, response.text
    value: dict[str, Any] = response.json()
    return value


def refused(response: httpx.Response, code: str = "invalid_request") -> str:
    assert response.status_code == 400, response.text
    assert response.json()["error"]["code"] == code
    return str(response.json()["error"]["message"])


def rows(reply: dict[str, Any]) -> np.ndarray[Any, Any]:
    return np.array([item["embedding"] for item in reply["data"]], dtype=np.float32)


def test_a_text_has_one_vector_in_the_shape_of_the_service(http: httpx.Client, engine: FakeEngine) -> None:
    reply = embedded(http, "hello world")
    assert list(reply) == ["object", "data", "model", "usage"]
    assert (reply["object"], reply["model"]) == ("list", "fake-embedding")
    (item,) = reply["data"]
    assert list(item) == ["object", "index", "embedding"]
    assert (item["object"], item["index"], len(item["embedding"])) == ("embedding", 0, engine.embedder.dim)
    assert reply["usage"] == {"prompt_tokens": 2, "total_tokens": 2}


def test_texts_keep_their_order(http: httpx.Client) -> None:
    reply = embedded(http, ["hello world", "parrot", "hello world"])
    assert [item["index"] for item in reply["data"]] == [0, 1, 2]
    first, second, third = rows(reply)
    assert np.array_equal(first, third)
    assert not np.array_equal(first, second)


def test_tokens_are_the_text_they_stand_for(http: httpx.Client, engine: FakeEngine) -> None:
    assert np.array_equal(rows(embedded(http, HELLO_WORLD)), rows(embedded(http, "hello world")))
    reply = embedded(http, [HELLO_WORLD, [1917]])
    assert engine.embedder.texts[-2:] == ["hello world", " world"]
    assert reply["usage"]["prompt_tokens"] == 3


def test_a_token_array_may_be_longer_than_the_most_texts(http: httpx.Client) -> None:
    embedded(http, [1917] * 3000)


def test_base64_holds_the_same_numbers_as_little_endian_floats(http: httpx.Client) -> None:
    (numbers,) = rows(embedded(http, "hello world"))
    (item,) = embedded(http, "hello world", encoding_format="base64")["data"]
    data = base64.b64decode(item["embedding"], validate=True)
    assert list(struct.unpack(f"<{len(data) // 4}f", data)) == numbers.tolist()


def test_floats_are_sent_when_nothing_is_asked_for(http: httpx.Client) -> None:
    for more in ({}, {"encoding_format": None}, {"encoding_format": "float"}):
        assert isinstance(embedded(http, "x", **more)["data"][0]["embedding"], list)


def test_questions_are_told_from_passages(http: httpx.Client) -> None:
    passage, question = (embedded(http, "hello", input_type=kind) for kind in ("passage", "query"))
    assert not np.array_equal(rows(passage), rows(question))


def test_the_models_own_length_is_taken_and_no_other(http: httpx.Client, engine: FakeEngine) -> None:
    embedded(http, "x", dimensions=engine.embedder.dim)
    assert "does not support specifying dimensions" in refused(ask(http, EMBED, {"input": "x", "dimensions": 7}))


def test_what_is_not_known_is_ignored(http: httpx.Client) -> None:
    embedded(http, "x", user="me", model="text-embedding-ada-002", priority=3)


@pytest.mark.parametrize("path", [V1, OPENAI])
def test_in_v1_the_body_names_the_deployment(http: httpx.Client, path: str) -> None:
    assert ask(http, path, {"input": "x", "model": "foveal-embedding"}, None).status_code == 200
    refused(ask(http, path, {"input": "x"}, None))
    unknown = ask(http, path, {"input": "x", "model": "nothing"}, None)
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "DeploymentNotFound")


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        [],
        [""],
        ["a", ""],
        [[]],
        [None],
        ["a", 1],
        [1, "a"],
        [1.5],
        [True],
        [[1], "a"],
        {"a": 1},
        5,
        ["a"] * 2049,
    ],
)
def test_what_is_no_input_is_refused_in_one_sentence(http: httpx.Client, given: object) -> None:
    response = ask(http, EMBED, {"input": given})
    assert ";" not in refused(response)
    assert response.json()["error"]["param"] == "input"


def test_a_missing_input_is_named(http: httpx.Client) -> None:
    assert "input" in refused(ask(http, EMBED, {}))


@pytest.mark.parametrize("ids", [[-1], [100_257], [10**30]])
def test_tokens_of_no_text_are_refused(http: httpx.Client, ids: list[int]) -> None:
    refused(ask(http, EMBED, {"input": ids}))
    response = ask(http, EMBED, {"input": [HELLO_WORLD, ids]})
    assert "input.1" in refused(response)


def test_a_text_over_the_services_window_is_refused_in_its_words(http: httpx.Client) -> None:
    longest = "a " * 8191
    assert TokenCounter("cl100k_base").count(longest.strip()) == 8191
    embedded(http, longest.strip())
    assert "maximum context length is 8191 tokens" in refused(ask(http, EMBED, {"input": longest + "a a"}))


def test_a_request_of_too_many_tokens_is_refused(http: httpx.Client) -> None:
    assert "300000" in refused(ask(http, EMBED, {"input": ["a " * 8000] * 40}))


def test_a_chat_deployment_does_not_embed_and_an_embedding_deployment_does_not_chat(http: httpx.Client) -> None:
    path = EMBED.replace("foveal-embedding", "foveal")
    assert "embeddings operation" in refused(ask(http, path, {"input": "x"}), "OperationNotSupported")
    chat = ask(http, PLAIN.replace("foveal", "foveal-embedding"), plain_body())
    assert "chatCompletion operation" in refused(chat, "OperationNotSupported")
    v1 = ask(http, "/v1/chat/completions", plain_body(model="foveal-embedding"), None)
    refused(v1, "OperationNotSupported")


def test_embeddings_need_a_version_outside_v1(http: httpx.Client) -> None:
    response = ask(http, EMBED, {"input": "x"}, None)
    assert (response.status_code, response.json()["error"]["code"]) == (404, "404")


@pytest.mark.parametrize("encoding", ["float", "base64", None])
def test_the_official_client_reads_them(base_url: str, engine: FakeEngine, encoding: Any) -> None:
    more = {"encoding_format": encoding} if encoding else {}
    with openai.AzureOpenAI(azure_endpoint=base_url, api_key="any", api_version="2024-10-21", max_retries=0) as client:
        reply = client.embeddings.create(model="foveal-embedding", input=["hello world", "b"], **more)
    assert [item.index for item in reply.data] == [0, 1]
    if encoding != "base64":
        assert np.allclose(reply.data[0].embedding, engine.embedder.embed_passages(["hello world"])[0])


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/openai/deployments/foveal/completions", None),
        ("/openai/deployments/foveal-embedding/completions", None),
        ("/openai/v1/completions", "foveal"),
        ("/v1/completions", "foveal"),
    ],
)
def test_completions_are_refused_as_the_service_did(http: httpx.Client, path: str, model: str | None) -> None:
    response = ask(http, path, {"prompt": "Hello", "model": model})
    assert refused(response, "OperationNotSupported").startswith("The completion operation does not work with the")


def test_completions_of_an_unknown_deployment_are_not_found(http: httpx.Client) -> None:
    assert ask(http, "/openai/deployments/nothing/completions", {"prompt": "x"}).status_code == 404
    assert ask(http, "/v1/completions", {"prompt": "x", "model": "nothing"}, None).status_code == 404
    assert ask(http, "/v1/completions", {"prompt": "x"}, None).status_code == 400


@pytest.mark.parametrize("path", ["/openai/models", "/openai/v1/models", "/v1/models"])
def test_models_say_what_they_can_be_asked_for(http: httpx.Client, path: str) -> None:
    listed = http.get(path, params={"api-version": "2024-10-21"}).json()["data"]
    able = {m["id"]: {name for name, yes in m["capabilities"].items() if yes} for m in listed}
    assert able == {
        "foveal": {"chat_completion", "vision", "inference"},
        "foveal-embedding": {"embeddings", "inference"},
    }
    for model in listed:
        assert http.get(f"{path}/{model['id']}", params={"api-version": "2024-10-21"}).json() == model
    assert http.get(f"{path}/no/such", params={"api-version": "2024-10-21"}).status_code == 404
