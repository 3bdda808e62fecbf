"""Findings of the eyes → a reply of `imageanalysis:analyze`.

Without a vision model nobody writes sentences: a caption then lists what was detected, and its confidence is the
detector's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from foveal.api.azure_vision import schemas
from foveal.api.azure_vision.errors import VisionError
from foveal.api.azure_vision.reading import read_blocks, read_pages
from foveal.pipeline.findings import ImageFindings
from foveal.retrieval.composing import counted, short_caption
from foveal.retrieval.cropping import smart_crop
from foveal.types.content import DetectedObject
from foveal.types.locators import Box

MODEL_VERSION = "foveal-2023-10-01"
"""Of the reply's form; which models look is in `foveal doctor`."""
MOST_DENSE_CAPTIONS = 10
"""The whole image included, as the service had it."""
CAPTION_SURENESS = 0.75
"""What is said of a vision model's caption: its servers give no number."""
LEAST_RATIO, MOST_RATIO = 0.75, 1.8
OWN_RATIOS = (0.5, 2.0)
"""Bounds of the shape where the caller wishes none."""
_SENTENCE = re.compile(r".+?(?:[.!?](?=\s|$)|$)", re.DOTALL)
_GENDERED = {
    "man": "person", "woman": "person", "men": "people", "women": "people", "boy": "child", "girl": "child",
    "boys": "children", "girls": "children", "gentleman": "person", "lady": "person", "he": "they", "she": "they",
    "his": "their", "her": "their", "him": "them",
}  # fmt: skip


class Feature(StrEnum):
    """What may be asked for."""

    CAPTION = "caption"
    DENSE_CAPTIONS = "densecaptions"
    TAGS = "tags"
    OBJECTS = "objects"
    READ = "read"
    PEOPLE = "people"
    SMART_CROPS = "smartcrops"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a request asks of an image.

    Attributes:
        ratios: Shapes of smart crops; empty: one that fits the image.
        pages: Whether text comes in the form of the previews before 2023-10-01.
    """

    features: frozenset[Feature]
    ratios: tuple[float, ...] = ()
    neutral: bool = False
    pages: bool = False


def read_wanted(*, features: str, language: str | None, ratios: str | None, neutral: bool, api_version: str) -> Wanted:
    """Check the parameters of a request.

    Raises:
        VisionError: In the service's words.
    """
    names = [name.strip().lower() for name in features.split(",") if name.strip()]
    unknown = [name for name in names if name not in set(Feature)]
    if not names or unknown:
        raise VisionError(
            f"Specified feature {unknown[0]!r} is not valid." if unknown else "No visual feature is specified.",
            remedy="Valid: caption, denseCaptions, tags, objects, read, people, smartCrops.",
            inner="NotSupportedVisualFeature",
        )
    if language and language.strip().lower().partition("-")[0] != "en":
        raise VisionError(
            f"The input language {language[:20]!r} is not supported.",
            remedy="Labels are in English; text is read in its own language without this parameter.",
            inner="NotSupportedLanguage",
        )
    wanted = frozenset(Feature(name) for name in names)
    shapes = _ratios(ratios) if Feature.SMART_CROPS in wanted else ()
    return Wanted(features=wanted, ratios=shapes, neutral=neutral, pages=api_version < "2023-10")


def _ratios(given: str | None) -> tuple[float, ...]:
    try:
        ratios = tuple(float(text) for text in (given or "").split(",") if text.strip())
    except ValueError:
        ratios = (0.0,)
    if any(not LEAST_RATIO <= ratio <= MOST_RATIO for ratio in ratios):
        raise VisionError(
            "The aspect ratio of smart crops is not allowed.",
            remedy=f"Give numbers from {LEAST_RATIO} to {MOST_RATIO}, with commas between.",
            inner="BadArgument",
        )
    return ratios


def analysis_out(found: ImageFindings, wanted: Wanted, *, width_px: int, height_px: int) -> schemas.AnalysisOut:
    """The reply.

    Args:
        width_px: Of the upright image; likewise `height_px`. Boxes are in these pixels.
    """
    place = _Place(width_px, height_px)
    objects = found.detections.objects if found.detections else ()
    out = schemas.AnalysisOut(
        model_version=MODEL_VERSION, metadata=schemas.MetadataOut(width=width_px, height=height_px)
    )
    features = wanted.features
    if Feature.CAPTION in features:
        out.caption_result = _caption(found, neutral=wanted.neutral)
    if Feature.DENSE_CAPTIONS in features:
        out.dense_captions_result = _dense(found, objects, place, neutral=wanted.neutral)
    if Feature.TAGS in features:
        out.tags_result = _tags(found, objects)
    if Feature.OBJECTS in features:
        values = [schemas.ObjectOut(bounding_box=place.box(o.box), tags=[_tag(o.label, o.score)]) for o in objects]
        out.objects_result = schemas.ObjectsOut(values=values)
    if Feature.PEOPLE in features:
        people = [o for o in objects if o.label == "person"]
        persons = [schemas.PersonOut(bounding_box=place.box(o.box), confidence=_rounded(o.score)) for o in people]
        out.people_result = schemas.PeopleOut(values=persons)
    if Feature.READ in features:
        write = read_pages if wanted.pages else read_blocks
        out.read_result = write(found.ocr_lines, width_px=width_px, height_px=height_px)
    if Feature.SMART_CROPS in features:
        out.smart_crops_result = _crops(objects, wanted.ratios, place)
    return out


class _Place:
    """Fractions to pixels of one image."""

    def __init__(self, width_px: int, height_px: int) -> None:
        self.width_px = width_px
        self.height_px = height_px

    def box(self, box: Box) -> schemas.BoxOut:
        width, height = round(box.width * self.width_px), round(box.height * self.height_px)
        left, top = round(box.x * self.width_px), round(box.y * self.height_px)
        return schemas.BoxOut(
            x=max(0, min(left, self.width_px - width)), y=max(0, min(top, self.height_px - height)), w=width, h=height
        )


def _caption(found: ImageFindings, *, neutral: bool) -> schemas.CaptionOut:
    """The first sentence of a model's caption, or what was detected."""
    if found.caption and (sentence := _SENTENCE.match(found.caption.text.strip())):
        text = sentence[0].strip()
        return schemas.CaptionOut(text=_neutral(text) if neutral else text, confidence=CAPTION_SURENESS)
    text, sure = short_caption(found.tags, found.detections.objects if found.detections else ())
    return schemas.CaptionOut(text=text or "an image", confidence=_rounded(sure))


def _dense(
    found: ImageFindings, objects: Sequence[DetectedObject], place: _Place, *, neutral: bool
) -> schemas.DenseCaptionsOut:
    whole = _caption(found, neutral=neutral)
    everything = place.box(Box(x=0, y=0, width=1, height=1))
    values = [schemas.DenseCaptionOut(text=whole.text, confidence=whole.confidence, bounding_box=everything)]
    for one in objects[: MOST_DENSE_CAPTIONS - 1]:
        text, box = counted(one.label, 1), place.box(one.box)
        values.append(schemas.DenseCaptionOut(text=text, confidence=_rounded(one.score), bounding_box=box))
    return schemas.DenseCaptionsOut(values=values)


def _tags(found: ImageFindings, objects: Sequence[DetectedObject]) -> schemas.TagsOut:
    """Labels of the whole image and of the things in it, each once."""
    best: dict[str, float] = {}
    for label, score in (*((t.label, t.score) for t in found.tags), *((o.label, o.score) for o in objects)):
        best[label] = max(score, best.get(label, 0.0))
    ordered = sorted(best.items(), key=lambda item: (-item[1], item[0]))
    return schemas.TagsOut(values=[_tag(label, score) for label, score in ordered])


def _crops(objects: Sequence[DetectedObject], ratios: Sequence[float], place: _Place) -> schemas.CropsOut:
    width_px, height_px = place.width_px, place.height_px
    fitting = min(max(width_px / height_px, OWN_RATIOS[0]), OWN_RATIOS[1])
    values = [
        schemas.CropOut(
            aspect_ratio=_rounded(ratio),
            bounding_box=place.box(smart_crop(objects, width_px=width_px, height_px=height_px, ratio=ratio)),
        )
        for ratio in ratios or (fitting,)
    ]
    return schemas.CropsOut(values=values)


def _neutral(text: str) -> str:
    def exchanged(match: re.Match[str]) -> str:
        word = _GENDERED[match[0].lower()]
        return word.capitalize() if match[0][0].isupper() else word

    return re.sub(rf"\b(?:{'|'.join(_GENDERED)})\b", exchanged, text, flags=re.IGNORECASE)


def _tag(name: str, score: float) -> schemas.TagOut:
    return schemas.TagOut(name=name, confidence=_rounded(score))


def _rounded(value: float) -> float:
    return round(float(value), 4)
