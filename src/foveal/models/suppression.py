"""Boxes of a detector that found the same thing several times."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

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
