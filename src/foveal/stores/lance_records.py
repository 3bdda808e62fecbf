"""A chunk without its vectors as one JSON text, and back.

Reading a row by its parts costs the engine one random access a column: 9 ms for 30 chunks of 45 columns, against 2 ms
for one column (`python -m benchmarks search`). So chunks are read from this text; the columns beside it are filters'.
Fields that have their default are left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import MISSING, fields
from datetime import UTC, datetime

from foveal.types.assets import MediaKind
from foveal.types.chunks import Chunk, Feature
from foveal.types.content import DetectedObject, OcrLine
from foveal.types.locators import Box, Locator
from foveal.types.speech import TimedText
from foveal.types.vectors import FloatArray

VECTORS = ("text_vector", "image_vector", "seen_vector")
REGIONS = "region_vectors"

_WRITTEN_OUT = frozenset({*VECTORS, REGIONS, "regions", "kind", "objects", "ocr_lines", "sentences", "locator"})
_PLAIN = [f for f in fields(Chunk) if f.name not in _WRITTEN_OUT]
_DEFAULTS = {f.name: f.default for f in _PLAIN if f.default is not MISSING}
_MOMENTS = frozenset({"taken_at", "modified_at"})
_BOX = ("x", "y", "width", "height")
_PLACES = ("page", "start_char", "end_char", "start_ms", "end_ms", "frame_ms")


def record(chunk: Chunk) -> str:
    """The text of a chunk."""
    values: dict[str, object] = {"kind": chunk.kind.value}
    for field in _PLAIN:
        value = getattr(chunk, field.name)
        if field.name not in _DEFAULTS or value != _DEFAULTS[field.name]:
            values[field.name] = utc(value).isoformat() if isinstance(value, datetime) else value
    if chunk.objects:
        values["objects"] = [[o.label, o.score, *(getattr(o.box, side) for side in _BOX)] for o in chunk.objects]
    if chunk.ocr_lines:
        values["ocr_lines"] = [[line.text, line.score, line.polygon] for line in chunk.ocr_lines]
    if chunk.sentences:
        values["sentences"] = [[s.text, s.start_ms, s.end_ms] for s in chunk.sentences]
    if chunk.regions:
        values["regions"] = [[getattr(box, side) for side in _BOX] for box in chunk.regions]
    if chunk.locator != Locator():
        values["locator"] = _place(chunk.locator)
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def from_record(text: str, **vectors: FloatArray | None) -> Chunk:
    """The chunk of a text, with these vectors."""
    values: dict[str, object] = json.loads(text)
    for name, value in values.items():
        read = _READ.get(name)
        if read is not None:
            values[name] = read(value)
        elif isinstance(value, list):
            values[name] = tuple(value)
    return Chunk(**values, **vectors)  # type: ignore[arg-type]


def utc(moment: datetime) -> datetime:
    """A moment without a zone is taken for UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _place(locator: Locator) -> dict[str, object]:
    found: dict[str, object] = {name: value for name in _PLACES if (value := getattr(locator, name)) is not None}
    if locator.box is not None:
        found["box"] = [getattr(locator.box, side) for side in _BOX]
    return found


def _locator(value: dict[str, object]) -> Locator:
    box = value.pop("box", None)
    sides = dict(zip(_BOX, box, strict=True)) if isinstance(box, list) else None
    return Locator(box=Box(**sides) if sides else None, **value)  # type: ignore[arg-type]


def _regions(values: Iterable[tuple[float, float, float, float]]) -> tuple[Box, ...]:
    return tuple(Box(**dict(zip(_BOX, sides, strict=True))) for sides in values)


def _objects(values: Iterable[tuple[str, float, float, float, float, float]]) -> tuple[DetectedObject, ...]:
    return tuple(
        DetectedObject(label=label, score=score, box=Box(x=x, y=y, width=width, height=height))
        for label, score, x, y, width, height in values
    )


def _ocr_lines(values: Iterable[tuple[str, float, list[tuple[float, float]]]]) -> tuple[OcrLine, ...]:
    return tuple(
        OcrLine(text=text, score=score, polygon=tuple((x, y) for x, y in polygon)) for text, score, polygon in values
    )


def _sentences(values: Iterable[tuple[str, int, int]]) -> tuple[TimedText, ...]:
    return tuple(TimedText(text=text, start_ms=start_ms, end_ms=end_ms) for text, start_ms, end_ms in values)


_READ: dict[str, Callable[..., object]] = {
    "kind": MediaKind,
    "feature": Feature,
    "objects": _objects,
    "ocr_lines": _ocr_lines,
    "sentences": _sentences,
    "regions": _regions,
    "locator": _locator,
    **dict.fromkeys(_MOMENTS, datetime.fromisoformat),
}
