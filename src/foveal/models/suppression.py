"""Boxes of a detector that found the same thing several times."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from foveal.models.labels import coco_labels
from foveal.types.content import DetectedObject, Detections
from foveal.types.locators import Box
from foveal.types.vectors import FloatArray

Boxes = npt.NDArray[np.floating]


def non_maximum_suppression(scores: FloatArray, boxes: FloatArray, *, threshold: float, overlap: float) -> FloatArray:
    """Greedy non-maximum suppression within each class.

    Args:
        scores: float32 [cells, classes].
        boxes: float32 [cells, 4].
        threshold: Least score.
        overlap: Greatest intersection over union that two objects of a class may have.

    Returns:
        float32 [objects, 6]: class, score, left, top, right, bottom; best first, ties by class, then place.
    """
    cells, classes = np.nonzero(scores >= threshold)
    order = np.lexsort((cells, classes, -scores[cells, classes]))
    found = np.column_stack([classes, scores[cells, classes], boxes[cells]])[order]
    # Boxes of different classes are moved apart, so that one pass treats each class by itself.
    apart = found[:, 2:] + 2.0 * found[:, :1]
    alive = np.ones(len(found), np.bool_)
    for index in range(len(found)):
        if alive[index]:
            alive[index + 1 :] &= overlaps(apart[index], apart[index + 1 :]) <= overlap
    return found[alive].astype(np.float32)


def overlaps(box: Boxes, others: Boxes) -> Boxes:
    """Intersection over union of one box [4] with others [n, 4]."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    union = np.prod(box[2:] - box[:2]) + np.prod(others[:, 2:] - others[:, :2], axis=1) - shared
    result: Boxes = shared / np.maximum(union, 1e-9)
    return result


def detected(row: FloatArray) -> DetectedObject:
    """A row of class, score, left, top, right, bottom as an object of COCO's."""
    label, score, left, top, right, bottom = (float(value) for value in row)
    box = Box(x=left, y=top, width=right - left, height=bottom - top)
    return DetectedObject(label=coco_labels()[int(label)], score=min(score, 1.0), box=box)


def detections(
    scales: Sequence[FloatArray], boxes: FloatArray, *, threshold: float, doubt: float, overlap: float
) -> Detections:
    """What is kept of all cells.

    Args:
        scales: Class scores, float32 [cells, 80] of each scale.
        boxes: float32 [all cells, 4]: left, top, right, bottom as fractions of the image.
        threshold: Least score of an object.
        doubt: Least score of a doubtful one.
        overlap: As in `non_maximum_suppression`.
    """
    kept = non_maximum_suppression(np.concatenate(scales), boxes, threshold=doubt, overlap=overlap)
    return Detections(
        objects=tuple(detected(row) for row in kept if row[1] >= threshold),
        class_scores=np.stack([scale.max(axis=0) for scale in scales], axis=1),
        doubtful=tuple(detected(row) for row in kept if row[1] < threshold),
    )
