"""Times of a timeline in words, and which sentence of a passage speaks for a question."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from foveal.types.chunks import Chunk
from foveal.types.vectors import FloatArray

_SEPARATOR = " · "
_TIMED = re.compile(r" · (?:\d+:)?\d\d:\d\d$")


def clock(at_ms: int) -> str:
    """`02:07`, and from an hour on `1:02:07`: whole seconds, cut and not rounded, so that a player shows the same."""
    seconds = max(at_ms, 0) // 1000
    hours, minutes, seconds = seconds // 3600, seconds // 60 % 60, seconds % 60
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"


def timed_title(title: str, at_ms: int) -> str:
    """`talk.mp4 · 00:42`, of a title with or without a time."""
    return f"{_TIMED.sub('', title)}{_SEPARATOR}{clock(at_ms)}"


def place_in_words(chunk: Chunk) -> str:
    """Path of the file, with the page or the time: `talk.mp4 · 00:42`, `plan.pdf, page 3`."""
    if chunk.feature and chunk.locator.start_ms is not None:
        return timed_title(chunk.filepath, chunk.locator.start_ms)
    return f"{chunk.filepath}, page {chunk.locator.page}" if chunk.locator.page else chunk.filepath


def at_sentence(chunk: Chunk, number: int) -> Chunk:
    """A passage as a hit that one of its sentences makes: title and locator are the sentence's, all else stays."""
    sentence = chunk.sentences[number]
    locator = replace(chunk.locator, start_ms=sentence.start_ms, end_ms=sentence.end_ms)
    return replace(chunk, title=timed_title(chunk.title, sentence.start_ms), locator=locator)


def best_sentence(asked: FloatArray, sentences: FloatArray, shares: Sequence[float]) -> int:
    """Number of the sentence that speaks for a question.

    Args:
        asked: float32 [dim], the question's vector.
        sentences: float32 [n, dim], the sentences' vectors.
        shares: Of each sentence, how much of what the question is about it has, 0..1.
    """
    cosines = sentences @ asked
    spread = float(cosines.std()) or 1.0
    return int(np.argmax((cosines - cosines.mean()) / spread + 2.0 * np.asarray(shares)))
