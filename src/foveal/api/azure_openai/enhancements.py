"""Vision enhancements in replies: places of what an answer names (contract notes, section 4.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from foveal.api.azure_openai.replies import Writer
from foveal.api.azure_openai.schemas import (
    ChatCompletion,
    ChatCompletionChunk,
    EnhancementsOut,
    FinishDetails,
    GroundingLineOut,
    GroundingOut,
    GroundingSpanOut,
    PointOut,
)
from foveal.types.chat import Answer, Finished, FinishReason, Grounded, GroundedSpan, Retrieved
from foveal.types.content import Usage

STOP_MARK = "<|fim_suffix|>"
"""What the service's samples have as the mark that ended an answer."""


@dataclass(slots=True)
class EnhancingWriter:
    """Adds `choices[0].enhancements` to what another writer writes.

    In a stream it comes in an event of its own, with empty words, right before the one with the finish reason.

    Attributes:
        inner: Writes the rest.
        images: How many there are in the request.
        finish_details: Whether `finish_details` stands beside `finish_reason`, as in the vision replies of 2023.
    """

    inner: Writer
    images: int
    finish_details: bool = False
    done: bool = field(init=False)
    _said: list[str] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.done = self.inner.done

    def whole(self, answer: Answer) -> ChatCompletion:
        """The answer in one piece."""
        completion = self.inner.whole(answer)
        choice = completion.choices[0]
        if answer.grounded is not None:
            choice.enhancements = self._places(answer.grounded, answer.text)
        if self.finish_details:
            choice.finish_details = _details(answer.finished.reason)
        return completion

    def opening(self, retrieved: Retrieved) -> Iterator[ChatCompletionChunk]:
        """As it is."""
        return self.inner.opening(retrieved)

    def piece(self, text: str) -> ChatCompletionChunk:
        """As it is, and remembered."""
        self._said.append(text)
        return self.inner.piece(text)

    def places(self, grounded: Grounded) -> Iterator[ChatCompletionChunk]:
        """One event."""
        chunk = self.inner.piece("")
        chunk.choices[0].enhancements = self._places(grounded, "".join(self._said))
        yield chunk

    def closing(self, finished: Finished) -> ChatCompletionChunk:
        """The end of the answer."""
        chunk = self.inner.closing(finished)
        if self.finish_details:
            chunk.choices[0].finish_details = _details(finished.reason)
        return chunk

    def usage(self, usage: Usage) -> ChatCompletionChunk:
        """As it is."""
        return self.inner.usage(usage)

    def _places(self, grounded: Grounded, text: str) -> EnhancementsOut:
        """One line, the answer; none without images."""
        spans = [self._span(span) for span in grounded.spans]
        lines = [GroundingLineOut(text=text, spans=spans)] if self.images else []
        return EnhancementsOut(grounding=GroundingOut(lines=lines, status="Success"))

    def _span(self, span: GroundedSpan) -> GroundingSpanOut:
        polygon = [PointOut(x=x, y=y) for x, y in span.polygon]
        out = GroundingSpanOut(text=span.text, offset=span.offset, length=span.length, polygon=polygon)
        if self.images > 1:
            out.image = span.image
        return out


def _details(reason: FinishReason) -> FinishDetails:
    if reason == "stop":
        return FinishDetails(type="stop", stop=STOP_MARK)
    return FinishDetails(type="max_tokens" if reason == "length" else "content_filter")
