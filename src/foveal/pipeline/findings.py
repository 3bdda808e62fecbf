"""What the models found in one image, and how each finding is kept in the model cache.

A cached value is one line of JSON, a newline, then raw little-endian float32 numbers whose shape the JSON names.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Generic, TypedDict, TypeVar, cast

import numpy as np

from foveal.types.content import (
    Caption,
    DetectedObject,
    Detections,
    ImageEncoding,
    OcrLine,
    SafetyScores,
    Tag,
    Usage,
)
from foveal.types.locators import Box
from foveal.types.speech import TimedText, Transcript
from foveal.types.vectors import FloatArray

T = TypeVar("T")

TAG_MIN_PROBABILITY = 0.15
"""Labels the encoder is less sure of are no tags."""
TAG_LIMIT = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Regions:
    """Parts of an image, each encoded by itself.

    Attributes:
        boxes: Surest first.
        vectors: float32 [boxes, dim], rows L2-normalised.
    """

    boxes: tuple[Box, ...]
    vectors: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFindings:
    """Everything learnt of one image; a part is None or empty where that model is off."""

    encoding: ImageEncoding
    detections: Detections | None
    ocr_lines: tuple[OcrLine, ...]
    safety: SafetyScores
    caption: Caption | None
    tags: tuple[Tag, ...]
    regions: Regions | None = None

    @property
    def object_labels(self) -> tuple[str, ...]:
        """Label of every instance, best first."""
        return tuple(o.label for o in self.detections.objects) if self.detections else ()


def tags_from(encoding: ImageEncoding, labels: tuple[str, ...]) -> tuple[Tag, ...]:
    """The likeliest labels, best first."""
    if not labels or not encoding.probabilities.size:
        return ()
    best = np.argsort(-encoding.probabilities, kind="stable")[:TAG_LIMIT]
    return tuple(
        Tag(label=labels[i], score=float(encoding.probabilities[i]))
        for i in best
        if encoding.probabilities[i] >= TAG_MIN_PROBABILITY
    )


class _ObjectJson(TypedDict):
    label: str
    score: float
    box: list[float]


def _pack_encoding(value: ImageEncoding) -> bytes:
    return _pack({"vector": len(value.vector)}, np.concatenate([value.vector, value.probabilities]))


def _unpack_encoding(data: bytes) -> ImageEncoding:
    head, numbers = _unpack(data)
    split = cast("int", head["vector"])
    return ImageEncoding(vector=numbers[:split], probabilities=numbers[split:])


def _pack_detections(value: Detections) -> bytes:
    head = {"objects": _pack_objects(value.objects), "doubtful": _pack_objects(value.doubtful)}
    return _pack({**head, "shape": list(value.class_scores.shape)}, value.class_scores)


def _pack_objects(objects: tuple[DetectedObject, ...]) -> list[_ObjectJson]:
    return [{"label": o.label, "score": o.score, "box": [o.box.x, o.box.y, o.box.width, o.box.height]} for o in objects]


def _unpack_detections(data: bytes) -> Detections:
    head, numbers = _unpack(data)
    return Detections(
        objects=_unpack_objects(head["objects"]),
        class_scores=numbers.reshape(cast("list[int]", head["shape"])),
        doubtful=_unpack_objects(head["doubtful"]),
    )


def _unpack_objects(objects: object) -> tuple[DetectedObject, ...]:
    return tuple(
        DetectedObject(
            label=o["label"],
            score=o["score"],
            box=Box(x=o["box"][0], y=o["box"][1], width=o["box"][2], height=o["box"][3]),
        )
        for o in cast("list[_ObjectJson]", objects)
    )


def _pack_regions(value: Regions) -> bytes:
    boxes = [[box.x, box.y, box.width, box.height] for box in value.boxes]
    return _pack({"boxes": boxes, "shape": list(value.vectors.shape)}, value.vectors)


def _unpack_regions(data: bytes) -> Regions:
    head, numbers = _unpack(data)
    boxes = (
        Box(x=x, y=y, width=width, height=height) for x, y, width, height in cast("list[list[float]]", head["boxes"])
    )
    return Regions(boxes=tuple(boxes), vectors=numbers.reshape(cast("list[int]", head["shape"])))


def _pack_lines(value: tuple[OcrLine, ...]) -> bytes:
    return json.dumps([[line.text, line.score, line.polygon] for line in value]).encode()


def _unpack_lines(data: bytes) -> tuple[OcrLine, ...]:
    return tuple(
        OcrLine(text=text, score=score, polygon=tuple((x, y) for x, y in polygon))
        for text, score, polygon in json.loads(data)
    )


def _pack_safety(value: SafetyScores) -> bytes:
    return json.dumps(asdict(value)).encode()


def _unpack_safety(data: bytes) -> SafetyScores:
    return SafetyScores(**json.loads(data))


def _pack_caption(value: Caption) -> bytes:
    return json.dumps(asdict(value)).encode()


def _unpack_caption(data: bytes) -> Caption:
    head = json.loads(data)
    return Caption(text=head["text"], tags=tuple(head["tags"]), usage=Usage(**head["usage"]))


def _pack_vector(value: FloatArray) -> bytes:
    return _pack({}, value)


def _unpack_vector(data: bytes) -> FloatArray:
    return _unpack(data)[1]


def _pack(head: dict[str, object], numbers: FloatArray) -> bytes:
    return json.dumps(head).encode() + b"\n" + np.ascontiguousarray(numbers, "<f4").tobytes()


def _unpack(data: bytes) -> tuple[dict[str, object], FloatArray]:
    line, _, raw = data.partition(b"\n")
    return json.loads(line), np.frombuffer(raw, "<f4").astype(np.float32)


def _pack_transcript(value: Transcript) -> bytes:
    words = [[word.text, word.start_ms, word.end_ms] for word in value.words]
    return json.dumps({"language": value.language, "words": words}, ensure_ascii=False).encode()


def _unpack_transcript(data: bytes) -> Transcript:
    head = json.loads(data)
    words = tuple(TimedText(text=text, start_ms=start, end_ms=end) for text, start, end in head["words"])
    return Transcript(language=head["language"], words=words)


@dataclass(frozen=True, slots=True)
class Codec(Generic[T]):
    """How one kind of finding becomes a cache value and back."""

    pack: Callable[[T], bytes]
    unpack: Callable[[bytes], T]


ENCODING = Codec(_pack_encoding, _unpack_encoding)
DETECTIONS = Codec(_pack_detections, _unpack_detections)
REGIONS = Codec(_pack_regions, _unpack_regions)
LINES = Codec(_pack_lines, _unpack_lines)
SAFETY = Codec(_pack_safety, _unpack_safety)
CAPTION = Codec(_pack_caption, _unpack_caption)
TRANSCRIPT = Codec(_pack_transcript, _unpack_transcript)
VECTOR = Codec(_pack_vector, _unpack_vector)
