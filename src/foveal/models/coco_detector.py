"""What the detectors of COCO's 80 classes share: how they are opened, and what is kept of all cells they score."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from foveal.models.cards import Card
from foveal.models.labels import coco_labels
from foveal.models.onnx import LazySession, session
from foveal.models.pull import ModelFolder
from foveal.models.suppression import non_maximum_suppression
from foveal.types.content import DetectedObject, Detections
from foveal.types.locators import Box
from foveal.types.vectors import FloatArray, Pixels


class CocoDetector(ABC):
    """`ObjectDetector` on a TensorFlow.js network, which is pulled (npm is needed, once) and made ONNX at first use.

    Args:
        folder: Where the weights are.
        threshold: Least score of an object; `sure` when None.
        doubt: Least score of a doubtful one.
        overlap: Boxes of one class that overlap more than this (intersection over union) are one object; .6 as in
            the networks' own configurations.
        threads: Threads inside one operator.

    Attributes:
        card: The weights: a topology (`NAME.json`) and its numbers (`NAME.bin`).
        sure: Least score of an object where none is given.
    """

    card: ClassVar[Card]
    sure: ClassVar[float]

    def __init__(
        self,
        folder: ModelFolder,
        *,
        threshold: float | None = None,
        doubt: float = 0.2,
        overlap: float = 0.6,
        threads: int = 1,
    ) -> None:
        self._folder = folder
        self._threshold = self.sure if threshold is None else threshold
        self._doubt = min(doubt, self._threshold)
        self._overlap = overlap
        graph = f"{self.card.name}.onnx"
        self._session = LazySession(lambda: session(folder.derived(self.card, graph, self._convert), threads=threads))

    @property
    def identity(self) -> str:
        """Weights, preprocessing and thresholds."""
        return f"{self.card.identity}-{self._threshold:g}-{self._doubt:g}-{self._overlap:g}"

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
        scales, boxes = self._cells(image)
        kept = non_maximum_suppression(np.concatenate(scales), boxes, threshold=self._doubt, overlap=self._overlap)
        return Detections(
            objects=tuple(_detected(row) for row in kept if row[1] >= self._threshold),
            class_scores=np.stack([scale.max(axis=0) for scale in scales], axis=1),
            doubtful=tuple(_detected(row) for row in kept if row[1] < self._threshold),
        )

    def _files(self) -> tuple[Path, Path]:
        """Topology and weights."""
        name = self.card.name
        return self._folder.path(self.card, f"{name}.json"), self._folder.path(self.card, f"{name}.bin")

    @abstractmethod
    def _convert(self, path: Path) -> None:
        """Write the network to `path` as ONNX."""

    @abstractmethod
    def _cells(self, image: Pixels) -> tuple[Sequence[FloatArray], FloatArray]:
        """What the network gives.

        Returns:
            Class scores, float32 [cells, 80] of each scale, and the boxes of all cells, float32 [all cells, 4]: left,
            top, right, bottom as fractions of the image.
        """


def _detected(row: FloatArray) -> DetectedObject:
    """A row of class, score, left, top, right, bottom."""
    label, score, left, top, right, bottom = (float(value) for value in row)
    box = Box(x=left, y=top, width=right - left, height=bottom - top)
    return DetectedObject(label=coco_labels()[int(label)], score=min(score, 1.0), box=box)
