"""Pointing: which of what is known of a piece a question is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from foveal.retrieval.alignment import Seen, align
from foveal.retrieval.sentences import highlights
from foveal.types.content import DetectedObject, OcrLine

LONGEST_QUESTION = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointed:
    """Positions among what was given, ascending.

    Attributes:
        objects: Things of a class that the question names; all of that class.
        lines: Lines of text that share a telling word with it.
    """

    objects: tuple[int, ...] = ()
    lines: tuple[int, ...] = ()


def pointed(question: str, objects: Sequence[DetectedObject], lines: Sequence[OcrLine]) -> Pointed:
    """What of an image a question is about; nothing where it names nothing in it."""
    asked = question[:LONGEST_QUESTION]
    if not asked.strip():
        return Pointed()
    first = {thing.label: thing for thing in reversed(objects)}
    labels = {label for label, thing in first.items() if align(asked, (Seen(objects=(thing,)),))}
    return Pointed(
        objects=tuple(i for i, thing in enumerate(objects) if thing.label in labels),
        lines=tuple(i for i, line in enumerate(lines) if highlights(line.text, asked)),
    )
