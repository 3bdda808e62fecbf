"""Words that a picture sets without a blank between them: "JUNE2018", "NEWYORK".

They are read as they stand there, and found in both forms. What is stored gets the parts beside the whole (`parts_in`);
what is asked gets every two neighbours as one word too (`with_joined`), which finds names that no vocabulary has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Final

Parted = Callable[[str], Sequence[str]]
"""Words that a run of letters is made of: at least two where it is more likely several words than one; else none."""

LEAST_LETTERS: Final = 6
"""Of a run that is looked at."""
MOST_LETTERS: Final = 60
_LEAST_DIGITS: Final = 2
_LEAST_BEFORE_DIGITS: Final = 3
_MOST_ASKED: Final = 32
"""Words of a question that are joined: a question is short, a pasted page is not."""
_RUN: Final = re.compile(r"[^\W\d_]+|\d+")
_WORD: Final = re.compile(r"[^\W_]+")


def not_parted(run: str) -> Sequence[str]:
    """For where there is no vocabulary."""
    del run
    return ()


def parts_in(text: str, parted: Parted) -> str:
    """The parts of the words of a text that are several in one, as one line; empty where there are none."""
    return " ".join(part for word in _WORD.findall(text) for part in _parts(word, parted))


def _parts(word: str, parted: Parted) -> list[str]:
    runs = _RUN.findall(word)
    if len(runs) > 2:
        return []
    if len(runs) == 2:
        letters, digits = sorted(runs, key=str.isdigit)
        if len(letters) < _LEAST_BEFORE_DIGITS or len(digits) < _LEAST_DIGITS:
            return []
    found = [part for run in runs for part in (_in_letters(run, parted) or (run,))]
    return found if len(found) > 1 else []


def _in_letters(run: str, parted: Parted) -> Sequence[str]:
    return parted(run) if LEAST_LETTERS <= len(run) <= MOST_LETTERS and run.isalpha() else ()


def joined(question: str) -> Iterator[tuple[str, str]]:
    """Every two neighbouring words of a question."""
    yield from pairwise(_WORD.findall(question)[:_MOST_ASKED])


def with_joined(question: str) -> str:
    """A question for keyword search, with every two neighbouring words as one after it."""
    return " ".join([question, *(left + right for left, right in joined(question))])
