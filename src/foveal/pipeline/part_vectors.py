"""How parts of the images that people show look; the same part is encoded once."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock

from foveal.ports.models import ImageEncoder
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
        self._remembered: OrderedDict[bytes, FloatArray] = OrderedDict()
        self._lock = Lock()

    @property
    def identity(self) -> str:
        """The encoder's."""
        return self._encoder().identity

    def __call__(self, parts: Sequence[Pixels]) -> list[FloatArray]:
        """float32 [dim] of each part that was cut out of an image, L2-normalised."""
        squares = [region_square(part) for part in parts]
        keys = [hashlib.sha256(square.tobytes()).digest() for square in squares]
        with self._lock:
            known = {key: self._remembered[key] for key in keys if key in self._remembered}
        missing = {key: square for key, square in zip(keys, squares, strict=True) if key not in known}
        if missing:
            encodings = self._encoder().encode(list(missing.values()))
            known.update(zip(missing, (one.vector for one in encodings), strict=True))
        with self._lock:
            for key in keys:
                self._remembered[key] = known[key]
                self._remembered.move_to_end(key)
            while len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
        return [known[key] for key in keys]
