"""Sensitive content, judged on this machine: images for sexual content, and nothing else.

The packages with weights for text (English word lists behind a linear classifier) find profanity, not hate, and call
"kill the process" a third hateful; a score that means something else than its name is worse than none, so texts
and the other categories are None here.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np

from foveal.models.card_table import OPEN_NSFW
from foveal.models.onnx import LazySession, session
from foveal.models.pull import ModelFolder
from foveal.types.content import SafetyScores
from foveal.types.vectors import FloatArray, Pixels

_RESIZED_PX = 256
_SIDE_PX = 224
_MEAN = np.array((104, 117, 123), np.float32)  # blue, green, red (classify_nsfw.py)
_SEVERITIES = ((0.8, 6), (0.5, 4), (0.2, 2))


def severity(score: float | None) -> int:
    """Severity of a score on Azure AI Content Safety's scale: 0 safe, 2 low, 4 medium, 6 high.

    open_nsfw's authors call less than .2 safe and more than .8 sensitive, each with high probability
    (github.com/yahoo/open_nsfw, README); the middle is cut at .5. What no model judged is 0.

    Args:
        score: 0..1, or None.
    """
    if score is None:
        return 0
    return next((level for least, level in _SEVERITIES if score >= least), 0)


class LocalSafetyScorer:
    """`SafetyScorer` on open_nsfw (a thin ResNet-50): `sexual` of images, about 13 ms each on one core.

    Args:
        folder: Where the weights are; pulled at first use.
        threads: Threads inside one operator.
    """

    def __init__(self, folder: ModelFolder, *, threads: int = 1) -> None:
        self._session = LazySession(lambda: session(folder.path(OPEN_NSFW, "open-nsfw.onnx"), threads=threads))

    @property
    def identity(self) -> str:
        """Weights and preprocessing."""
        return OPEN_NSFW.identity

    def score_images(self, images: Sequence[Pixels]) -> list[SafetyScores]:
        """`sexual` of each image, the other categories None.

        Raises:
            ModelUnavailableError: The weights are not here and cannot be pulled.
        """
        return [SafetyScores(sexual=self._score(image)) for image in images]

    def score_texts(self, texts: Sequence[str]) -> list[SafetyScores]:
        """None in every category, for each text."""
        return [SafetyScores() for _ in texts]

    def _score(self, image: Pixels) -> float:
        (probabilities,) = self._session.get().run(["outputs"], {"input:0": _prepare(image)})
        return float(np.clip(probabilities[0, 1], 0.0, 1.0))  # column 0 is "safe", 1 "not safe for work"


def _prepare(image: Pixels) -> FloatArray:
    """Upstream's input: stretched to 256, through JPEG once, the middle 224, mean subtracted, blue first.

    The passage through JPEG is part of what the weights expect: without it a score may move by .17.

    Returns:
        float32 [1, 224, 224, 3].
    """
    from PIL import Image

    size = (_RESIZED_PX, _RESIZED_PX)
    stretched = Image.fromarray(image).resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0)
    edge = (_RESIZED_PX - _SIDE_PX) // 2
    middle = stretched.crop((edge, edge, edge + _SIDE_PX, edge + _SIDE_PX))
    with BytesIO() as encoded:
        middle.save(encoded, format="JPEG")
        with Image.open(encoded) as decoded:
            pixels = np.asarray(decoded, np.float32)
    return np.ascontiguousarray(pixels[:, :, ::-1] - _MEAN)[None]
