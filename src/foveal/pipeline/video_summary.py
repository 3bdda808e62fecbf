"""What goes on in videos, told without a language model: of each part of the timeline the most telling sentence, what
is to be read on the screen and the things that are seen.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Final

import numpy as np

from foveal.pipeline.describing_phrases import Wording, wording
from foveal.pipeline.video_extracting import ROUNDING_MS, mark
from foveal.pipeline.video_timelines import VideoTimeline, start_of
from foveal.retrieval.composing import counted, listed
from foveal.retrieval.fencing import one_line
from foveal.retrieval.moments import clock
from foveal.retrieval.passages import whole_sentences
from foveal.retrieval.spreading import parts
from foveal.retrieval.tokens import TokenCounter
from foveal.types.chunks import Chunk, Feature
from foveal.types.speech import TimedText
from foveal.types.vectors import FloatArray

MOST_PARTS: Final = 8
LEAST_PART_MS: Final = 4_000
MOST_LABELS: Final = 3
TELLING_WORDS: Final = 6
"""A shorter sentence is told only where nothing longer is said near it."""
SAME_TEXT: Final = 0.7
"""Likeness from which on two texts on the screen are one that was read differently."""
_WORDY: Final = re.compile(r"\w+")
_ONE_SENTENCE: Final = re.compile(
    r"\b(?:one|a single|1) sentence\b|\beine[mn]? (?:einzigen )?satz\b|\buna (?:sola )?frase\b"
    r"|\bune (?:seule )?phrase\b|ประโยคเดียว|一句话|一文で",
    re.IGNORECASE,
)

Embed = Callable[[Sequence[str]], FloatArray]


def wants_one_sentence(question: str) -> bool:
    """Whether a summary is to be one sentence long."""
    return _ONE_SENTENCE.search(question) is not None


def summary(
    timelines: Sequence[VideoTimeline],
    language: str,
    embed: Embed,
    *,
    tokens: TokenCounter,
    most_tokens: int | None,
    brief: bool = False,
) -> str:
    """What goes on in each video from beginning to end: a line for each part of its timeline that has something.

    Parts are as many as fit the limit, so that however short it is, the whole is covered.

    Args:
        brief: Of a video in which somebody speaks only the sentence that is most about what all of it is about.
    """
    several = len(timelines) > 1
    tellers = [_Teller(timeline, wording(language), embed, several=several) for timeline in timelines]
    written = ""
    for count in range(MOST_PARTS, 0, -1):
        written = "\n".join(line for one in tellers for line in (one.brief() if brief else one.all(count)))
        if most_tokens is None or tokens.count(written) <= most_tokens:
            break
    return written


def told_at(timelines: Sequence[VideoTimeline], times_ms: Sequence[int], language: str) -> str:
    """What is said, written and shown at these times, a line each; empty where no video is so long."""
    words, several = wording(language), len(timelines) > 1
    lines = []
    for timeline in timelines:
        for at_ms in times_ms:
            if at_ms <= timeline.end_ms:
                pieces = " ".join(_pieces_at(timeline, at_ms, words)) or words.nothing
                lines.append(f"{mark(timeline, at_ms, several=several)} {pieces}")
    return "\n".join(lines)


def _pieces_at(timeline: VideoTimeline, at_ms: int, words: Wording) -> Iterator[str]:
    told = _Told()
    for sentence in whole_sentences(timeline.sentences):
        if sentence.start_ms <= at_ms + ROUNDING_MS and at_ms <= sentence.end_ms:
            yield f"{words.left}{one_line(sentence.text)}{words.right}"
    here = [c for c in timeline.moments if start_of(c) <= at_ms + ROUNDING_MS and at_ms <= (c.locator.end_ms or 0)]
    for _, piece in _written([c for c in here if c.feature is Feature.SCREEN_TEXT], words, told):
        yield piece
    for _, piece in _shown([c for c in here if c.feature is Feature.VISION], words, told):
        yield piece


@dataclass(frozen=True, slots=True)
class _Told:
    """What was told of earlier parts, and is not told again."""

    labels: set[str] = field(default_factory=set)
    texts: list[str] = field(default_factory=list)

    def is_new_text(self, text: str) -> bool:
        """Whether a text on the screen was not told yet, also read a little differently; then it is now."""
        folded = "".join(_WORDY.findall(text.casefold()))
        if any(SequenceMatcher(None, folded, other).ratio() >= SAME_TEXT for other in self.texts):
            return False
        self.texts.append(folded)
        return bool(folded)


class _Teller:
    """Tells of one video."""

    def __init__(self, timeline: VideoTimeline, words: Wording, embed: Embed, *, several: bool) -> None:
        self._timeline = timeline
        self._words = words
        self._several = several
        self._sentences = whole_sentences(timeline.sentences)
        self._central = _centrality(self._sentences, embed)

    def brief(self) -> Iterator[str]:
        """Its title, and the sentence that is most about all."""
        if not self._sentences:
            yield from self.all(1)
            return
        yield from self._head()
        best = self._sentences[int(np.argmax(self._central))]
        yield f"{self._mark(best.start_ms)} {self._quoted(best.text)}"

    def all(self, count: int) -> Iterator[str]:
        """Its title, and a line for each of so many parts."""
        yield from self._head()
        told, end = _Told(), self._timeline.end_ms
        edges = parts(end, max(1, min(count, end // LEAST_PART_MS)))
        for start, stop in edges:
            written = [chunk for chunk in self._timeline.written if start <= start_of(chunk) < stop]
            shown = [chunk for chunk in self._timeline.frames if start <= start_of(chunk) < stop]
            pieces = [
                *self._said(start, stop),
                *_written(written, self._words, told),
                *_shown(shown, self._words, told),
            ]
            if pieces:
                at = min(at for at, _ in pieces)
                yield f"{self._mark(at)} {' '.join(piece for _, piece in pieces)}"

    def _head(self) -> Iterator[str]:
        yield f"{self._timeline.video.title}, {clock(self._timeline.end_ms)}"
        if self._timeline.description:
            yield self._quoted(self._timeline.description)

    def _said(self, start: int, stop: int) -> Iterator[tuple[int, str]]:
        """The most telling sentence that begins in a part; a short one only where nothing longer is said around it."""
        here = [n for n, sentence in enumerate(self._sentences) if start <= sentence.start_ms < stop]
        telling = [n for n in here if self._is_telling(n)]
        around = stop - start
        near = (
            self._is_telling(n) and start - around <= sentence.start_ms < stop + around
            for n, sentence in enumerate(self._sentences)
        )
        chosen = telling or ([] if any(near) else here)
        if chosen:
            best = self._sentences[max(chosen, key=lambda n: self._central[n])]
            yield best.start_ms, self._quoted(best.text)

    def _is_telling(self, number: int) -> bool:
        text = self._sentences[number].text
        return len(text.split()) >= TELLING_WORDS or len(text) >= 4 * TELLING_WORDS  # not every writing has blanks

    def _quoted(self, text: str) -> str:
        return f"{self._words.left}{one_line(text)}{self._words.right}"

    def _mark(self, at_ms: int) -> str:
        return mark(self._timeline, at_ms, several=self._several)


def _written(written: Sequence[Chunk], words: Wording, told: _Told) -> Iterator[tuple[int, str]]:
    """The first text on the screen that was not told yet."""
    for chunk in written:
        if told.is_new_text(chunk.ocr_text):
            yield start_of(chunk), words.reads.format(f"{words.left}{one_line(chunk.ocr_text)}{words.right}")
            return


def _shown(shown: Sequence[Chunk], words: Wording, told: _Told) -> Iterator[tuple[int, str]]:
    """What is seen and was not told of an earlier part: a model's words, else the things that were detected."""
    for chunk in shown:
        if chunk.caption:
            yield start_of(chunk), one_line(chunk.caption).partition(". ")[0].rstrip(".") + "."
            return
    most: Counter[str] = Counter()
    for chunk in shown:
        most |= Counter(found.label for found in chunk.objects)
    fresh = [(label, count) for label, count in most.most_common() if label not in told.labels][:MOST_LABELS]
    told.labels.update(label for label, _ in fresh)
    if fresh:
        first = next(c for c in shown if any(found.label == fresh[0][0] for found in c.objects))
        yield start_of(first), words.sees.format(listed([counted(label, count) for label, count in fresh]))


def _centrality(sentences: Sequence[TimedText], embed: Embed) -> list[float]:
    """How much each sentence is about what all are about: its cosine to their mean, long ones a little ahead."""
    if not sentences:
        return []
    vectors = embed([sentence.text for sentence in sentences])
    mean = vectors.mean(axis=0)
    lengths = np.array([min(len(sentence.text.split()), 12) for sentence in sentences], np.float32)
    scores = vectors @ mean + 0.01 * lengths
    return [float(score) for score in scores]
