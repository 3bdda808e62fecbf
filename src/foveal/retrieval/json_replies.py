"""JSON out of a language model's reply, which may be wrapped in prose, in a code fence, or be missing."""

from __future__ import annotations

import json
from collections.abc import Iterator

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]

_OPENINGS = "[{"
_MAX_STARTS = 64
"""Places tried at most: a reply full of brackets must not cost quadratic time."""


def json_values(reply: str) -> Iterator[JsonValue]:
    """Every array or object in `reply` that parses, in order; what stands inside one is not yielded again.

    Never raises: a reply without JSON yields nothing.
    """
    decoder = json.JSONDecoder()
    position = tries = 0
    while tries < _MAX_STARTS:
        starts = [at for at in (reply.find(mark, position) for mark in _OPENINGS) if at >= 0]
        if not starts:
            return
        tries += 1
        try:
            value, position = decoder.raw_decode(reply, min(starts))
        except (ValueError, RecursionError):
            position = min(starts) + 1
        else:
            yield value
