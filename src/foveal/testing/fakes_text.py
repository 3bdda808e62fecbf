"""Stand-ins for the models that read and embed text: quick, deterministic, without files."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from itertools import chain

import numpy as np

from foveal.types.content import OcrLine
from foveal.types.locators import Polygon
from foveal.types.vectors import FloatArray, Pixels

_WORD = re.compile(r"\w+")


class FakeTextEmbedder:
    """Hashed bag of words and letter triples: texts that share words, or parts of words, are near.

    No meaning, no languages: "dog" and "Hund" are strangers. Questions and passages share one space.

    Attributes:
        calls: Times it was asked to embed anything, for tests that count model calls.
        texts: Every text it was given, in order.
    """

    def __init__(self, *, dim: int = 64, identity: str = "fake-text-embedder/1") -> None:
        self._dim = dim
        self._identity = identity
        self.calls = 0
        self.texts: list[str] = []

    @property
    def identity(self) -> str:
        """As given."""
        return self._identity

    @property
    def dim(self) -> int:
        """As given."""
        return self._dim

    def embed_passages(self, texts: Sequence[str]) -> FloatArray:
        """float32 [n, dim], rows L2-normalised."""
        return self._embed(texts)

    def embed_queries(self, texts: Sequence[str]) -> FloatArray:
        """float32 [n, dim], rows L2-normalised."""
        return self._embed(texts)

    def _embed(self, texts: Sequence[str]) -> FloatArray:
        self.calls += 1
        self.texts.extend(texts)
        vectors = np.zeros((len(texts), self._dim), dtype=np.float32)
        for row, text in enumerate(texts):
            for feature, weight in _features(text):
                digest = zlib.crc32(feature.encode())
                vectors[row, digest % self._dim] += weight if digest & 0x80000000 else -weight
            if not vectors[row].any():
                vectors[row, 0] = 1.0
        unit: FloatArray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit


def _features(text: str) -> list[tuple[str, float]]:
    """Words with weight 1 and letter triples with weight 0.3 (they make scripts without spaces comparable)."""
    words = _WORD.findall(text.casefold())
    triples = chain.from_iterable(zip(word, word[1:], word[2:], strict=False) for word in words)
    return [(word, 1.0) for word in words] + [("".join(triple), 0.3) for triple in triples]


_CELL_PX = 4
_MARK = 0xA5


def picture_of(lines: Sequence[str], *, background: Pixels | None = None) -> Pixels:
    """An image that `FakeTextRecognizer` reads: every line is a row of black and white cells.

    A row is a mark byte, a length byte and the line in UTF-8 (at most 255 bytes), one cell of 4 x 4 px a bit; rows
    begin at the left edge, one cell apart. Survives PNG and mild JPEG, not resizing.

    Args:
        background: Painted over from the top left when it is large enough; white of the right size without it.
    """
    rows = [bytes([_MARK, len(line.encode())]) + line.encode() for line in lines]
    height = (2 * len(rows) + 1) * _CELL_PX
    width = max((8 * len(row) for row in rows), default=8) * _CELL_PX
    blank = np.full((height, width, 3), 255, dtype=np.uint8)
    image = blank if background is None else background.copy()
    if image.shape[0] < height or image.shape[1] < width:
        raise ValueError(f"the background must be at least {width} x {height} px")
    for index, row in enumerate(rows):
        bits = np.unpackbits(np.frombuffer(row, dtype=np.uint8))
        strip = np.repeat(np.where(bits == 1, 0, 255).astype(np.uint8), _CELL_PX)
        top = (2 * index + 1) * _CELL_PX
        image[top : top + _CELL_PX, : strip.size] = strip[None, :, None]
    return image


class FakeTextRecognizer:
    """Reads what `picture_of` wrote, and nothing else.

    Attributes:
        calls: Images it was given, for tests that count model calls.
    """

    def __init__(self, *, identity: str = "fake-text-recognizer/1") -> None:
        self._identity = identity
        self.calls = 0

    @property
    def identity(self) -> str:
        """As given."""
        return self._identity

    def recognize(self, image: Pixels) -> tuple[OcrLine, ...]:
        """Lines from top to bottom, each with score 1."""
        self.calls += 1
        lines = []
        for top in range(_CELL_PX, image.shape[0] - _CELL_PX + 1, 2 * _CELL_PX):
            cells = image[top + _CELL_PX // 2, _CELL_PX // 2 :: _CELL_PX].mean(axis=1) < 128
            row = np.packbits(cells[: cells.size // 8 * 8]).tobytes()
            if len(row) < 2 or row[0] != _MARK or len(row) < 2 + row[1]:
                break
            text = row[2 : 2 + row[1]].decode(errors="replace")
            lines.append(OcrLine(text=text, score=1.0, polygon=_row_polygon(image, top, 2 + row[1])))
        return tuple(lines)


def _row_polygon(image: Pixels, top: int, byte_count: int) -> Polygon:
    height, width = image.shape[:2]
    right, upper, lower = byte_count * 8 * _CELL_PX / width, top / height, (top + _CELL_PX) / height
    return ((0.0, upper), (right, upper), (right, lower), (0.0, lower))
