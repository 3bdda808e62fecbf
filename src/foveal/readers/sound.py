"""Sound in stretches that end where nobody speaks, each short enough to be listened to at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from foveal.types.vectors import SAMPLE_RATE, Samples

STRETCH_S = 120.0
"""Longest stretch."""
SEARCHED_S = 40.0
"""Its end is the quietest place of so many last seconds."""
GAP_S = 0.25
"""A longer gap between two pieces of sound ends a stretch; a shorter one is inaccuracy of the container."""
_QUIET_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Sound from `start_s` on."""

    start_s: float
    samples: Samples

    @property
    def end_s(self) -> float:
        """Where it ends."""
        return self.start_s + len(self.samples) / SAMPLE_RATE


@dataclass(slots=True)
class Stretches:
    """Takes pieces of sound in order of time; gives stretches. Holds no more than one."""

    _start_s: float = 0.0
    _pieces: list[Samples] = field(default_factory=list)
    _count: int = 0

    def add(self, at_s: float, samples: Samples) -> Iterator[Stretch]:
        """One more piece.

        Args:
            at_s: Where the container says that it begins; believed at the beginning and after a gap.
            samples: int16 [n].
        """
        expected = self._start_s + self._count / SAMPLE_RATE
        if self._count and at_s - expected > GAP_S:
            yield from self.end()
        if not self._count:
            self._start_s = max(at_s, 0.0)
        self._pieces.append(samples)
        self._count += len(samples)
        while self._count >= STRETCH_S * SAMPLE_RATE:
            yield self._cut()

    def end(self) -> Iterator[Stretch]:
        """What is left."""
        if self._count:
            yield Stretch(start_s=self._start_s, samples=np.concatenate(self._pieces))
        self._pieces, self._count = [], 0

    def _cut(self) -> Stretch:
        everything = np.concatenate(self._pieces)
        whole = everything[: int(STRETCH_S * SAMPLE_RATE)]
        end = _quietest(whole, len(whole) - int(SEARCHED_S * SAMPLE_RATE))
        found = Stretch(start_s=self._start_s, samples=everything[:end])
        self._start_s = found.end_s
        self._pieces, self._count = [everything[end:]], len(everything) - end
        return found


def _quietest(samples: Samples, first: int) -> int:
    """The middle of the quietest fifth of a second from `first` on; the last of several as quiet."""
    window = int(_QUIET_S * SAMPLE_RATE)
    tail = samples[first:].astype(np.float64)
    steps = len(tail) // (window // 2)
    energy = (tail[: steps * (window // 2)].reshape(steps, -1) ** 2).mean(axis=1)
    both = energy[:-1] + energy[1:]
    quietest = len(both) - 1 - int(np.argmin(both[::-1]))
    return first + (quietest + 1) * (window // 2)
