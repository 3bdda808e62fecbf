"""Answers about videos without a language model: quotes with their times, or what goes on over the whole timeline."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from foveal.pipeline.describing_phrases import Wording, wording
from foveal.pipeline.video_timelines import VideoTimeline, start_of
from foveal.retrieval.composing import counted, listed
from foveal.retrieval.fencing import one_line
from foveal.retrieval.moments import clock
from foveal.retrieval.spreading import parts
from foveal.retrieval.tokens import TokenCounter
from foveal.types.chat import Document
from foveal.types.chunks import Chunk, Feature
from foveal.types.search import Hit
from foveal.types.speech import TimedText
from foveal.types.vectors import FloatArray

MOST_PARTS: Final = 8
LEAST_PART_MS: Final = 4_000
MOST_LABELS: Final = 3
MOST_WRITTEN: Final = 12
MOST_CONTINUED: Final = 3
_QUOTES: Final = "”»」“\"' "
_ASKS: Final = ("?", "？", "؟")
_ENDS: Final = (*_ASKS, ".", "!", "。", "！")
_VIDEO = r"(?:video|clip|film|movie|recording|talk|footage|vídeo|vidéo|película|aufnahme)s?"
_SUMMARY: Final = re.compile(
    rf"\bdescri|\bsummar|\boverview\b|\btl;?dr\b|\brecap\b|\bzusammenfass|\bfasse?\b.*\bzusammen|\bbeschreib|\bresum|\brésum"
    rf"|\bdécri|\briassum|\bdescriv|สรุป|อธิบาย|บรรยาย|总结|概括|描述|要約|説明|まとめ"
    rf"|\b(?:what|was|qué|que|cosa)\b(?:'s|\W+(?:is|are|happens|happening|goes on|do|can|you|see|shown|in|on|of|the"
    rf"|this|these|about|ist|passiert|zeigt|das|dieses|worum))*\W+{_VIDEO}(?:\W+about)?\W*$",
    re.IGNORECASE,
)
_SCREEN: Final = re.compile(
    r"\b(?:on[- ]?screen|screens?|slides?|captions?|titles?|written|text|letters|logo)\b|\bbildschirm\b|\bgeschrieben\b"
    r"|\bpantalla\b|\bescrito\b|\bécran\b|\bécrit\b|\bschermo\b|\bscritto\b|屏幕|画面|หน้าจอ|เขียน",
    re.IGNORECASE,
)
_MARK: Final = re.compile(r"\s*\[doc(\d+)\]")
_TIMED: Final = re.compile(r"\s*\((?:\d+:)?\d{1,2}:\d{2}\)")

Embed = Callable[[Sequence[str]], FloatArray]


def wants_summary(question: str) -> bool:
    """Whether a question asks for the whole of a video; no words at all do."""
    return not question.strip() or _SUMMARY.search(question) is not None


def asks_for_screen(question: str) -> bool:
    """Whether a question is about what is to be read on the screen."""
    return _SCREEN.search(question) is not None


def on_screen(timelines: Sequence[VideoTimeline], language: str) -> str:
    """Everything that is to be read on the screen, with its times: what the question is about first where there is much
    of it; empty where nothing is.
    """
    words, several = wording(language), len(timelines) > 1
    lines = []
    for timeline in timelines:
        asked = [chunk for chunk in timeline.asked if chunk.feature is Feature.SCREEN_TEXT]
        kept = list(dict.fromkeys(chunk.chunk_id for chunk in (*asked, *timeline.written)))[:MOST_WRITTEN]
        for chunk in timeline.written:
            if chunk.chunk_id in kept:
                text = f"{words.left}{one_line(chunk.ocr_text or chunk.content)}{words.right}"
                lines.append(f"{text} {mark(timeline, start_of(chunk), several=several)}")
    return "\n".join(lines)


def mark(timeline: VideoTimeline, at_ms: int, *, several: bool) -> str:
    """A time as answers write it."""
    return f"[video {timeline.number} {clock(at_ms)}]" if several else f"[{clock(at_ms)}]"


def documents_of(timelines: Sequence[VideoTimeline], hits: Sequence[Hit]) -> tuple[Document, ...]:
    """Hits as documents for an answerer, numbered from 1."""
    indexes = {timeline.video.document_id: timeline.video.index for timeline in timelines}
    return tuple(
        Document(number=number, index=indexes[hit.chunk.document_id], hit=hit, text=hit.chunk.content)
        for number, hit in enumerate(hits, 1)
    )


def timed(text: str, documents: Sequence[Document], timelines: Sequence[VideoTimeline]) -> str:
    """An answer with times in the place of its marks `[docN]`."""
    by_id = {timeline.video.document_id: timeline for timeline in timelines}
    chunks = {document.number: document.hit.chunk for document in documents}

    def line(given: str) -> str:
        numbers = [int(number) for number in _MARK.findall(given) if int(number) in chunks]
        if not numbers:
            return given
        said = _TIMED.search(given)
        at = _ms(said[0]) if said else start_of(chunks[numbers[0]])
        timeline = by_id[chunks[numbers[0]].document_id]
        bare = _TIMED.sub("", _MARK.sub("", given))
        more = _answer_to(timeline, at) if bare.rstrip(_QUOTES).endswith(_ASKS) else None
        text, moment = (f"{bare} {more.text}", more.start_ms) if more else (bare, at)
        return f"{text} {mark(timeline, moment, several=len(timelines) > 1)}"

    return "\n".join(line(given) for given in text.splitlines())


def _answer_to(timeline: VideoTimeline, asked_ms: int) -> TimedText | None:
    """What is said right after a question that somebody asks in a video, to the end of a sentence."""
    later = [s for s in timeline.sentences if s.start_ms >= asked_ms + 1000]  # marks have whole seconds
    said: list[str] = []
    for sentence in later[:MOST_CONTINUED]:
        said.append(one_line(sentence.text))
        if said[-1].endswith(_ENDS):
            break
    if not said:
        return None
    return TimedText(text=f"“{' '.join(said)}”", start_ms=later[0].start_ms, end_ms=later[len(said) - 1].end_ms)


def summary(
    timelines: Sequence[VideoTimeline], language: str, embed: Embed, *, tokens: TokenCounter, most_tokens: int | None
) -> str:
    """What goes on in each video from beginning to end: a line for each part of its timeline that has something.

    Parts are as many as fit the limit, so that however short it is, the whole is covered.
    """
    words, written = wording(language), ""
    for count in range(MOST_PARTS, 0, -1):
        written = "\n".join(
            line for one in timelines for line in _overview(one, count, words, embed, len(timelines) > 1)
        )
        if most_tokens is None or tokens.count(written) <= most_tokens:
            break
    return written


def _overview(timeline: VideoTimeline, count: int, words: Wording, embed: Embed, several: bool) -> Iterator[str]:
    end = timeline.end_ms
    yield f"{timeline.video.title}, {clock(end)}"
    if timeline.description:
        yield f"{words.left}{one_line(timeline.description)}{words.right}"
    central = _centrality(timeline.sentences, embed)
    told: set[str] = set()
    for start, stop in parts(end, max(1, min(count, end // LEAST_PART_MS))):
        said = [(score, s) for score, s in zip(central, timeline.sentences, strict=True) if start <= s.start_ms < stop]
        written = [chunk for chunk in timeline.written if start <= start_of(chunk) < stop]
        shown = [chunk for chunk in timeline.frames if start <= start_of(chunk) < stop]
        pieces = [*_said(said, words), *_written(written, words), *_shown(shown, words, told)]
        if pieces:
            at = min(at for at, _ in pieces)
            text = " ".join(piece for _, piece in pieces)
            yield f"{mark(timeline, at, several=several)} {text}"


def _said(said: Sequence[tuple[float, TimedText]], words: Wording) -> Iterator[tuple[int, str]]:
    if said:
        _, best = max(said, key=lambda one: one[0])
        yield best.start_ms, f"{words.left}{one_line(best.text)}{words.right}"


def _written(written: Sequence[Chunk], words: Wording) -> Iterator[tuple[int, str]]:
    for chunk in written[:1]:
        yield (
            start_of(chunk),
            words.reads.format(f"{words.left}{one_line(chunk.ocr_text or chunk.content)}{words.right}"),
        )


def _shown(shown: Sequence[Chunk], words: Wording, told: set[str]) -> Iterator[tuple[int, str]]:
    """What is seen and was not told of an earlier part: a model's words, else the things that were detected."""
    for chunk in shown:
        if chunk.caption:
            yield start_of(chunk), one_line(chunk.caption).partition(". ")[0].rstrip(".") + "."
            return
    most: Counter[str] = Counter()
    for chunk in shown:
        most |= Counter(found.label for found in chunk.objects)
    fresh = [(label, count) for label, count in most.most_common() if label not in told][:MOST_LABELS]
    told.update(label for label, _ in fresh)
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


def _ms(text: str) -> int:
    seconds = 0
    for number in re.findall(r"\d+", text):
        seconds = 60 * seconds + int(number)
    return 1000 * seconds


def pointed_at(timeline: VideoTimeline, hits: Sequence[Hit]) -> VideoTimeline:
    """The timeline with the moments of hits, best first."""
    return replace(timeline, asked=tuple(hit.chunk for hit in hits))
