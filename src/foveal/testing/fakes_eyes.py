"""A stand-in for what is behind the face of Azure AI Vision: fake models of images, put together as real ones are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache

from foveal.errors import NotFoundError
from foveal.pipeline.findings import ImageFindings, tags_from
from foveal.pipeline.vectorizing import Vectorizer
from foveal.pipeline.video_indexes import VideoIndexes
from foveal.pipeline.vision import Vision
from foveal.ports.models import ImageEncoder
from foveal.retrieval.text_space import TextSpace, build_text_space
from foveal.testing.fakes_text import FakeTextEmbedder
from foveal.testing.fakes_videos import fake_video_indexes
from foveal.testing.fakes_vision import FakeImageEncoder, FakeObjectDetector
from foveal.types.chat import ImageInput
from foveal.types.chunks import Chunk
from foveal.types.content import Caption, OcrLine, SafetyScores

FAKE_LINE = OcrLine(text="EXIT 12", score=0.9, polygon=((0.25, 0.5), (0.75, 0.5), (0.75, 0.625), (0.25, 0.625)))
"""Text that is read in every image."""


def fake_vision(
    *,
    captions: bool = False,
    encoder: ImageEncoder | None = None,
    videos: VideoIndexes | None = None,
    open_video: Callable[[str, str, str, tuple[str, ...] | None], Chunk] | None = None,
) -> Vision:
    """Vectors and findings by the fake models.

    Args:
        captions: Whether a vision model writes sentences.
        encoder: In the place of `FakeImageEncoder`.
        videos: In the place of `fake_video_indexes`.
        open_video: The first moment of a video; without one there is none.
    """
    eyes, detector, texts = encoder or FakeImageEncoder(), FakeObjectDetector(), FakeTextEmbedder()

    def look(image: ImageInput) -> ImageFindings:
        encoding = eyes.encode([image.pixels])[0]
        return ImageFindings(
            encoding=encoding,
            detections=detector.detect([image.pixels])[0],
            ocr_lines=(FAKE_LINE,),
            safety=SafetyScores(),
            caption=None,
            tags=tags_from(encoding, eyes.labels),
        )

    def caption(image: ImageInput) -> ImageFindings:
        found = look(image)
        name = hashlib.sha256(image.data).hexdigest()[:4]
        said = Caption(text=f"A man shows picture {name}. He is glad.", tags=())
        return replace(found, caption=said) if captions else found

    return Vision(
        vectorizer=Vectorizer(
            encoder=lambda: eyes,
            detector=lambda: detector,
            texts=lambda: texts,
            space=lambda: _space(eyes.labels, detector.classes),
        ),
        look=look,
        caption=caption,
        videos=videos or fake_video_indexes(),
        open_video=open_video or _no_video,
    )


def _no_video(index: str, name: str, url: str, _: tuple[str, ...] | None) -> Chunk:
    raise NotFoundError(f"There is no video {name or url!r} in the index {index!r}.")


@cache
def _space(labels: tuple[str, ...], classes: tuple[str, ...]) -> TextSpace:
    """Made once: it embeds some hundred questions."""
    return build_text_space(FakeTextEmbedder(), labels, classes)
