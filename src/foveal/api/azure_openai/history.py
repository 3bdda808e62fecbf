"""What earlier replies that a client gives back say of the search behind them.

A client of 2023 keeps the tool message of a reply between question and answer (`role: "tool"`, its content a JSON
string with `citations` and `intent`); later ones may send the assistant's `context` back. The citations were for the
answer of then; the intent says what the question meant, which the next question may lean on. Whatever cannot be read
is read past.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from pydantic import JsonValue

from foveal.api.azure_openai.schemas import MessageIn

MOST_QUERIES = 3
MOST_CHARACTERS = 400


def queries_after(given: Sequence[MessageIn], number: int) -> tuple[str, ...]:
    """The search queries that the question `given[number]` was turned into, as the messages after it say; or none."""
    for message in given[number + 1 :]:
        if message.role == "user":
            return ()
        queries = _queries(_intent(message))
        if queries:
            return queries
    return ()


def _intent(message: MessageIn) -> JsonValue:
    if message.role == "tool":
        return _member(_parsed("".join(part.text or "" for part in message.content)), "intent")
    context = message.context
    messages = _member(context, "messages")
    if isinstance(messages, list) and messages:
        content = _member(messages[0], "content")
        return _member(_parsed(content) if isinstance(content, str) else None, "intent")
    return _member(context, "intent")


def _queries(intent: JsonValue) -> tuple[str, ...]:
    """Of a JSON array in a string, as the service writes it, or of plain text, as its samples have it."""
    if not isinstance(intent, str):
        return ()
    value = _parsed(intent)
    listed = value if isinstance(value, list) else [intent]
    texts = (" ".join(item.split())[:MOST_CHARACTERS] for item in listed if isinstance(item, str))
    return tuple(dict.fromkeys(text for text in texts if text))[:MOST_QUERIES]


def _parsed(text: str) -> JsonValue:
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def _member(value: JsonValue, name: str) -> JsonValue:
    return value.get(name) if isinstance(value, dict) else None
