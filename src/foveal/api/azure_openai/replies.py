"""Answers → chat completions, in one piece or as chunks, in the shape of each version.

One writer a shape; `writer` picks it. The event orders are those of the contract notes, sections 2, 3.4 and 3.5, and
of the client observations.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from foveal.api.azure_openai.content_filters import Verdicts
from foveal.api.azure_openai.contexts import ContextWriter
from foveal.api.azure_openai.filter_results import FilterResults
from foveal.api.azure_openai.schemas import (
    ChatCompletion,
    ChatCompletionChunk,
    Choice,
    ChunkChoice,
    ContextOut,
    MessageDelta,
    MessageOut,
    PromptFilterResult,
    UsageOut,
)
from foveal.api.versions import Shape, Version
from foveal.types.chat import Answer, Finished, Grounded, Retrieved
from foveal.types.content import Usage

FINGERPRINT = "fp_foveal"


def _now() -> int:
    return int(time.time())


def _uuid() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What all chunks of one answer have in common."""

    model: str
    id: str = field(default_factory=_uuid)
    created: int = field(default_factory=_now)


class Writer(Protocol):
    """Writes one answer in one shape."""

    done: bool
    """Whether a stream ends with `[DONE]`."""

    def whole(self, answer: Answer) -> ChatCompletion:
        """The answer in one piece."""

    def opening(self, retrieved: Retrieved) -> Iterator[ChatCompletionChunk]:
        """What comes before the first words."""

    def piece(self, text: str) -> ChatCompletionChunk:
        """Some words."""

    def places(self, grounded: Grounded) -> Iterator[ChatCompletionChunk]:
        """Places of what the answer names, before its end; nothing where they are not asked for."""

    def closing(self, finished: Finished) -> ChatCompletionChunk:
        """The end of the answer."""

    def usage(self, usage: Usage) -> ChatCompletionChunk:
        """The extra last chunk of `stream_options.include_usage`: no choices."""


def writer(frame: Frame, version: Version, context: ContextWriter, verdicts: Verdicts) -> Writer:
    """The writer for a request's version and kind.

    Args:
        verdicts: What is known of filters whenever something is written; only plain chats say it.
    """
    if not context.asked.grounded:
        return PlainWriter(frame, version, verdicts, context)
    if version.shape is Shape.MESSAGES:
        return MessagesWriter(frame, context)
    if version.shape is Shape.CONTEXT_MESSAGES:
        return ContextMessagesWriter(frame, context)
    return ContextWriterOf2024(frame, context)


def usage_out(usage: Usage) -> UsageOut:
    """Token counts with their sum."""
    total = usage.prompt_tokens + usage.completion_tokens
    return UsageOut(completion_tokens=usage.completion_tokens, prompt_tokens=usage.prompt_tokens, total_tokens=total)


class _Shared:
    """The outer object of completions and chunks."""

    done = True
    kind = "extensions.chat.completion"

    def __init__(self, frame: Frame) -> None:
        self.frame = frame

    def completion(self, choice: Choice, usage: Usage) -> ChatCompletion:
        return ChatCompletion(
            id=self.frame.id,
            model=self.frame.model,
            created=self.frame.created,
            object=self.kind,
            choices=[choice],
            usage=usage_out(usage),
            system_fingerprint=FINGERPRINT,
        )

    def chunk(self, *choices: ChunkChoice) -> ChatCompletionChunk:
        return ChatCompletionChunk(
            id=self.frame.id,
            model=self.frame.model,
            created=self.frame.created,
            object=f"{self.kind}.chunk",
            choices=list(choices),
            system_fingerprint=FINGERPRINT,
        )

    def places(self, grounded: Grounded) -> Iterator[ChatCompletionChunk]:
        """None: `EnhancingWriter` writes them."""
        return iter(())

    def usage(self, usage: Usage) -> ChatCompletionChunk:
        chunk = self.chunk()
        chunk.usage = usage_out(usage)
        return chunk


class PlainWriter(_Shared):
    """A chat without data, or about videos: then the moments that the answer rests on are its `context` (an extension).

    The event that names the role comes before any words, so its filter result is empty.
    """

    kind = "chat.completion"

    def __init__(self, frame: Frame, version: Version, verdicts: Verdicts, context: ContextWriter) -> None:
        super().__init__(Frame(model=frame.model, id=f"chatcmpl-{frame.id}", created=frame.created))
        self._prompt_filter_key = version.prompt_filter_key
        self._verdicts = verdicts
        self._context = context

    def whole(self, answer: Answer) -> ChatCompletion:
        """`message` with role, content and refusal; `logprobs` null, as the 2024-10-21 schema requires."""
        choice = Choice(
            index=0,
            finish_reason=answer.finished.reason,
            message=self._resting_on(answer.retrieved, MessageOut(role="assistant", content=answer.text, refusal=None)),
            logprobs=None,
            content_filter_results=self._verdicts.answer,
        )
        completion = self.completion(choice, answer.finished.usage)
        completion.prompt_filter_results = self._of_prompt()
        return completion

    def opening(self, retrieved: Retrieved) -> Iterator[ChatCompletionChunk]:
        """The service's first event, which has no choices, then the role."""
        if self._prompt_filter_key:
            first = ChatCompletionChunk(id="", model="", created=0, object="", choices=[])
            setattr(first, self._prompt_filter_key, self._of_prompt())
            yield first
        role = self._choice(self._resting_on(retrieved, MessageOut(role="assistant", content="")))
        role.content_filter_results = FilterResults()
        yield self.chunk(role)

    def piece(self, text: str) -> ChatCompletionChunk:
        """`delta.content`."""
        return self.chunk(self._choice(MessageOut(content=text)))

    def closing(self, finished: Finished) -> ChatCompletionChunk:
        """An empty delta with the reason."""
        return self.chunk(self._choice(MessageOut(), finished.reason))

    def _resting_on(self, retrieved: Retrieved, message: MessageOut) -> MessageOut:
        if retrieved.citations:
            message.context = self._context.context(retrieved)
        return message

    def _choice(self, delta: MessageOut, reason: str | None = None) -> ChunkChoice:
        found = self._verdicts.answer
        return ChunkChoice(index=0, delta=delta, finish_reason=reason, logprobs=None, content_filter_results=found)

    def _of_prompt(self) -> list[PromptFilterResult]:
        return [PromptFilterResult(prompt_index=0, content_filter_results=self._verdicts.prompt)]


class ContextWriterOf2024(_Shared):
    """On Your Data since 2024: `context` is an object, and whole in the first event."""

    def __init__(self, frame: Frame, context: ContextWriter) -> None:
        super().__init__(frame)
        self._context = context

    def whole(self, answer: Answer) -> ChatCompletion:
        """`end_turn` is on the message."""
        message = MessageOut(
            role="assistant",
            content=answer.text,
            refusal=None,
            end_turn=True,
            context=self._context.context(answer.retrieved),
        )
        choice = Choice(index=0, finish_reason=answer.finished.reason, message=message, logprobs=None)
        return self.completion(choice, answer.finished.usage)

    def opening(self, retrieved: Retrieved) -> Iterator[ChatCompletionChunk]:
        """Role and context in one event."""
        yield self._part(MessageOut(role="assistant", context=self._context.context(retrieved)))

    def piece(self, text: str) -> ChatCompletionChunk:
        """`delta.content`; `end_turn` is on the choice."""
        return self._part(MessageOut(content=text))

    def closing(self, finished: Finished) -> ChatCompletionChunk:
        """An empty delta, `end_turn` true."""
        return self._part(MessageOut(), reason=finished.reason)

    def _part(self, delta: MessageOut, reason: str | None = None) -> ChatCompletionChunk:
        return self.chunk(ChunkChoice(index=0, delta=delta, end_turn=reason is not None, finish_reason=reason))


class ContextMessagesWriter(ContextWriterOf2024):
    """On Your Data from August to December 2023: `context.messages` holds a tool message."""

    def whole(self, answer: Answer) -> ChatCompletion:
        """The tool message's content is a JSON string."""
        message = MessageOut(role="assistant", content=answer.text, end_turn=True, context=self._tool(answer.retrieved))
        choice = Choice(index=0, finish_reason=answer.finished.reason, message=message)
        return self.completion(choice, answer.finished.usage)

    def opening(self, retrieved: Retrieved) -> Iterator[ChatCompletionChunk]:
        """Context, then role, in two events."""
        yield self._part(MessageOut(context=self._tool(retrieved)))
        yield self._part(MessageOut(role="assistant"))

    def _tool(self, retrieved: Retrieved) -> ContextOut:
        content = self._context.tool_content(retrieved)
        return ContextOut(messages=[MessageOut(role="tool", content=content, end_turn=False)])


class MessagesWriter(_Shared):
    """On Your Data in June 2023: `messages` on the choice, streamed as `messages[0].delta`.

    A stream ends with a delta whose content is `[DONE]` and without the bare `[DONE]` event, which clients of that
    version would take for broken JSON.
    """

    done = False

    def __init__(self, frame: Frame, context: ContextWriter) -> None:
        super().__init__(frame)
        self._context = context

    def whole(self, answer: Answer) -> ChatCompletion:
        """A tool message, then the assistant's."""
        content = self._context.tool_content(answer.retrieved)
        messages = [
            MessageOut(index=0, role="tool", content=content, end_turn=False),
            MessageOut(index=1, role="assistant", content=answer.text, end_turn=True),
        ]
        choice = Choice(index=0, finish_reason=answer.finished.reason, messages=messages)
        return self.completion(choice, answer.finished.usage)

    def opening(self, retrieved: Retrieved) -> Iterator[ChatCompletionChunk]:
        """The tool message, then the role of the next."""
        yield self._part(0, MessageOut(role="tool", content=self._context.tool_content(retrieved)))
        yield self._part(1, MessageOut(role="assistant"))

    def piece(self, text: str) -> ChatCompletionChunk:
        """`messages[0].delta.content`."""
        return self._part(1, MessageOut(content=text))

    def closing(self, finished: Finished) -> ChatCompletionChunk:
        """The word `[DONE]` as content."""
        return self._part(1, MessageOut(content="[DONE]"), finished.reason)

    def _part(self, message: int, delta: MessageOut, reason: str | None = None) -> ChatCompletionChunk:
        part = MessageDelta(index=message, delta=delta, end_turn=reason is not None)
        return self.chunk(ChunkChoice(index=0, messages=[part], finish_reason=reason))
