"""Answers about videos without a language model: quotes with their times, and what is to be read on the screen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from foveal.pipeline.describing_phrases import wording
from foveal.pipeline.video_timelines import VideoTimeline, start_of
from foveal.retrieval.fencing import one_line
from foveal.retrieval.moments import clock, place_in_words
from foveal.types.chat import Document
from foveal.types.chunks import Chunk, Feature
from foveal.types.search import Hit
from foveal.types.speech import TimedText

MOST_WRITTEN: Final = 12
MOST_CONTINUED: Final = 3
_QUOTES: Final = "”»」“\"' "
_ASKS: Final = ("?", "？", "؟")
_ENDS: Final = (*_ASKS, ".", "!", "。", "！")
_VIDEO = r"(?:video|clip|film|movie|recording|talk|footage|vídeo|vidéo|película|aufnahme)s?"
_SUMMARY: Final = re.compile(
    rf"\b(?:main|key) (?:points?|ideas?|messages?)\b|\btakeaways?\b|\bhighlights?\b|\bhauptpunkte"
    rf"|\bdescri|\bsummar|\boverview\b|\btl;?dr\b|\brecap\b|\bzusammenfass|\bfasse?\b.*\bzusammen|\bbeschreib|\bresum|\brésum"
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
_CLOCK: Final = re.compile(r"(?<![\d:.])(?:\d{1,2}:)?\d{1,3}:[0-5]\d(?![\d:])")
ROUNDING_MS: Final = 999
"""Times that people read off a player have whole seconds."""
_TIMED: Final = re.compile(r"\s*\((?:\d+:)?\d{1,2}:\d{2}\)")


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
                text = f"{words.left}{one_line(chunk.ocr_text)}{words.right}"
                lines.append(f"{text} {mark(timeline, start_of(chunk), several=several)}")
    return "\n".join(lines)


def mark(timeline: VideoTimeline, at_ms: int, *, several: bool) -> str:
    """A time as answers write it."""
    return f"[video {timeline.number} {clock(at_ms)}]" if several else f"[{clock(at_ms)}]"


def documents_of(timelines: Sequence[VideoTimeline], hits: Sequence[Hit]) -> tuple[Document, ...]:
    """Hits as documents for an answerer, numbered from 1."""
    indexes = {timeline.video.document_id: timeline.video.index for timeline in timelines}
    return tuple(
        Document(number=number, index=indexes[hit.chunk.document_id], hit=hit, text=hit.chunk.shown_text)
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
        bare = _TIMED.sub("", _MARK.sub("", given)).removeprefix(f"{place_in_words(chunks[numbers[0]])}: ")
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


def _ms(text: str) -> int:
    seconds = 0
    for number in re.findall(r"\d+", text):
        seconds = 60 * seconds + int(number)
    return 1000 * seconds


def pointed_at(timeline: VideoTimeline, hits: Sequence[Hit], times_ms: Sequence[int] = ()) -> VideoTimeline:
    """The timeline with the moments at times that the question names, and with those of hits, best first."""
    at = [chunk for time_ms in times_ms for chunk in timeline.moments if _covers(chunk, time_ms)]
    return replace(timeline, at=tuple(at), asked=tuple(dict.fromkeys([*at, *(hit.chunk for hit in hits)])))


def _covers(chunk: Chunk, time_ms: int) -> bool:
    return start_of(chunk) <= time_ms + ROUNDING_MS and time_ms <= (chunk.locator.end_ms or 0) + ROUNDING_MS


def times_in(question: str) -> list[int]:
    """Times that a question names as a player shows them (`0:42`, `1:02:07`), in milliseconds."""
    return [_ms(match[0]) for match in _CLOCK.finditer(question)]
