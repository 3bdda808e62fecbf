"""Several detectors as one: what each of them saw, fused box by box.

Weighted boxes fusion (Solovyev et al. 2021, arXiv:1910.13302): boxes of one class that lie on one another are one
object, whose box is their mean weighted by score, and whose score comes of the mean of each detector's best. What both
saw thus outranks what one saw, and one detector's odd mistakes fall under the threshold. The score is that mean's root:
it keeps the order, and makes a score mean about what NanoDet's own means. On 300 photographs people wrote of .64, .70,
.81 and .88 of NanoDet's objects from .30, .35, .45 and .55 on, of .58, .67, .79 and .87 of the fused ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from foveal.models.suppression import overlaps
from foveal.ports.models import ObjectDetector
from foveal.types.content import DetectedObject, Detections
from foveal.types.locators import Box
from foveal.types.vectors import FloatArray, Pixels

_SAME_THING = 0.8
"""Objects of different classes that overlap so much are one thing: a person is told its likelier name only."""
_LESS_LIKELY = math.sqrt(0.5)
"""Of the names of one thing, those under this share of the best name's score (half as likely) are dropped."""


class FusedDetector:
    """`ObjectDetector` of several detectors with the same classes.

    Args:
        parts: The detectors; the lower the scores that they tell of (as doubtful, say), the better.
        threshold: Least score of an object.
        doubt: Least score of a doubtful one.
        overlap: Boxes of one class that overlap more than this (intersection over union) are one object; .55 is the
            paper's.

    Raises:
        ValueError: The parts do not have the same classes.
    """

    def __init__(
        self, parts: Sequence[ObjectDetector], *, threshold: float, doubt: float, overlap: float = 0.55
    ) -> None:
        if len({part.classes for part in parts}) != 1:
            raise ValueError("detectors that are fused have the same classes")
        self._parts = tuple(parts)
        self._threshold = threshold
        self._doubt = min(doubt, threshold)
        self._overlap = overlap

    @property
    def identity(self) -> str:
        """Those of the parts, and how they are fused."""
        parts = "+".join(part.identity for part in self._parts)
        return f"fused/1-{self._threshold:g}-{self._doubt:g}-{self._overlap:g}({parts})"

    @property
    def classes(self) -> tuple[str, ...]:
        """Those of the parts."""
        return self._parts[0].classes

    def detect(self, images: Sequence[Pixels]) -> list[Detections]:
        """Objects of each image, best first.

        Raises:
            ModelUnavailableError: A part cannot be had.
        """
        seen = [part.detect(images) for part in self._parts]
        return [self._fused(one) for one in zip(*seen, strict=True)]

    def _fused(self, seen: Sequence[Detections]) -> Detections:
        fused = fuse([[*one.objects, *one.doubtful] for one in seen], overlap=self._overlap)
        sure: list[DetectedObject] = []
        doubtful: list[DetectedObject] = []
        for one in fused:
            here = [other for other in (*sure, *doubtful) if other.label != one.label and _same_place(one, other)]
            if one.score < self._doubt or any(one.score < _LESS_LIKELY * other.score for other in here):
                continue
            told = one.score >= self._threshold and not any(other in sure for other in here)
            (sure if told else doubtful).append(one)
        return Detections(
            objects=tuple(sure), class_scores=self._raised(seen[0].class_scores, fused), doubtful=tuple(doubtful)
        )

    def _raised(self, class_scores: FloatArray, fused: Sequence[DetectedObject]) -> FloatArray:
        """The first part's best scores, where the fused objects have none better: they keep the scales they had."""
        raised = class_scores.copy()
        for one in fused:
            row = raised[self.classes.index(one.label)]
            best = row.argmax()
            row[best] = max(row[best], one.score)
        return raised


def fuse(seen: Sequence[Sequence[DetectedObject]], *, overlap: float) -> list[DetectedObject]:
    """Weighted boxes fusion.

    Args:
        seen: What each detector saw.
        overlap: Boxes of one class that overlap more than this are one object.

    Returns:
        Best first; ties by label, then place.
    """
    every = sorted(
        ((one, part) for part, objects in enumerate(seen) for one in objects), key=lambda pair: -pair[0].score
    )
    heaps: dict[str, list[_Heap]] = {}
    for one, part in every:
        _heap_of(one, heaps.setdefault(one.label, []), overlap).add(one, part)
    fused = [heap.object(len(seen)) for found in heaps.values() for heap in found]
    return sorted(fused, key=lambda one: (-one.score, one.label, one.box.x, one.box.y))


class _Heap:
    """Boxes of one class that are one object.

    Attributes:
        corners: float64 [4]: left, top, right, bottom, the mean so far.
    """

    def __init__(self) -> None:
        self.corners: FloatArray = np.zeros(4, np.float64)
        self._weight = 0.0
        self._best: dict[int, float] = {}
        self._label = ""

    def add(self, one: DetectedObject, part: int) -> None:
        self._label = one.label
        self._best.setdefault(part, one.score)  # the best comes first
        self._weight += one.score
        self.corners = self.corners + (_corners(one.box) - self.corners) * (one.score / max(self._weight, 1e-9))

    def object(self, parts: int) -> DetectedObject:
        left, top, right, bottom = (float(value) for value in self.corners)
        box = Box(x=left, y=top, width=max(0.0, right - left), height=max(0.0, bottom - top))
        return DetectedObject(label=self._label, score=math.sqrt(sum(self._best.values()) / parts), box=box)


def _heap_of(one: DetectedObject, heaps: list[_Heap], overlap: float) -> _Heap:
    """The heap that this box lies on, or a new one."""
    if heaps:
        shares = overlaps(_corners(one.box), np.stack([heap.corners for heap in heaps]))
        best = int(shares.argmax())
        if shares[best] > overlap:
            return heaps[best]
    heaps.append(_Heap())
    return heaps[-1]


def _corners(box: Box) -> FloatArray:
    return np.array([box.x, box.y, box.x + box.width, box.y + box.height], np.float64)


def _same_place(one: DetectedObject, other: DetectedObject) -> bool:
    return bool(overlaps(_corners(one.box), _corners(other.box)[None])[0] > _SAME_THING)
