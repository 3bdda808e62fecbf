"""The parts behind the face of Azure AI Vision, put together."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from foveal.pipeline.findings import ImageFindings
from foveal.pipeline.vectorizing import Vectorizer
from foveal.pipeline.vision import Vision
from foveal.runtime.relating import content_of
from foveal.runtime.video_chat import open_video
from foveal.types.chat import ImageInput

if TYPE_CHECKING:
    from foveal.runtime.parts import Parts


def vision_of(parts: Parts) -> Vision:
    """Made of the parts of a home; no model is opened before it is needed."""
    models = parts.models

    def caption(image: ImageInput) -> ImageFindings:
        asset_id, content = content_of(image)
        return parts.shown_images.understand(asset_id, content, described=False)

    return Vision(
        vectorizer=Vectorizer(
            encoder=lambda: models.image,
            detector=lambda: models.objects,
            texts=lambda: models.queries,
            space=models.text_space,
        ),
        look=parts.look,
        caption=caption,
        videos=parts.video_retrieval.indexes,
        open_video=partial(open_video, parts),
    )
