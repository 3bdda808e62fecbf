"""What stands behind the face of Azure AI Vision: vectors, image analysis and video retrieval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from foveal.pipeline.findings import ImageFindings
from foveal.pipeline.vectorizing import Vectorizer
from foveal.pipeline.video_indexes import VideoIndexes
from foveal.types.chat import ImageInput
from foveal.types.chunks import Chunk


@dataclass(frozen=True, slots=True, kw_only=True)
class Vision:
    """Eyes for callers from outside.

    Attributes:
        vectorizer: Words and images as vectors.
        look: What the local models find in an image.
        caption: The same with the words of a vision model, where one is configured: a call that may cost money.
        videos: Video indexes.
        open_video: The first moment of a video: index, what the index calls it, where it came from, for which groups.
    """

    vectorizer: Vectorizer
    look: Callable[[ImageInput], ImageFindings]
    caption: Callable[[ImageInput], ImageFindings]
    videos: VideoIndexes
    open_video: Callable[[str, str, str, tuple[str, ...] | None], Chunk]
