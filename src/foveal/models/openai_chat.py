"""Chat through any OpenAI-compatible server or Azure OpenAI."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import TYPE_CHECKING

from foveal.errors import ModelRejectedError, ModelUnavailableError
from foveal.models.background_loop import relay
from foveal.models.limits import CallLimit, Meter, Spending, estimate_tokens
from foveal.models.openai_client import Connection, Endpoint
from foveal.models.openai_messages import most_usage, to_wire
from foveal.types.chat import Finished, FinishReason, Message, Sampling, TextDelta
from foveal.types.content import Usage

if TYPE_CHECKING:
    from openai import AsyncStream
    from openai.types.chat import ChatCompletionChunk
    from openai.types.completion_usage import CompletionUsage

_FINISH_REASONS: dict[str, FinishReason] = {"length": "length", "content_filter": "content_filter"}
"""Every other reason of the wire (stop, tool_calls, function_call, a server's own) is a stop."""

_AZURE_STREAM_USAGE = "2024-09-01"
"""First Azure api-version that takes `stream_options`; earlier ones answer 400."""


class OpenAIChatModel:
    """A `ports.ChatModel` over the wire; thread-safe, and usable from any number of event loops.

    Args:
        endpoint: Server and model.
        sees: Whether the model takes images.
        context_tokens: Size of its window.
        meter: What pays for calls.
        limit: Shared limit on calls at once.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        sees: bool = False,
        context_tokens: int = 16_384,
        meter: Meter | None = None,
        limit: CallLimit | None = None,
    ) -> None:
        self._connection = Connection(endpoint, meter=meter, limit=limit)
        self._sees = sees
        self._context_tokens = context_tokens

    @property
    def identity(self) -> str:
        """Model and server."""
        endpoint = self._connection.endpoint
        return f"openai-chat:{endpoint.model}@{endpoint.host}"

    @property
    def sees(self) -> bool:
        """As given."""
        return self._sees

    @property
    def context_tokens(self) -> int:
        """As given."""
        return self._context_tokens

    def stream(self, messages: Sequence[Message], sampling: Sampling) -> AsyncIterator[TextDelta | Finished]:
        """See `ports.ChatModel`.

        Raises:
            ModelRejectedError: Also when a message has an image and the model does not see.
        """
        return relay(lambda: self._stream(messages, sampling))

    async def _stream(
        self, messages: Sequence[Message], sampling: Sampling
    ) -> AsyncGenerator[TextDelta | Finished, None]:
        if not self._sees and any(message.images for message in messages):
            raise ModelRejectedError(
                f"{self._connection.endpoint.name} takes no images.", remedy="Set `chat.sees` if it does."
            )
        most = most_usage(messages, sampling)
        async with self._connection.call(most) as spending:
            stream = await self._open(messages, sampling)
            async with stream:
                reading = _Reading(self._connection, spending, most.prompt_tokens)
                async for chunk in stream:
                    if words := reading.read(chunk):
                        yield TextDelta(text=words)
                yield reading.finished()

    async def _open(self, messages: Sequence[Message], sampling: Sampling) -> AsyncStream[ChatCompletionChunk]:
        from openai import omit

        return await self._connection.sampled(
            sampling,
            lambda options: self._connection.client.chat.completions.create(
                model=self._connection.endpoint.model,
                messages=to_wire(messages),
                stream=True,
                stream_options={"include_usage": True} if self._reports_usage else omit,
                extra_body=options,
            ),
        )

    @property
    def _reports_usage(self) -> bool:
        endpoint = self._connection.endpoint
        return not endpoint.azure or (endpoint.api_version or "") >= _AZURE_STREAM_USAGE


class _Reading:
    """What has come of one stream so far."""

    def __init__(self, connection: Connection, spending: Spending, prompt_tokens: int) -> None:
        self._connection = connection
        self._spending = spending
        self._prompt_tokens = prompt_tokens
        self._reported = False
        self._reason: str | None = None
        self._model = connection.endpoint.model

    def read(self, chunk: ChatCompletionChunk) -> str:
        """The words a chunk adds; chunks without choices (Azure's first, the usage's last) add none."""
        self._model = getattr(chunk, "model", None) or self._model
        choices = getattr(chunk, "choices", None) or []
        delta = choices[0].delta if choices else None
        words = (getattr(delta, "content", None) or getattr(delta, "refusal", None) or "") if delta else ""
        if choices and choices[0].finish_reason:
            self._reason = choices[0].finish_reason
        self._count(words, getattr(chunk, "usage", None))
        return words

    def _count(self, words: str, reported: CompletionUsage | None) -> None:
        if reported is not None:
            self._reported = True
            self._spending.used = Usage(
                prompt_tokens=reported.prompt_tokens or 0, completion_tokens=reported.completion_tokens or 0
            )
        elif words and not self._reported:
            so_far = self._spending.used.completion_tokens
            self._spending.used = Usage(
                prompt_tokens=self._prompt_tokens, completion_tokens=so_far + estimate_tokens(words) - 4
            )

    def finished(self) -> Finished:
        """The last event.

        Raises:
            ModelUnavailableError: The stream ended before the answer did.
        """
        if self._reason is None:
            raise ModelUnavailableError(
                f"{self._connection.endpoint.name} broke off in the middle of its answer.", remedy="Try again."
            )
        return Finished(
            reason=_FINISH_REASONS.get(self._reason, "stop"),
            usage=self._spending.used,
            answered=self._reason != "content_filter",
            model=self._model,
        )
