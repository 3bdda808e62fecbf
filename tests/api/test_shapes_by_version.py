"""Every row of the version table, as bytes on the wire."""

from __future__ import annotations

import json

import httpx
import pytest

from foveal.api import versions
from foveal.api.versions import Shape
from foveal.testing.fakes_engine import FakeEngine, fake_chunk

from .conftest import DOGS
from .wire import EXTENSIONS, PLAIN, answered, ask, body, events, plain_body

OLD = [v for v, row in versions.TABLE.items() if row.shape is Shape.CONTEXT_MESSAGES]
OLDEST = [v for v, row in versions.TABLE.items() if row.shape is Shape.MESSAGES]
NEW = [v for v, row in versions.TABLE.items() if row.shape is Shape.CONTEXT]
ON_EITHER_PATH = [(PLAIN, v) for v in (*NEW, "2023-12-01-preview", "2031-01-01")] + [
    (EXTENSIONS, v) for v in ("2024-02-15-preview", "2024-10-21", "2031-01-01")
]

HARMLESS = {c: {"filtered": False, "severity": "safe"} for c in ("hate", "self_harm", "sexual", "violence")}


@pytest.mark.parametrize(("path", "version"), ON_EITHER_PATH)
def test_since_2024_the_context_is_an_object_on_the_message(http: httpx.Client, path: str, version: str) -> None:
    reply = answered(ask(http, path, body(), version))
    assert list(reply) == ["id", "model", "created", "object", "choices", "usage", "system_fingerprint"]
    assert reply["object"] == "extensions.chat.completion"
    assert reply["model"] == "fake-model"
    (choice,) = reply["choices"]
    assert choice["index"] == 0
    assert choice["finish_reason"] == "stop"
    assert choice["logprobs"] is None
    message = choice["message"]
    assert message["role"] == "assistant"
    assert message["refusal"] is None
    assert message["end_turn"] is True
    assert message["content"] == f"{DOGS} [doc1]"
    assert list(message["context"]) == ["citations", "intent"]
    assert json.loads(message["context"]["intent"]) == ["dogs on the beach"]
    assert reply["usage"] == {"completion_tokens": 9, "prompt_tokens": 7, "total_tokens": 16}


@pytest.mark.parametrize(("path", "version"), ON_EITHER_PATH)
def test_since_2024_the_first_event_has_the_role_and_the_whole_context(
    http: httpx.Client, path: str, version: str
) -> None:
    first, *middle, last = events(ask(http, path, body() | {"stream": True}, version))
    assert {e["object"] for e in (first, *middle, last)} == {"extensions.chat.completion.chunk"}
    assert len({e["id"] for e in (first, *middle, last)}) == 1
    opening = first["choices"][0]
    assert opening["delta"]["role"] == "assistant"
    assert opening["delta"]["context"]["citations"][0]["filepath"] == "dogs.jpg"
    assert (opening["end_turn"], opening["finish_reason"]) == (False, None)
    assert "".join(e["choices"][0]["delta"]["content"] for e in middle) == f"{DOGS} [doc1]"
    assert all(e["choices"][0]["end_turn"] is False for e in middle)
    assert last["choices"] == [{"index": 0, "delta": {}, "end_turn": True, "finish_reason": "stop"}]


@pytest.mark.parametrize("version", [*OLD, "nonsense"])
def test_late_in_2023_the_context_holds_a_tool_message_with_a_json_string(http: httpx.Client, version: str) -> None:
    reply = answered(ask(http, EXTENSIONS, body(), version))
    assert reply["object"] == "extensions.chat.completion"
    message = reply["choices"][0]["message"]
    assert (message["role"], message["end_turn"]) == ("assistant", True)
    (tool,) = message["context"]["messages"]
    assert (tool["role"], tool["end_turn"]) == ("tool", False)
    content = json.loads(tool["content"])
    assert list(content["citations"][0]) == ["content", "id", "title", "filepath", "url", "metadata", "chunk_id"]
    assert content["citations"][0]["content"] == DOGS
    assert json.loads(content["intent"]) == ["dogs on the beach"]


@pytest.mark.parametrize("version", [*OLD, "nonsense"])
def test_late_in_2023_a_stream_gives_context_then_role_then_words(http: httpx.Client, version: str) -> None:
    chunks = [e["choices"][0] for e in events(ask(http, EXTENSIONS, body() | {"stream": True}, version))]
    assert json.loads(chunks[0]["delta"]["context"]["messages"][0]["content"])["citations"]
    assert chunks[1]["delta"] == {"role": "assistant"}
    assert "".join(c["delta"]["content"] for c in chunks[2:-1]) == f"{DOGS} [doc1]"
    assert [c["end_turn"] for c in chunks] == [False] * (len(chunks) - 1) + [True]
    assert (chunks[-1]["delta"], chunks[-1]["finish_reason"]) == ({}, "stop")


@pytest.mark.parametrize("version", OLDEST)
def test_in_june_2023_the_choice_has_a_tool_and_an_assistant_message(http: httpx.Client, version: str) -> None:
    (choice,) = answered(ask(http, EXTENSIONS, body(), version))["choices"]
    tool, assistant = choice["messages"]
    assert json.loads(tool["content"])["citations"][0]["filepath"] == "dogs.jpg"
    assert (tool["role"], tool["end_turn"]) == ("tool", False)
    assert (assistant["role"], assistant["content"], assistant["end_turn"]) == ("assistant", f"{DOGS} [doc1]", True)
    assert choice["finish_reason"] == "stop"


@pytest.mark.parametrize("version", OLDEST)
def test_in_june_2023_a_stream_can_be_read_by_the_web_sample_of_that_month(http: httpx.Client, version: str) -> None:
    response = ask(http, EXTENSIONS, body() | {"stream": True}, version)
    assert "data: [DONE]" not in response.text
    tool, text = None, ""
    for event in events(response):
        delta = event["choices"][0]["messages"][0]["delta"]
        if delta.get("role") == "tool":
            tool = json.loads(delta["content"])
        elif delta.get("role") != "assistant" and delta["content"] != "[DONE]":
            text += delta["content"]
    assert tool is not None
    assert tool["citations"][0]["content"] == DOGS
    assert text == f"{DOGS} [doc1]"


@pytest.mark.parametrize("path", [PLAIN, EXTENSIONS])
def test_the_oldest_version_has_the_new_shape_on_the_plain_path(http: httpx.Client, path: str) -> None:
    reply = answered(ask(http, path, body(), "2023-06-01-preview"))
    assert ("messages" in reply["choices"][0]) == (path == EXTENSIONS)


@pytest.mark.parametrize("version", ["2024-05-01-preview", "2024-10-21"])
def test_before_august_2024_and_in_ga_citations_have_no_rerank_score(http: httpx.Client, version: str) -> None:
    (citation, *_) = answered(ask(http, PLAIN, body(), version))["choices"][0]["message"]["context"]["citations"]
    assert list(citation) == ["content", "title", "url", "filepath", "chunk_id"]


def test_from_august_2024_previews_on_citations_have_a_rerank_score(http: httpx.Client) -> None:
    reply = answered(ask(http, PLAIN, body(), "2024-08-01-preview"))
    assert reply["choices"][0]["message"]["context"]["citations"][0]["rerank_score"] == pytest.approx(3.0)


def test_versions_are_read_without_regard_to_case(http: httpx.Client) -> None:
    reply = answered(ask(http, EXTENSIONS, body(), "2023-08-01-Preview"))
    assert "messages" in reply["choices"][0]["message"]["context"]


def test_a_plain_answer_is_an_ordinary_chat_completion(http: httpx.Client) -> None:
    reply = answered(ask(http, PLAIN, plain_body()))
    assert reply["object"] == "chat.completion"
    assert reply["id"].startswith("chatcmpl-")
    (choice,) = reply["choices"]
    assert choice["message"] == {"role": "assistant", "content": "You said: Hello there", "refusal": None}
    assert (choice["finish_reason"], choice["logprobs"]) == ("stop", None)
    assert reply["prompt_filter_results"] == [{"prompt_index": 0, "content_filter_results": HARMLESS}]
    assert choice["content_filter_results"] == HARMLESS


@pytest.mark.parametrize(
    ("version", "key"), [("2023-08-01-preview", "prompt_annotations"), ("2024-10-21", "prompt_filter_results")]
)
def test_a_plain_stream_begins_with_the_event_without_choices(http: httpx.Client, version: str, key: str) -> None:
    first, second, *middle, last = events(ask(http, PLAIN, plain_body(stream=True), version))
    assert first == {
        "id": "",
        "model": "",
        "created": 0,
        "object": "",
        "choices": [],
        key: [{"prompt_index": 0, "content_filter_results": HARMLESS}],
    }
    assert second["choices"][0]["delta"]["role"] == "assistant"
    assert "".join(e["choices"][0]["delta"]["content"] for e in middle) == "You said: Hello there"
    assert all(e["choices"][0]["finish_reason"] is None for e in (second, *middle))
    assert (last["choices"][0]["delta"], last["choices"][0]["finish_reason"]) == ({}, "stop")


def test_a_client_of_openai_itself_gets_no_event_without_choices(http: httpx.Client) -> None:
    chunks = events(ask(http, "/v1/chat/completions", plain_body(stream=True, model="foveal"), None))
    assert all(chunk["choices"] for chunk in chunks)


@pytest.mark.parametrize("grounded", [True, False])
def test_usage_comes_last_when_it_is_asked_for(http: httpx.Client, *, grounded: bool) -> None:
    wanted = (body() if grounded else plain_body()) | {"stream": True, "stream_options": {"include_usage": True}}
    response = ask(http, PLAIN, wanted)
    *_, last = events(response)
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == last["usage"]["prompt_tokens"] + last["usage"]["completion_tokens"]
    assert response.text.endswith("data: [DONE]\n\n")


@pytest.mark.parametrize("path", [PLAIN, EXTENSIONS, "/openai/models"])
def test_outside_v1_a_request_without_version_is_not_found(http: httpx.Client, path: str) -> None:
    response = http.get(path) if path == "/openai/models" else ask(http, path, body(), None)
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "404"
    assert "api-version" in response.json()["error"]["message"]


def test_an_answer_not_in_the_data_says_so_with_the_same_shape(http: httpx.Client) -> None:
    message = answered(ask(http, PLAIN, body("zebra")))["choices"][0]["message"]
    assert message["context"]["citations"] == []
    assert "not found in the retrieved data" in message["content"]


@pytest.mark.parametrize(
    ("wanted", "keys"),
    [
        (["intent"], ["intent"]),
        (["citations"], ["citations"]),
        (["citations", "allRetrievedDocuments"], ["citations", "all_retrieved_documents"]),
        (None, ["citations", "intent"]),
    ],
)
def test_the_context_holds_what_include_contexts_asks_for(
    http: httpx.Client, wanted: list[str] | None, keys: list[str]
) -> None:
    reply = answered(ask(http, PLAIN, body(include_contexts=wanted), "2024-08-01-preview"))
    assert list(reply["choices"][0]["message"]["context"]) == keys


def test_all_retrieved_documents_say_why_some_were_left_out(http: httpx.Client, engine: FakeEngine) -> None:
    engine.indexes["photos"] = [
        fake_chunk("best.txt", "dogs on the beach"),
        fake_chunk("good.txt", "dogs on grass"),
        fake_chunk("weak.txt", "the cat"),
    ]
    wanted = body(include_contexts=["all_retrieved_documents"], top_n_documents=1)
    reply = answered(ask(http, PLAIN, wanted, "2024-08-01-preview"))
    documents = reply["choices"][0]["message"]["context"]["all_retrieved_documents"]
    assert [(d["filepath"], d.get("filter_reason")) for d in documents] == [
        ("best.txt", None),
        ("good.txt", "rerank"),
        ("weak.txt", "score"),
    ]
    assert documents[0]["search_queries"] == ["dogs on the beach"]
    assert documents[0]["data_source_index"] == 0
    assert documents[0]["original_search_score"] == pytest.approx(1.0)
