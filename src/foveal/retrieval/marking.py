"""Which lines of a page a question is about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import log

from foveal.retrieval.sentences import content_terms

WINDOW_LINES = 4
TELLING = 0.25
"""Share of the best line's weight below which a line beside it is not marked."""


def marked_lines(lines: Sequence[str], passage: str, question: str) -> tuple[int, ...]:
    """Positions of the lines that answer best, ascending; none where no line has a word of the question.

    Lines are weighed a few at a time by the telling words they have, rare ones on the page most; only lines of the
    passage count, since another place of the page may have the same words.

    Args:
        lines: Of the page, in order.
        passage: What was found of it; empty: the whole page.
        question: As asked.
    """
    wanted = set(content_terms(question))
    inside = set(content_terms(passage))
    terms = [set(content_terms(line)) for line in lines]
    spread = Counter(term for line in terms for term in line)
    weights = {term: log(1 + len(lines) / spread[term]) for term in wanted & spread.keys()}
    if not weights:
        return ()
    counted = [line & weights.keys() if not inside or _within(line, inside) else set() for line in terms]
    own = [sum(weights[term] for term in line) for line in counted]
    windows = [set().union(*counted[start : start + WINDOW_LINES]) for start in range(len(lines))]
    scores = [sum(weights[term] for term in window) for window in windows]
    start = max(range(len(lines)), key=lambda row: (scores[row], own[row], -row))
    near = range(start, min(start + WINDOW_LINES, len(lines)))
    least = TELLING * max(own[row] for row in near)
    return tuple(row for row in near if own[row] > 0 and own[row] >= least)


def _within(line: set[str], passage: set[str]) -> bool:
    return len(line & passage) * 2 > len(line)
