"""From what a recogniser sees in a line of text, step by step, to its words.

The most probable class of every step makes the text (best path decoding, Graves et al. 2006, "Connectionist Temporal
Classification"). Of blanks between words that loses some: in capitals set wide, or after a colon, the class "no
character" and the blank share what is probable, so that neither "TAX INVOICE" nor the picture is in doubt but the blank
is not the first of any step. So a blank that has a part of the probability is looked for in the picture: it is one
where the gap is wide among the gaps of its line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from foveal.types.vectors import FloatArray, Pixels

NOTHING: Final = 0
"""The class for "no character here"."""
_LIKELY_BLANK: Final = 0.1
"""Probability in one step from which a blank is looked for. On 2,400 lines in 73 fonts and four languages, set tight to
wide, this finds a third of the blanks that are lost and makes up 2 in 40,000 places; 0.02 would make up 11."""
_EAST_ASIAN: Final = re.compile(
    "[\u1100-\u11ff\u2e80-\u303f\u3040-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]"
)
_NARROW: Final = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
_WIDE: Final = 1.5
_WIDE_FLOOR: Final = 0.05
"""A gap is wide from 1.5 times the median gap of its line and a twentieth of its height on."""
_LEAST_GAPS: Final = 2
_EDGE: Final = 1 / 12
"""Of a line's height, left out above and below: what is there belongs to the lines around it."""


@dataclass(frozen=True, slots=True)
class _Sign:
    """A character: its class, and its first and last step."""

    number: int
    first: int
    last: int


def decoded(steps: FloatArray, characters: npt.NDArray[np.str_], line: Pixels) -> tuple[str, float]:
    """Text, and the mean confidence of its characters; nothing and 0 without any.

    Args:
        steps: float32 [steps, classes], probabilities from left to right; the last class is a blank between words.
        characters: Of each class.
        line: What was looked at, uint8 [h, w, 3].
    """
    classes, confidences = steps.argmax(axis=1), steps.max(axis=1)
    signs = _signs(classes)
    if not signs:
        return "", 0.0
    blank = len(characters) - 1
    added = _lost_blanks(signs, steps[:, blank], blank, line)
    text = "".join((" " if place in added else "") + str(characters[sign.number]) for place, sign in enumerate(signs))
    return narrowed(text).strip(), float(np.mean([confidences[sign.first] for sign in signs]))


def narrowed(text: str) -> str:
    """A text without East Asian characters has no full-width signs either: `（RM）：` becomes `(RM):`."""
    return text if _EAST_ASIAN.search(text) else text.translate(_NARROW)


def _signs(classes: npt.NDArray[np.intp]) -> list[_Sign]:
    """Runs of one class that are characters."""
    edges = [0, *(np.flatnonzero(classes[1:] != classes[:-1]) + 1), len(classes)]
    runs = (_Sign(int(classes[first]), int(first), int(end) - 1) for first, end in pairwise(edges))
    return [run for run in runs if run.number != NOTHING]


def _lost_blanks(signs: list[_Sign], likely: FloatArray, blank: int, line: Pixels) -> set[int]:
    """Places among the signs before which a blank stands in the picture, though it is the first in no step.

    Args:
        likely: float32 [steps], probability of the blank.
    """
    pairs = [
        place
        for place in range(1, len(signs))
        if blank not in (signs[place].number, signs[place - 1].number)
        and likely[signs[place - 1].last + 1 : signs[place].first].max(initial=0.0) >= _LIKELY_BLANK
    ]
    if not pairs:
        return set()
    gaps = _gaps([sign for sign in signs if sign.number != blank], len(likely), line)
    if len(gaps) < _LEAST_GAPS:
        return set()
    written = {sign.first: place for place, sign in enumerate(sign for sign in signs if sign.number != blank)}
    found = set()
    for place in pairs:
        at = written[signs[place].first] - 1
        ordinary = float(np.median(np.delete(gaps, at)))
        if gaps[at] >= _WIDE * ordinary + _WIDE_FLOOR * line.shape[0]:
            found.add(place)
    return found


def _gaps(signs: list[_Sign], steps: int, line: Pixels) -> FloatArray:
    """float32 [signs - 1], the widest gap between each two characters, in pixels; 0 where their ink meets."""
    width = line.shape[1]
    middles = np.array([(sign.first + sign.last + 1) / 2 / steps * width for sign in signs])
    widest: FloatArray = np.zeros(max(len(signs) - 1, 0), np.float32)
    for first, end in _empty_columns(line):
        place = int(np.searchsorted(middles, (first + end) / 2)) - 1
        if 0 <= place < len(widest):
            widest[place] = max(widest[place], end - first)
    return widest


def _empty_columns(line: Pixels) -> list[tuple[int, int]]:
    """Runs of columns without ink, from (included) to (not). Ink is what lies on the other side of Otsu's cut than most
    of the line's border.
    """
    gray = cv2.cvtColor(np.ascontiguousarray(line), cv2.COLOR_RGB2GRAY)
    cut, _ = cv2.threshold(gray, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    border = np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])
    edge = int(gray.shape[0] * _EDGE)
    bright = gray[edge : gray.shape[0] - edge] > cut
    ink = ~bright if np.median(border) > cut else bright
    empty = np.concatenate([[False], ~ink.any(axis=0), [False]])
    turns = np.flatnonzero(empty[1:] != empty[:-1])
    return list(zip(turns[::2].tolist(), turns[1::2].tolist(), strict=True))
