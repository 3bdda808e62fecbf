"""The error tree is drawn in its module, and the drawing is true."""

from __future__ import annotations

import re
from collections.abc import Iterator

from foveal import errors
from foveal.errors import FovealError


def _tree(cls: type[FovealError] = FovealError, depth: int = 0) -> Iterator[tuple[int, type[FovealError]]]:
    yield depth, cls
    for child in cls.__subclasses__():
        if child.__module__ == "foveal.errors":
            yield from _tree(child, depth + 1)


def test_the_drawing_shows_every_class_at_its_place_with_code_and_status() -> None:
    drawn = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"^([│├└─ ]*)(\w+Error)\b(.*)$", line)
        if match:
            drawn.append((len(match[1]) // 4, match[2], match[3]))
    assert [(depth, name) for depth, name, _ in drawn] == [(d, c.__name__) for d, c in _tree()]
    for (_, cls), (_, _, rest) in zip(_tree(), drawn, strict=True):
        if not cls.__subclasses__():
            assert cls.code in rest.split(), f"{cls.__name__} is drawn without its code {cls.code}"


def test_codes_are_unique() -> None:
    codes = [cls.code for _, cls in _tree()]
    assert len(codes) == len(set(codes))


def test_an_error_reads_as_what_happened_and_what_to_do() -> None:
    error = errors.StoreBusyError("The index is being written.", remedy="Try again in a minute.")
    assert str(error) == "The index is being written. Try again in a minute."
    assert error.status == 503
