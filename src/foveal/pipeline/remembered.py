"""What is kept with an index, read once a generation."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from foveal.types.chunks import Generation

T = TypeVar("T")


class Remembered(Generic[T]):
    """One value an index, made anew when the index has another generation; for any number of threads."""

    def __init__(self, make: Callable[[str, Generation], T]) -> None:
        self._make = make
        self._known: dict[str, tuple[Generation, T]] = {}
        self._lock = threading.Lock()

    def __call__(self, index: str, generation: Generation) -> T:
        """The value of that generation."""
        with self._lock:
            known = self._known.get(index)
            if known is None or known[0] != generation:
                known = self._known[index] = (generation, self._make(index, generation))
            return known[1]
