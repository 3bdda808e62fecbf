"""Stand-ins for the models that look at images: quick, deterministic functions of the pixels, without files."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from foveal.types.content import DetectedObject, Detections, ImageEncoding, SafetyScores
from foveal.types.locators import Box
from foveal.types.vectors import FloatArray, Pixels

_GRID = 4
_COLOURS = ("red", "green", "blue")


class FakeImageEncoder:
    """Mean colours of a 4 x 4 grid: images that look alike from afar are near.

    Labels are `red`, `green` and `blue`; a label's probability grows with that colour's share of the image.

    Attributes:
        calls: Times it was asked to encode one image or more.
        images: Images it was given in all.
    """

    def __init__(self, *, identity: str = "fake-image-encoder/1") -> None:
        self._identity = identity
        self.calls = 0
        self.images = 0

    @property
    def identity(self) -> str:
        """As given."""
        return self._identity

    @property
    def dim(self) -> int:
        """A colour for each cell, and one constant that keeps black images from being zero."""
        return _GRID * _GRID * 3 + 1

    @property
    def labels(self) -> tuple[str, ...]:
        """`red`, `green`, `blue`."""
        return _COLOURS

    def encode(self, images: Sequence[Pixels]) -> list[ImageEncoding]:
        """One encoding an image, in order."""
        self.calls += bool(images)
        self.images += len(images)
        return [_encoding(image) for image in images]


def _encoding(image: Pixels) -> ImageEncoding:
    grid = _grid(image)
    features = np.append(grid.ravel(), np.float32(1.0))
    raised = np.exp(6.0 * grid.mean(axis=(0, 1)))
    vector: FloatArray = (features / np.linalg.norm(features)).astype(np.float32)
    return ImageEncoding(vector=vector, probabilities=(raised / raised.sum()).astype(np.float32))


def _grid(image: Pixels) -> FloatArray:
    """float32 [4, 4, 3], 0..1: mean colour of each cell (of the nearest pixels where the image is smaller)."""
    height, width = image.shape[:2]
    rows = [slice(i * height // _GRID, max((i + 1) * height // _GRID, i * height // _GRID + 1)) for i in range(_GRID)]
    columns = [slice(i * width // _GRID, max((i + 1) * width // _GRID, i * width // _GRID + 1)) for i in range(_GRID)]
    cells = [[image[row, column].mean(axis=(0, 1)) for column in columns] for row in rows]
    return np.array(cells, np.float32) / np.float32(255.0)


class FakeObjectDetector:
    """Finds what is purely red, green or blue: for each of them the box around all such pixels.

    The score is the share of the box that has the colour.

    Attributes:
        calls: Times it was asked to look at one image or more.
        images: Images it was given in all.
    """

    def __init__(self, *, identity: str = "fake-object-detector/1", threshold: float = 0.45) -> None:
        self._identity = identity
        self._threshold = threshold
        self.calls = 0
        self.images = 0

    @property
    def identity(self) -> str:
        """As given."""
        return self._identity

    @property
    def classes(self) -> tuple[str, ...]:
        """`red`, `green`, `blue`."""
        return _COLOURS

    def detect(self, images: Sequence[Pixels]) -> list[Detections]:
        """At most one object a colour, best first; one scale."""
        self.calls += bool(images)
        self.images += len(images)
        return [self._detect(image) for image in images]

    def _detect(self, image: Pixels) -> Detections:
        found = [_coloured(image, channel) for channel in range(3)]
        objects = [one for one in found if one is not None and one.score >= self._threshold]
        scores = np.array([[one.score if one is not None else 0.0] for one in found], np.float32)
        return Detections(objects=tuple(sorted(objects, key=lambda one: -one.score)), class_scores=scores)


def _coloured(image: Pixels, channel: int) -> DetectedObject | None:
    others = [other for other in range(3) if other != channel]
    mask = (image[..., channel] > 200) & (image[..., others] < 56).all(axis=-1)
    if not mask.any():
        return None
    height, width = mask.shape
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    box = Box(x=left / width, y=top / height, width=(right - left) / width, height=(bottom - top) / height)
    score = float(mask[top:bottom, left:right].mean())
    return DetectedObject(label=_COLOURS[channel], score=score, box=box)


class FakeSafetyScorer:
    """Calls magenta pixels sexual and the word "hateful" hate; judges nothing else.

    Attributes:
        calls: Times it was asked to score one image or text or more.
        images: Images it was given in all.
        texts: Texts it was given in all.
    """

    def __init__(self, *, identity: str = "fake-safety-scorer/1") -> None:
        self._identity = identity
        self.calls = 0
        self.images = 0
        self.texts = 0

    @property
    def identity(self) -> str:
        """As given."""
        return self._identity

    def score_images(self, images: Sequence[Pixels]) -> list[SafetyScores]:
        """`sexual` is the share of magenta pixels."""
        self.calls += bool(images)
        self.images += len(images)
        return [SafetyScores(sexual=_magenta(image)) for image in images]

    def score_texts(self, texts: Sequence[str]) -> list[SafetyScores]:
        """`hate` is 1 where the text has the word "hateful", else 0."""
        self.calls += bool(texts)
        self.texts += len(texts)
        return [SafetyScores(hate=float("hateful" in text.casefold())) for text in texts]


def _magenta(image: Pixels) -> float:
    red, green, blue = image[..., 0], image[..., 1], image[..., 2]
    return float(((red > 200) & (green < 56) & (blue > 200)).mean())


class FakeJointEmbedder:
    """Images by their mean colour, words by the colours they name: "red" is near whatever is mostly red.

    Knows the words red, green and blue and no labels; all other words are nothing to it, so a text without a colour is
    near what is black.

    Attributes:
        calls: Times it was asked to encode or embed one thing or more.
    """

    def __init__(self, *, identity: str = "fake-joint-embedder/1") -> None:
        self._identity = identity
        self.calls = 0

    @property
    def identity(self) -> str:
        """As given."""
        return self._identity

    @property
    def dim(self) -> int:
        """The three colours, and one constant that keeps black and wordless from being zero."""
        return len(_COLOURS) + 1

    @property
    def labels(self) -> tuple[str, ...]:
        """None."""
        return ()

    def encode(self, images: Sequence[Pixels]) -> list[ImageEncoding]:
        """One encoding an image, in order."""
        self.calls += bool(images)
        vectors = _unit([image.reshape(-1, 3).mean(axis=0) / 255.0 for image in images])
        return [ImageEncoding(vector=vector, probabilities=np.zeros(0, np.float32)) for vector in vectors]

    def embed_queries(self, texts: Sequence[str]) -> FloatArray:
        """float32 [n, dim], rows L2-normalised, in the space of `encode`."""
        self.calls += bool(texts)
        said = [text.casefold().split() for text in texts]
        return _unit([[float(colour in words) for colour in _COLOURS] for words in said])


def _unit(colours: Sequence[Sequence[float] | FloatArray]) -> FloatArray:
    """float32 [n, 4]: each colour and the constant, L2-normalised."""
    rows = np.array([[*colour, 0.1] for colour in colours], np.float32).reshape(-1, len(_COLOURS) + 1)
    unit: FloatArray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit
