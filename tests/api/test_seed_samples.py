"""The samples of the retired services' documentation, request for request: only endpoint, key and index are ours.

Sources: "Azure OpenAI on your data" and "Use GPT-4 Turbo with Vision" (Microsoft, 2023 and 2024). Its sample of
document-level access is in `test_groups.py`: it needs documents that have groups.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from foveal.testing.fakes_engine import FakeEngine, fake_chunk

from .wire import EXTENSIONS, PLAIN, answered, ask, events

QUESTION = "What are the differences between Azure Machine Learning and Azure AI services?"
ANSWER = "Azure Machine Learning and Azure AI services have differences in what they are tailored for."
VERSIONS_OF_2023 = ["2023-06-01-preview", "2023-08-01-preview", "2023-09-01-preview", "2023-12-01-preview"]


@pytest.fixture
def source(base_url: str, engine: FakeEngine) -> dict[str, Any]:
    engine.indexes["docs"] = [fake_chunk("ml.md", ANSWER)]
    return {
        "type": "AzureCognitiveSearch",
        "parameters": {"endpoint": base_url, "key": "a key", "indexName": "docs"},
    }


def citations(choice: dict[str, Any]) -> list[dict[str, Any]]:
    """Of a choice in either form of 2023."""
    tool = choice["messages"][0] if "messages" in choice else choice["message"]["context"]["messages"][0]
    assert tool["role"] == "tool"
    return json.loads(tool["content"])["citations"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("version", VERSIONS_OF_2023)
def test_streaming_data(http: httpx.Client, source: dict[str, Any], version: str) -> None:
    request = {"stream": True, "dataSources": [source], "messages": [{"role": "user", "content": QUESTION}]}
    chunks = events(ask(http, EXTENSIONS, request, version))
    assert all(chunk["object"] == "extensions.chat.completion.chunk" and chunk["choices"] for chunk in chunks)
    choices = [chunk["choices"][0] for chunk in chunks]
    ends = [c["end_turn"] if "end_turn" in c else c["messages"][0]["end_turn"] for c in choices]
    assert ends == [False] * (len(ends) - 1) + [True]
    deltas = [c["delta"] if "delta" in c else c["messages"][0]["delta"] for c in choices]
    said = "".join(d.get("content") or "" for d in deltas if d.get("role") != "tool")
    assert said.removesuffix("[DONE]") == f"{ANSWER} [doc1]"


def history(citation_path: str) -> list[dict[str, str]]:
    content = {
        "citations": [
            {
                "content": "title: Azure AI services and Machine Learning\ntitleSuffix: Azure AI services\n",
                "id": None,
                "title": "Azure AI services and Machine Learning",
                "filepath": citation_path,
                "url": None,
                "metadata": {
                    "chunking": "orignal document size=1018. Scores=0.32200050354003906 and 1.2880020141601562."
                    "Org Highlight count=115."
                },
                "chunk_id": "0",
            }
        ],
        "intent": json.dumps([QUESTION]),
    }
    return [
        {"role": "user", "content": QUESTION},
        {"role": "tool", "content": json.dumps(content)},
        {
            "role": "assistant",
            "content": " \nAzure Machine Learning is a product and service tailored for data scientists to build, "
            "train, and deploy machine learning models [doc1]...",
        },
        {"role": "user", "content": "How do I use Azure machine learning?"},
    ]


@pytest.mark.parametrize("version", VERSIONS_OF_2023)
def test_conversation_history(http: httpx.Client, engine: FakeEngine, source: dict[str, Any], version: str) -> None:
    messages = history("articles\\cognitive-services\\ml.md")
    reply = answered(ask(http, EXTENSIONS, {"dataSources": [source], "messages": messages}, version))
    (choice,) = reply["choices"]
    (citation,) = citations(choice)
    assert citation["filepath"] == "ml.md"
    assert reply["object"] == "extensions.chat.completion"
    heard = engine.requests[-1].messages
    assert [message.role for message in heard] == ["user", "assistant", "user"]
    assert heard[0].searched == (QUESTION,)


# --- vision


@pytest.fixture
def image_request(picture: bytes) -> dict[str, Any]:
    url = "data:image/jpeg;base64," + base64.b64encode(picture).decode()
    return {
        "messages": [
            {"role": "system", "content": "You are a helpful assistant."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Describe this picture:"},
                    {"type": "image_url", "image_url": {"url": url}},
                ],
            },
        ],
        "max_tokens": 100,
        "stream": False,
    }


def test_an_image_in_a_chat(http: httpx.Client, engine: FakeEngine, image_request: dict[str, Any]) -> None:
    reply = answered(ask(http, PLAIN, image_request, "2024-02-15-preview"))
    assert reply["id"].startswith("chatcmpl-")
    assert reply["object"] == "chat.completion"
    assert {"created", "model", "prompt_filter_results", "usage"} <= reply.keys()
    assert reply["prompt_filter_results"][0]["prompt_index"] == 0
    (choice,) = reply["choices"]
    assert (choice["index"], choice["finish_reason"]) == (0, "stop")
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["content"]
    assert "content_filter_results" in choice
    assert set(reply["usage"]) == {"prompt_tokens", "completion_tokens", "total_tokens"}
    asked = engine.requests[-1]
    assert (asked.sampling.max_tokens, len(asked.messages[-1].images)) == (100, 1)


@pytest.mark.parametrize(("path", "version"), [(PLAIN, "2024-02-15-preview"), (EXTENSIONS, "2023-12-01-preview")])
def test_vision_enhancements_with_a_computer_vision_source(
    http: httpx.Client, engine: FakeEngine, image_request: dict[str, Any], path: str, version: str
) -> None:
    image_request |= {
        "enhancements": {"ocr": {"enabled": True}, "grounding": {"enabled": True}},
        "dataSources": [
            {
                "type": "AzureComputerVision",
                "parameters": {"endpoint": "https://x.cognitiveservices.azure.com/", "key": "a key"},
            }
        ],
    }
    reply = answered(ask(http, path, image_request, version))
    (choice,) = reply["choices"]
    assert reply["object"] == "chat.completion"
    assert choice["message"]["content"]
    assert choice["finish_reason"] == "stop"
    asked = engine.requests[-1]
    assert (asked.enhancements.ocr, asked.enhancements.grounding, asked.sources) == (True, True, ())
