"""What a multimodal model answered, in the shape llama-index gives it: `text`, `message`, `delta`, `raw`, `str()`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openai.types import CompletionUsage
    from openai.types.chat import ChatCompletion, ChatCompletionChunk


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One turn of a conversation.

    Attributes:
        role: system, user, assistant or tool.
        content: Text, or content parts as on the wire.
        additional_kwargs: Further members of the message: `name`, `tool_calls`, `tool_call_id`.
    """

    role: str = "user"
    content: object = ""
    additional_kwargs: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.role}: {self.content}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionResponse:
    """An answer, or of a stream the answer up to here.

    Attributes:
        text: Everything said so far.
        raw: The SDK's object. Citations of a grounded answer are in the `context` of its message.
        delta: Of a stream, what this event added.
        additional_kwargs: `prompt_tokens`, `completion_tokens` and `total_tokens`, where the server says them.
    """

    text: str
    raw: ChatCompletion | ChatCompletionChunk
    delta: str | None = None
    additional_kwargs: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatResponse:
    """The same as a message; see `CompletionResponse`."""

    message: ChatMessage
    raw: ChatCompletion | ChatCompletionChunk
    delta: str | None = None
    additional_kwargs: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return str(self.message)


def response_of(reply: ChatCompletion) -> ChatResponse:
    """A whole reply; a reply without choices says nothing."""
    text, calls = "", None
    if reply.choices:
        message = reply.choices[0].message
        text = message.content or ""
        calls = [call.model_dump(exclude_none=True) for call in message.tool_calls or ()]
    return ChatResponse(
        message=ChatMessage("assistant", text, {"tool_calls": calls} if calls else {}),
        raw=reply,
        additional_kwargs=_counts(reply.usage),
    )


class Accumulator:
    """Turns the chunks of one stream into responses, each with everything before it."""

    def __init__(self) -> None:
        self._text = ""
        self._calls: dict[int, dict[str, str]] = {}

    def add(self, chunk: ChatCompletionChunk) -> ChatResponse:
        """The response up to and with `chunk`; one without choices (filter results, usage) adds no words."""
        added = ""
        if chunk.choices and chunk.choices[0].delta is not None:
            delta = chunk.choices[0].delta
            added = delta.content or ""
            for call in delta.tool_calls or ():
                known = self._calls.setdefault(call.index, {"id": "", "name": "", "arguments": ""})
                known["id"] += call.id or ""
                if call.function is not None:
                    known["name"] += call.function.name or ""
                    known["arguments"] += call.function.arguments or ""
        self._text += added
        return ChatResponse(
            message=ChatMessage("assistant", self._text, self._further()),
            raw=chunk,
            delta=added,
            additional_kwargs=_counts(chunk.usage),
        )

    def _further(self) -> dict[str, object]:
        if not self._calls:
            return {}
        calls = [
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": call["name"], "arguments": call["arguments"]},
            }
            for _, call in sorted(self._calls.items())
        ]
        return {"tool_calls": calls}


def completion_of(response: ChatResponse) -> CompletionResponse:
    """The same as a completion."""
    return CompletionResponse(
        text=str(response.message.content),
        raw=response.raw,
        delta=response.delta,
        additional_kwargs=response.additional_kwargs,
    )


def _counts(usage: CompletionUsage | None) -> dict[str, int]:
    if usage is None:
        return {}
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }
