"""What every client script shares: what it talks to, the questions, and how an outcome is told to the test."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

ENDPOINT = os.environ["WIRE_ENDPOINT"]
KEY = os.environ["WIRE_KEY"]
INDEX = os.environ["WIRE_INDEX"]
QUESTION = os.environ["WIRE_QUESTION"]
IMAGE = Path(os.environ["WIRE_IMAGE"])
IMAGE_URL = "data:image/png;base64," + base64.b64encode(IMAGE.read_bytes()).decode()
DEPLOYMENT, EMBEDDING = "foveal", "foveal-embedding"
WORDS = "Describe this picture:"

PLAIN = [{"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": QUESTION}]
ASKED = [{"role": "user", "content": QUESTION}]
VISION = [
    {
        "role": "user",
        "content": [{"type": "text", "text": WORDS}, {"type": "image_url", "image_url": {"url": IMAGE_URL}}],
    }
]
SERVICE = "https://search.example.net"
NEW_SOURCES = [
    {
        "type": "azure_search",
        "parameters": {
            "endpoint": SERVICE,
            "index_name": INDEX,
            "authentication": {"type": "api_key", "key": "theirs"},
        },
    }
]
OLD_SOURCES = [
    {"type": "AzureCognitiveSearch", "parameters": {"endpoint": SERVICE, "key": "theirs", "indexName": INDEX}}
]


def told(text: str | None, context: object = None, **more: object) -> dict[str, object]:
    """An answer and the files it cites."""
    return {"text": text, "files": files(context), **more}


def files(context: object) -> list[str] | None:
    """Citations of either era's context: `citations`, or a tool message that holds them as JSON."""
    if not isinstance(context, dict):
        return None
    if "messages" in context:
        context = json.loads(context["messages"][0]["content"])
    return [citation["filepath"] for citation in context["citations"]]


def first(contexts: Iterable[object]) -> object:
    return next((context for context in contexts if context), None)


def case(name: str, call: Callable[[], dict[str, object]]) -> None:
    """Run one and print its outcome as a line of JSON; whatever the client raises is an outcome."""
    try:
        outcome = call()
    except Exception as error:  # noqa: BLE001  # see above
        status = getattr(error, "status_code", None) or getattr(error, "http_status", None)
        outcome = {
            "error": type(error).__name__,
            "status": status,
            "code": str(getattr(error, "code", None)),
            "says": str(error)[:300],
        }
    print(json.dumps({"case": name, **outcome}), flush=True)
