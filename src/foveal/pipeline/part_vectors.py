"""How parts of the images that people show look; the same part is encoded once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from foveal.ports.models import ImageEncoder
from foveal.retrieval.recent import Recent
from foveal.retrieval.regions import region_square
from foveal.types.vectors import FloatArray, Pixels

REMEMBERED = 128
"""Vectors kept (5 kB each): what is searched for is then held against the hits, and comes again with every turn."""


class PartVectors:
    """Vectors made as those of the parts of an index are; for any number of threads.

    Args:
        encoder: Gives the image encoder; called only when there is something to encode, or its name is asked for.
    """

    def __init__(self, encoder: Callable[[], ImageEncoder]) -> None:
        self._encoder = encoder
        self._remembered = Recent[bytes, FloatArray](REMEMBERED)

    @property
    def identity(self) -> str:
        """The encoder's."""
        return self._encoder().identity

    def __call__(self, parts: Sequence[Pixels]) -> list[FloatArray]:
        """float32 [dim] of each part that was cut out of an image, L2-normalised."""
        squares = [region_square(part) for part in parts]
        keys = [hashlib.sha256(square.tobytes()).digest() for square in squares]
        vectors = self._remembered.all_of(
            dict(zip(keys, squares, strict=True)),
            lambda missing: [one.vector for one in self._encoder().encode(missing)],
        )
        return [vectors[key] for key in keys]
