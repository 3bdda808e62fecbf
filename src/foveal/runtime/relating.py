"""How an image that somebody shows relates to the hits of a search for it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from foveal.pipeline.findings import ImageFindings
from foveal.pipeline.part_vectors import PartVectors
from foveal.ports.models import TextRecognizer
from foveal.retrieval.recent import Recent
from foveal.retrieval.regions import choose_things, cut
from foveal.retrieval.registration import Features, Registration, best, features, register
from foveal.retrieval.relations import MEASURED_ENCODER, ImageEvidence, Things, relate
from foveal.types.assets import AssetId
from foveal.types.chat import ImageInput
from foveal.types.chunks import Chunk
from foveal.types.content import DetectedObject, ImageContent, ImageFacts
from foveal.types.relations import Relation
from foveal.types.search import Hit, Leg
from foveal.types.vectors import Pixels

MOST_OPENED = 10
"""Images of the collection that are laid over the shown one; each is decoded."""
MOST_THINGS = 6
"""Things of the shown image that are compared and sought."""
REMEMBERED = 16
"""Shown images of which the work is kept (0.3 MB each): a conversation sends its image again with every turn."""


def content_of(image: ImageInput) -> tuple[AssetId, ImageContent]:
    """An image of a request as the models behind the cache take it: the same bytes are looked at once."""
    height, width = image.pixels.shape[:2]
    facts = image.facts or ImageFacts(width_px=width, height_px=height)
    return AssetId(hashlib.sha256(image.data).hexdigest()), ImageContent(pixels=image.pixels, facts=facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """What is known of a shown image, and how it lies in those it was laid over.

    Attributes:
        both: Its features as it is, and turned left to right.
    """

    evidence: ImageEvidence
    both: tuple[Features, Features]
    lying: dict[tuple[AssetId, int | None], Registration | None] = field(default_factory=dict)


class Relating:
    """Works out relations; what is learnt of an image is remembered by its content.

    Args:
        look: What the models find in a shown image.
        parts: Encodes its objects, one by one, where an index has vectors of parts to compare them with.
        recognizer: Reads the shown image turned left to right, where that matters; None: nothing is read.
        picture: Pixels of an image of the collection; None when they cannot be had, and then only fingerprints count.
    """

    def __init__(
        self,
        *,
        look: Callable[[ImageInput], ImageFindings],
        parts: PartVectors,
        recognizer: Callable[[], TextRecognizer | None],
        picture: Callable[[Chunk], Pixels | None],
    ) -> None:
        self._look = look
        self._parts = parts
        self._recognizer = recognizer
        self._picture = picture
        self._remembered = Recent[AssetId, _Shown](REMEMBERED)

    def __call__(self, image: ImageInput, hits: Sequence[Hit]) -> list[tuple[Relation, ...]]:
        """Every relation of the image to each hit, strongest first; none to a text."""
        if not any(hit.chunk.is_picture for hit in hits):
            return [()] * len(hits)
        known = self._known(image)
        shown = known.evidence
        lying = [self._lying(known, hit.chunk) if number < MOST_OPENED else None for number, hit in enumerate(hits)]
        if any(
            one and one.mirrored and one.is_copy and hit.chunk.ocr_text for one, hit in zip(lying, hits, strict=True)
        ):
            shown = replace(shown, mirrored_ocr_text=self._read(image.pixels[:, ::-1].copy()))
        if any(hit.chunk.region_vectors is not None for hit in hits):
            shown = replace(shown, things=self._looks(known, image.pixels))
        return [
            relate(shown, hit.chunk, _cosine(hit), one) if hit.chunk.is_picture else ()
            for hit, one in zip(hits, lying, strict=True)
        ]

    def things(self, image: ImageInput) -> tuple[Pixels, ...]:
        """Its objects, cut out, surest first; none where vectors do not tell whether they are the same as others."""
        if not self._parts.identity.startswith(MEASURED_ENCODER):
            return ()
        return tuple(cut(image.pixels, one.box) for one in _things(self._known(image), image.pixels))

    def _evidence(self, image: ImageInput) -> ImageEvidence:
        from foveal.readers.image_facts import perceptual_hash

        found, facts = self._look(image), image.facts
        return ImageEvidence(
            perceptual_hash=perceptual_hash(image.pixels) or None,
            mirrored_hash=perceptual_hash(image.pixels[:, ::-1].copy()) or None,
            objects=found.detections.objects if found.detections else (),
            ocr_text="\n".join(line.text for line in found.ocr_lines),
            latitude=facts.latitude if facts else None,
            longitude=facts.longitude if facts else None,
            taken_at=facts.taken_at if facts else None,
        )

    def _known(self, image: ImageInput) -> _Shown:
        return self._remembered.one(
            content_of(image)[0],
            lambda: _Shown(
                evidence=self._evidence(image), both=(features(image.pixels), features(image.pixels[:, ::-1]))
            ),
        )

    def _looks(self, shown: _Shown, pixels: Pixels) -> Things | None:
        """The shown image's objects and their vectors; None without any, or where vectors do not tell them apart."""
        objects = _things(shown, pixels)
        if not objects or not self._parts.identity.startswith(MEASURED_ENCODER):
            return None
        return Things(objects=objects, vectors=np.stack(self._parts([cut(pixels, one.box) for one in objects])))

    def _lying(self, shown: _Shown, chunk: Chunk) -> Registration | None:
        """How the shown image lies in one of the collection, as it is or mirrored."""
        key = chunk.asset_id, chunk.locator.page
        if key in shown.lying:
            return shown.lying[key]
        pixels = self._picture(chunk) if chunk.is_picture else None
        if pixels is None:
            return None
        shown.lying[key] = _laid_over(shown.both, features(pixels))
        return shown.lying[key]

    def _read(self, pixels: Pixels) -> str:
        recognizer = self._recognizer()
        return "\n".join(line.text for line in recognizer.recognize(pixels)) if recognizer else ""


def _things(shown: _Shown, pixels: Pixels) -> tuple[DetectedObject, ...]:
    height, width = pixels.shape[:2]
    return choose_things(shown.evidence.objects, MOST_THINGS, width_px=width, height_px=height)


def _laid_over(both: tuple[Features, Features], found: Features) -> Registration | None:
    as_it_is, turned = (register(one, found) for one in both)
    return best([as_it_is, replace(turned, mirrored=True) if turned else None])


def _cosine(hit: Hit) -> float | None:
    return next((leg.score for leg in hit.legs if leg.leg is Leg.IMAGE), None)
