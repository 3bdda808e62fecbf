"""NanoDet-g: objects of COCO's 80 classes with boxes, in about 30 ms an image on one core.

NanoDet (github.com/RangiLyu/nanodet) is an anchor-free detector. At each cell of three maps (strides 8, 16,
32) it gives 80 class scores and, for each side of the box, a distribution over eleven distances (distribution
focal loss, Li et al. 2020, arXiv:2006.04388): the distance is the distribution's mean times the stride.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from foveal.models.card_table import NANODET
from foveal.models.coco_detector import CocoDetector
from foveal.models.tfjs import convert_tfjs
from foveal.types.vectors import FloatArray, Pixels

_SIDE_PX = 416
_STRIDES = (8, 16, 32)
_SCORES = ("Identity", "Identity_1", "Identity_2")
_DISTANCES = ("Identity_3", "Identity_4", "Identity_5")
_BINS = 11  # reg_max 10
_MEAN = np.array((103.53, 116.28, 123.675), np.float32)  # blue, green, red, as ImageNet's in config/nanodet_g.yml
_STD = np.array((57.375, 57.12, 58.395), np.float32)


class NanoDet(CocoDetector):
    """`ObjectDetector` on NanoDet-g at 416 pixels; see `CocoDetector` for what it takes.

    Below a threshold of .45 false objects abound: of 80 photographs a third at .45, more than half at .35
    (`python -m benchmarks objects`).
    """

    card = NANODET
    sure = 0.45

    def _cells(self, image: Pixels) -> tuple[Sequence[FloatArray], FloatArray]:
        outputs = self._session.get().run([*_SCORES, *_DISTANCES], {"input_1": _prepare(image)})
        boxes = [decode_boxes(scale[0], stride) for scale, stride in zip(outputs[3:], _STRIDES, strict=True)]
        return [scale[0] for scale in outputs[:3]], np.concatenate(boxes)

    def _convert(self, path: Path) -> None:
        convert_tfjs(*self._files(), (*_SCORES, *_DISTANCES), path)


def _prepare(image: Pixels) -> FloatArray:
    """The whole image stretched to a square, normalised, blue first (config/nanodet_g.yml: no keep_ratio).

    Reduced by area where upstream samples bilinearly: the same at COCO's sizes, and no aliasing of large photos.

    Returns:
        float32 [1, 3, 416, 416].
    """
    import cv2

    square = cv2.resize(image, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA)[:, :, ::-1]
    normalised = (square.astype(np.float32) - _MEAN) / _STD
    return np.ascontiguousarray(normalised.transpose(2, 0, 1)[None])


def decode_boxes(distances: FloatArray, stride: int) -> FloatArray:
    """Boxes of one map.

    Args:
        distances: float32 [cells, 4 * 11], logits for left, top, right, bottom; cells row by row.
        stride: Pixels of the 416-pixel square a cell.

    Returns:
        float32 [cells, 4]: left, top, right, bottom as fractions of the image, inside it.
    """
    logits = distances.reshape(-1, 4, _BINS)
    weights = np.exp(logits - logits.max(axis=2, keepdims=True))
    mean = (weights @ np.arange(_BINS, dtype=np.float32)) / weights.sum(axis=2) * stride
    cells = _SIDE_PX // stride
    row, column = np.divmod(np.arange(cells * cells), cells)
    centre = np.stack([column, row], axis=1).astype(np.float32) * stride + 0.5 * (stride - 1)
    corners = np.concatenate([centre - mean[:, :2], centre + mean[:, 2:]], axis=1) / _SIDE_PX
    return corners.clip(0.0, 1.0).astype(np.float32)
