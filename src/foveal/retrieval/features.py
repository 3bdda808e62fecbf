"""What the adapter reads of an image, and where that puts it before anything is learnt.

**Features** of an image are `[v, .7 √p, .25 √s]`: the encoder's L2-normalised vector, the probabilities of its
labels, the best score of each detector class at each scale.

**Prior.** With nothing described, an image is where its labels are: `Σ √p_i t_i / Σ √p_i` over the label questions
`t_i` (ConSE, Norouzi et al. 2014, arXiv:1312.5650, which weighs the top labels by p; the root of p over all labels
finds a third more, since a photo shows more than the one thing it is classified as), and likewise for the detector.

The constants were chosen by cross-validation on photos none of which is in the tests; each has a wide flat optimum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from foveal.retrieval.text_space import TextSpace
from foveal.types.content import Detections, ImageEncoding
from foveal.types.vectors import FloatArray

_LABEL_WEIGHT: Final = 0.7
_CLASS_WEIGHT: Final = 0.25
_TINY: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureLayout:
    """Lengths of the parts of a feature vector, in their order.

    Attributes:
        vector: Of the encoder's vector.
        labels: Labels of the encoder; 0 when it knows none.
        classes: Classes of the detector; 0 without one.
        scales: Scales at which the detector scores each class.
    """

    vector: int
    labels: int = 0
    classes: int = 0
    scales: int = 0

    @property
    def size(self) -> int:
        """Length of a feature vector."""
        return self.vector + self.labels + self.classes * self.scales

    @classmethod
    def of(cls, *, size: int, vector: int, labels: int, classes: int) -> FeatureLayout:
        """The layout of features of length `size` by what the models say of themselves.

        Raises:
            ValueError: There is none.
        """
        scales = (size - vector - labels) // classes if classes else 0
        layout = cls(vector=vector, labels=labels, classes=classes, scales=scales)
        if layout.size != size:
            raise ValueError(f"features of length {size} do not come from {vector} + {labels} + {classes} × scales")
        return layout


def image_features(encoding: ImageEncoding, detections: Detections | None) -> FloatArray:
    """What the adapter reads of an image: float32 [f].

    Without a detector its part is absent, so an index sticks to one choice.
    """
    parts = [encoding.vector, _LABEL_WEIGHT * np.sqrt(encoding.probabilities.clip(0.0, 1.0))]
    if detections is not None:
        parts.append(_CLASS_WEIGHT * np.sqrt(detections.class_scores.clip(0.0, 1.0)).reshape(-1))
    joined: FloatArray = np.concatenate(parts).astype(np.float32)
    return joined


def prior_parts(features: FloatArray, layout: FeatureLayout, space: TextSpace) -> FloatArray:
    """float32 [2, n, d]: where labels and detector classes put each image; zeros for a part that is absent.

    Labels weigh by the root of their probability, classes by their best score over the scales.
    """
    labels, classes = np.split(features[:, layout.vector :], [layout.labels], axis=1)
    parts = np.zeros((2, len(features), space.subjects.shape[1]), np.float32)
    if layout.labels:
        parts[0] = _shares(labels) @ space.labels
    if layout.classes:
        best = classes.reshape(len(features), layout.classes, layout.scales).max(axis=2)
        parts[1] = _shares(np.square(best)) @ space.classes
    return parts


def _shares(weights: FloatArray) -> FloatArray:
    """Rows that add up to 1 (rows of zeros stay)."""
    shares: FloatArray = weights / np.maximum(weights.sum(axis=1, keepdims=True), _TINY)
    return shares
