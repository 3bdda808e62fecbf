"""Words and images as vectors of one length that can be compared: for callers with a vector index of their own.

With a joint image-text model both are its vectors. Without one both lie in the space of the text model, an image where
its labels and detected objects put it: the adapter's map before anything is described (`retrieval.adapter`, ConSE), so
that it depends on the models alone and a vector kept today fits one made next year. Either way the vectors are filled
up with zeros to 1,024 numbers, which leaves every cosine as it is.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from foveal.errors import OperationError
from foveal.ports.models import ImageEncoder, JointEmbedder, ObjectDetector, TextEmbedder
from foveal.retrieval.adapter import Adapter, FeatureLayout, fit, image_features
from foveal.retrieval.text_space import TextSpace
from foveal.types.vectors import FloatArray, Pixels

DIMENSIONS: Final = 1024
"""Length of the service's vectors (contract notes, section 6)."""

SpaceKind = Literal["joint", "words"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vectorized:
    """A vector and the space it lies in.

    Attributes:
        vector: float32 [1024], L2-normalised.
        space: Name of the space: vectors of two names must not be compared.
    """

    vector: FloatArray
    space: str


class Vectorizer:
    """Vectors of words and images in one space. Safe to use from several threads.

    Args:
        encoder: Gives the image encoder; like the others called at the first vector, not before.
        detector: Gives the object detector, None where there is none.
        texts: Gives the text model.
        space: Gives the text model's fixed points for the labels of both.
    """

    def __init__(
        self,
        *,
        encoder: Callable[[], ImageEncoder],
        detector: Callable[[], ObjectDetector | None],
        texts: Callable[[], TextEmbedder],
        space: Callable[[], TextSpace],
    ) -> None:
        self._encoder = encoder
        self._detector = detector
        self._texts = texts
        self._space = space
        self._lock = threading.Lock()
        self._made: Adapter | None = None

    @property
    def kind(self) -> SpaceKind:
        """`joint` where a joint image-text model is installed, else `words`."""
        return "joint" if isinstance(self._encoder(), JointEmbedder) else "words"

    @property
    def name(self) -> str:
        """Name of the space: its kind, and eight hex digits of what the models are."""
        models = [self._encoder().identity]
        if self.kind == "words":
            detector = self._detector()
            models += [detector.identity if detector else "", self._texts().identity]
        return f"{self.kind}-{hashlib.sha256('+'.join(models).encode()).hexdigest()[:8]}"

    def of_text(self, text: str) -> Vectorized:
        """The vector of some words, taken as a question for images.

        Raises:
            ModelError: A model cannot answer.
            OperationError: The joint model's vectors are longer than those of the contract.
        """
        encoder = self._encoder()
        if isinstance(encoder, JointEmbedder):
            return self._padded(encoder.embed_queries([text])[0])
        return self._padded(self._adapter().query(self._texts().embed_queries([text])[0]))

    def of_image(self, pixels: Pixels) -> Vectorized:
        """The vector of an image (uint8 [h, w, 3] RGB).

        Raises:
            ModelError: A model cannot answer.
            OperationError: As of `of_text`.
        """
        encoder, detector = self._encoder(), self._detector()
        encoding = encoder.encode([pixels])[0]
        if isinstance(encoder, JointEmbedder):
            return self._padded(encoding.vector)
        features = image_features(encoding, detector.detect([pixels])[0] if detector else None)
        return self._padded(self._adapter().project(features[None, :])[0])

    def _padded(self, vector: FloatArray) -> Vectorized:
        return Vectorized(vector=padded(vector), space=self.name)

    def _adapter(self) -> Adapter:
        with self._lock:
            if self._made is None:
                self._made = untaught(self._encoder(), self._detector(), self._space())
            return self._made


def padded(vector: FloatArray) -> FloatArray:
    """The vector with zeros behind it, float32 [1024]: dot products stay what they are.

    Raises:
        OperationError: It is longer.
    """
    if len(vector) > DIMENSIONS:
        raise OperationError(
            f"The joint model's vectors have {len(vector)} numbers; callers of this interface expect {DIMENSIONS}.",
            remedy="Bring a joint model with vectors of at most 1,024 numbers.",
        )
    return np.pad(vector.astype(np.float32), (0, DIMENSIONS - len(vector)))


def untaught(encoder: ImageEncoder, detector: ObjectDetector | None, space: TextSpace) -> Adapter:
    """The adapter that has seen no image and no word: what the models know by themselves."""
    blank = np.zeros((1, 1, 3), np.uint8)
    sample = image_features(encoder.encode([blank])[0], detector.detect([blank])[0] if detector else None)
    layout = FeatureLayout.of(
        size=len(sample),
        vector=encoder.dim,
        labels=len(encoder.labels),
        classes=len(detector.classes) if detector else 0,
    )
    nothing = np.zeros((0, layout.size), np.float32)
    words = np.zeros((0, space.subjects.shape[1]), np.float32)
    return fit(nothing, words, collection=nothing, space=space, layout=layout)
