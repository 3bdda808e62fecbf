"""Things that detectors found in videos: whether they are there, how many, and when, told without a language model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from foveal.pipeline.describing_phrases import wording
from foveal.pipeline.video_extracting import mark
from foveal.pipeline.video_timelines import VideoTimeline, start_of
from foveal.retrieval.composing import counted

MOST_TIMES: Final = 3
APART_MS: Final = 10_000
"""Frames that are nearer to each other are one appearance."""
_OF_WORDS: Final = re.compile(
    r"\b(?:say|says|said|mention\w*|talk\w*|speak\w*|tell|tells|told|discuss\w*|call|calls|called|sag\w*|erwähn\w*|erzähl\w*"
    r"|dic\w*|parl\w*|habl\w*|dit|disent)\b|พูด|กล่าว",
    re.IGNORECASE,
)


def is_about_words(question: str) -> bool:
    """Whether a question that names things asks what is said of them."""
    return _OF_WORDS.search(question) is not None


def things_told(timelines: Sequence[VideoTimeline], labels: Sequence[str], language: str) -> str:
    """A line for each of these things: how many are seen at once, and when; of those that are nowhere, that."""
    words, several = wording(language), len(timelines) > 1
    lines, missing = [], []
    for label in labels:
        seen = [line for timeline in timelines for line in _appearances(timeline, label, several=several)]
        lines += [f"{words.sees.format(counted(label, most)).rstrip()} {times}" for most, times in seen]
        if not seen:
            missing.append(label)
    if missing:
        lines.append(words.none_of.format(", ".join(missing)))
    return "\n".join(lines)


def _appearances(timeline: VideoTimeline, label: str, *, several: bool) -> Iterator[tuple[int, str]]:
    """How many of a thing are seen at once, and the times at which there are, first where there are most."""
    counts = Counter({start_of(chunk): sum(o.label == label for o in chunk.objects) for chunk in timeline.frames})
    at: list[int] = []
    for start, count in sorted(counts.items(), key=lambda one: (-one[1], one[0])):
        if count and len(at) < MOST_TIMES and all(abs(start - other) >= APART_MS for other in at):
            at.append(start)
    if at:
        yield counts[at[0]], " ".join(mark(timeline, start, several=several) for start in at)
