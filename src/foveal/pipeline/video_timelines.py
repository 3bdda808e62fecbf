"""What an index knows of a video, on its timeline."""

from __future__ import annotations

from dataclasses import dataclass

from foveal.types.chat import VideoInput
from foveal.types.chunks import Chunk, Feature
from foveal.types.speech import TimedText


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoTimeline:
    """A video of a conversation.

    Attributes:
        number: 1-based, in the order in which the conversation names videos.
        moments: In order of time.
        at: Moments at the times that the question names.
        asked: Moments that answer the question, best first; passages point at the sentence that does.
    """

    number: int
    video: VideoInput
    moments: tuple[Chunk, ...]
    at: tuple[Chunk, ...] = ()
    asked: tuple[Chunk, ...] = ()

    @property
    def end_ms(self) -> int:
        """Of the last moment."""
        return max((chunk.locator.end_ms or 0 for chunk in self.moments), default=0)

    @property
    def sentences(self) -> tuple[TimedText, ...]:
        """What is said."""
        return tuple(s for chunk in self.moments for s in chunk.sentences if s.text.strip())

    @property
    def written(self) -> tuple[Chunk, ...]:
        """What is to be read on the screen."""
        return tuple(chunk for chunk in self.moments if chunk.feature is Feature.SCREEN_TEXT)

    @property
    def frames(self) -> tuple[Chunk, ...]:
        """What is shown."""
        return tuple(chunk for chunk in self.moments if chunk.feature is Feature.VISION)

    @property
    def description(self) -> str:
        """A person's words on the whole of it."""
        return next((chunk.description for chunk in self.moments if chunk.description), "")


def start_of(chunk: Chunk) -> int:
    """When a moment begins, in milliseconds."""
    return chunk.locator.start_ms or 0
