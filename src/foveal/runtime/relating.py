"""How an image that somebody shows relates to the hits of a search for it."""

from __future__ import annotations

from collections.abc import Sequence

from foveal.ports import ObjectDetector, TextRecognizer
from foveal.retrieval.relations import ImageEvidence, Relation, relate
from foveal.types.assets import MediaKind
from foveal.types.chat import ImageInput
from foveal.types.search import Hit, Leg


def relations(
    image: ImageInput, hits: Sequence[Hit], *, detector: ObjectDetector | None, recognizer: TextRecognizer | None
) -> list[tuple[Relation, ...]]:
    """Every relation of the image to each hit, strongest first; none to a text."""
    evidence = _evidence(image, detector, recognizer)
    return [relate(evidence, hit.chunk, _cosine(hit)) if hit.chunk.kind is MediaKind.IMAGE else () for hit in hits]


def _evidence(image: ImageInput, detector: ObjectDetector | None, recognizer: TextRecognizer | None) -> ImageEvidence:
    from foveal.readers.image_facts import perceptual_hash

    facts = image.facts
    lines = recognizer.recognize(image.pixels) if recognizer else ()
    return ImageEvidence(
        perceptual_hash=perceptual_hash(image.pixels) or None,
        mirrored_hash=perceptual_hash(image.pixels[:, ::-1].copy()) or None,
        objects=detector.detect([image.pixels])[0].objects if detector else (),
        ocr_text="\n".join(line.text for line in lines),
        latitude=facts.latitude if facts else None,
        longitude=facts.longitude if facts else None,
        taken_at=facts.taken_at if facts else None,
    )


def _cosine(hit: Hit) -> float | None:
    return next((leg.score for leg in hit.legs if leg.leg is Leg.IMAGE), None)
