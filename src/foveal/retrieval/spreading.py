"""Which of many moments are taken where there is no room for all: some by the question, the others spread over time."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from itertools import pairwise


def spread_times(times_ms: Sequence[int], taken_ms: Sequence[int], most: int) -> list[int]:
    """At most `most` times: those taken first, then each time the one that is farthest from all there are.

    So however few there are, they cover the whole; ties go to the earlier. (Gonzalez 1985, farthest-first traversal.)

    Args:
        times_ms: All there are.
        taken_ms: Taken already, the most wanted first; of them no more than `most`.
        most: How many, at most.

    Returns:
        Ascending, each once.
    """
    chosen = sorted(set(taken_ms[:most]))
    left = sorted(set(times_ms) - set(chosen))
    if left and not chosen and most > 0:
        chosen = [left.pop(0)]
    while left and len(chosen) < most:
        distances = [_distance(at, chosen) for at in left]
        insort(chosen, left.pop(distances.index(max(distances))))
    return chosen


def _distance(at_ms: int, chosen: Sequence[int]) -> int:
    place = bisect_left(chosen, at_ms)
    return min(abs(at_ms - other) for other in chosen[max(0, place - 1) : place + 1])


def spread_order(count: int) -> Iterator[int]:
    """0..count-1 such that every beginning of it lies evenly over all of it: halves, then quarters, then eighths."""
    bits = max(1, (count - 1).bit_length())
    for number in range(1 << bits):
        place = int(f"{number:0{bits}b}"[::-1], 2)
        if place < count:
            yield place


def parts(end_ms: int, count: int) -> list[tuple[int, int]]:
    """A timeline cut into so many equal parts, each from (included) to (not)."""
    edges = [end_ms * number // count for number in range(count + 1)]
    edges[-1] = end_ms + 1
    return list(pairwise(edges))
