"""Requests and replies as the tests here write and read them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx

PLAIN = "/openai/deployments/foveal/chat/completions"
EXTENSIONS = "/openai/deployments/foveal/extensions/chat/completions"
DOGS_QUESTION = "dogs on the beach"


def body(question: str = DOGS_QUESTION, index: str = "photos", **parameters: object) -> dict[str, Any]:
    """A grounded request in the form of 2024."""
    source = {"type": "azure_search", "parameters": {"index_name": index, **parameters}}
    return {"messages": [{"role": "user", "content": question}], "data_sources": [source]}


def plain_body(question: str = "Hello there", **more: object) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}], **more}


def ask(http: httpx.Client, path: str, json: object, version: str | None = "2024-10-21") -> httpx.Response:
    return http.post(path, params={"api-version": version} if version else {}, json=json)


def answered(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    value: dict[str, Any] = response.json()
    return value


def events(response: httpx.Response) -> list[dict[str, Any]]:
    """The events of a stream; checks its framing."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.text.endswith("\n\n")
    lines = response.text.split("\n\n")[:-1]
    assert all(line.startswith("data: ") for line in lines)
    assert lines.count("data: [DONE]") <= 1
    return [json.loads(line.removeprefix("data: ")) for line in lines if line != "data: [DONE]"]


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
