"""What stands behind the face of Azure AI Vision: vectors and image analysis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from foveal.pipeline.findings import ImageFindings
from foveal.pipeline.vectorizing import Vectorizer
from foveal.types.chat import ImageInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Vision:
    """Eyes for callers from outside.

    Attributes:
        vectorizer: Words and images as vectors.
        look: What the local models find in an image.
        caption: The same with the words of a vision model, where one is configured: a call that may cost money.
    """

    vectorizer: Vectorizer
    look: Callable[[ImageInput], ImageFindings]
    caption: Callable[[ImageInput], ImageFindings]
