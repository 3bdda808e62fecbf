"""What is wrong with a question's videos, told inside the answer (contract notes, section 4.4; client observations)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from foveal.api.azure_openai.replies import Writer
from foveal.api.azure_openai.schemas import ChatCompletion, ChatCompletionChunk, ContextOut, MessageOut
from foveal.api.azure_openai.video_sources import VideoRequestError
from foveal.types.chat import Answer, Finished, Grounded, Retrieved
from foveal.types.content import Usage


@dataclass(slots=True)
class FailureWriter:
    """Adds a tool message with `ErrorMessage` and `ErrorCode` to what another writer writes.

    Attributes:
        inner: Writes the rest; the answer's words are the error's.
    """

    inner: Writer
    failure: VideoRequestError
    done: bool = field(init=False)

    def __post_init__(self) -> None:
        self.done = self.inner.done

    def whole(self, answer: Answer) -> ChatCompletion:
        """The answer in one piece."""
        completion = self.inner.whole(answer)
        message = completion.choices[0].message
        if message is not None:
            message.context = self._context()
        return completion

    def opening(self, retrieved: Retrieved) -> Iterator[ChatCompletionChunk]:
        """What comes before the words, then the tool message."""
        yield from self.inner.opening(retrieved)
        chunk = self.inner.piece("")
        for choice in chunk.choices:
            choice.delta = MessageOut(context=self._context())
        yield chunk

    def piece(self, text: str) -> ChatCompletionChunk:
        """As it is."""
        return self.inner.piece(text)

    def places(self, grounded: Grounded) -> Iterator[ChatCompletionChunk]:
        """None."""
        return iter(())

    def closing(self, finished: Finished) -> ChatCompletionChunk:
        """As it is."""
        return self.inner.closing(finished)

    def usage(self, usage: Usage) -> ChatCompletionChunk:
        """As it is."""
        return self.inner.usage(usage)

    def _context(self) -> ContextOut:
        tool = MessageOut(role="tool", content=self.failure.tool_content, end_turn=False)
        return ContextOut(messages=[tool])
