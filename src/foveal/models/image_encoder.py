"""EfficientNet-Lite2: image vectors to find similar images, and probabilities of ImageNet's 1,000 classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from foveal.models.card_table import EFFICIENTNET_LITE2
from foveal.models.efficientnet_graph import FEATURES, SIDE_PX, write_efficientnet_lite2
from foveal.models.labels import imagenet_labels
from foveal.models.onnx import LazySession, session
from foveal.models.pull import ModelFolder
from foveal.models.torch_weights import read_state_dict
from foveal.types.content import ImageEncoding
from foveal.types.vectors import FloatArray, Pixels

_CROP_PADDING_PX = 32
_MEAN = np.float32(127.0)
_SCALE = np.float32(1 / 128.0)


class EfficientNetLite:
    """`ImageEncoder` on EfficientNet-Lite2.

    The vector is the layer before the classifier (1,280 values after pooling), L2-normalised. About 15 ms an image on
    one core. The weights are pulled and turned to ONNX at first use.

    Args:
        folder: Where the weights are.
        threads: Threads inside one operator.
    """

    def __init__(self, folder: ModelFolder, *, threads: int = 1) -> None:
        self._folder = folder
        self._session = LazySession(lambda: session(self._graph(), threads=threads))

    @property
    def identity(self) -> str:
        """Weights, preprocessing and labels."""
        return EFFICIENTNET_LITE2.identity

    @property
    def dim(self) -> int:
        """1280."""
        return FEATURES

    @property
    def labels(self) -> tuple[str, ...]:
        """ImageNet's classes."""
        return imagenet_labels()

    def encode(self, images: Sequence[Pixels]) -> list[ImageEncoding]:
        """One encoding an image, in order.

        Raises:
            ModelUnavailableError: The weights are not here and cannot be pulled.
        """
        return [self._encode(_prepare(image)) for image in images]

    def _encode(self, pixels: FloatArray) -> ImageEncoding:
        """One image a run: on one thread a batch of two to eight is no faster (11 ms against 11 to 17)."""
        logits, features = self._session.get().run(["logits", "features"], {"pixels": pixels[None]})
        return ImageEncoding(vector=_normalised(features[0]), probabilities=_softmax(logits[0]))

    def _graph(self) -> Path:
        def build(path: Path) -> None:
            weights = self._folder.path(EFFICIENTNET_LITE2, "efficientnet-lite2.pth")
            write_efficientnet_lite2(read_state_dict(weights), path)

        return self._folder.derived(EFFICIENTNET_LITE2, "efficientnet-lite2.onnx", build)


def _prepare(image: Pixels) -> FloatArray:
    """Upstream's evaluation input (efficientnet/preprocessing.py): the central square, bicubic, (x - 127) / 128.

    The square's side is 260 / (260 + 32) of the image's short side.

    Returns:
        float32 [3, 260, 260], RGB.
    """
    from PIL import Image

    height, width = image.shape[:2]
    side = min(height, width) * SIDE_PX / (SIDE_PX + _CROP_PADDING_PX)
    left, top = (width - side) / 2, (height - side) / 2
    square = Image.fromarray(image).resize(
        (SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC, box=(left, top, left + side, top + side), reducing_gap=2.0
    )
    pixels = np.asarray(square, np.float32).transpose(2, 0, 1)
    return np.ascontiguousarray((pixels - _MEAN) * _SCALE)


def _normalised(vector: FloatArray) -> FloatArray:
    """A vector over its length; zeros stay zeros."""
    unit: FloatArray = vector / max(float(np.linalg.norm(vector)), float(np.finfo(np.float32).tiny))
    return unit


def _softmax(logits: FloatArray) -> FloatArray:
    raised = np.exp(logits - logits.max())
    probabilities: FloatArray = raised / raised.sum()
    return probabilities
