"""What takes long to make and is asked for again soon."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
T = TypeVar("T")


class Recent(Generic[K, V]):
    """The values last made or asked for, at most so many; for any number of threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: OrderedDict[K, V] = OrderedDict()
        self._lock = threading.Lock()

    def all_of(self, wanted: Mapping[K, T], make: Callable[[list[T]], Iterable[V]]) -> dict[K, V]:
        """The value of every key; those not known are made at once, of what stands under their keys, in that order."""
        with self._lock:
            found = {key: self._known[key] for key in wanted if key in self._known}
        missing = [key for key in wanted if key not in found]
        if missing:
            found.update(zip(missing, make([wanted[key] for key in missing]), strict=True))
        with self._lock:
            for key, value in found.items():
                self._known[key] = value
                self._known.move_to_end(key)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return found

    def one(self, key: K, make: Callable[[], V]) -> V:
        """The value of one key, known or made now."""
        return self.all_of({key: make}, lambda makers: [maker() for maker in makers])[key]
