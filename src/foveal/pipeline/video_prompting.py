"""A conversation about videos as messages for a chat model: transcripts, words on the screen, frames, the question."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from foveal.pipeline.prompting import prompt
from foveal.pipeline.video_timelines import VideoTimeline, start_of
from foveal.retrieval.fencing import Fence, one_line
from foveal.retrieval.grounding import budget, cut_role_information, trim_history
from foveal.retrieval.moments import clock
from foveal.retrieval.spreading import spread_order, spread_times
from foveal.retrieval.tokens import TokenCounter, image_tokens
from foveal.types.chat import ChatRequest, ImageInput, Message
from foveal.types.chunks import Chunk, Feature
from foveal.types.vectors import Pixels

PROMPT_TOKENS = 500
"""What the instructions take, with some room."""
SMALL_PX, FULL_PX = 512, 1024
"""Long sides of frames that show what goes on, and of those that the question is about."""
NEIGHBOURS = 2
"""Sentences before and after one that answers, which say what it is about."""
GAP = "…"

ReadFrames = Callable[[VideoTimeline, Sequence[int], int], list[Pixels]]
"""Frames of a video at these times (ms), their long side at most so many pixels; empty where they cannot be had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameBudget:
    """Frames of all videos of a conversation together.

    Attributes:
        most: How many are shown, at most.
        full: Of these, how many in full resolution.
    """

    most: int
    full: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoPrompter:
    """Makes the messages.

    Attributes:
        context_tokens: Size of the model's window.
        sees: Whether it takes images.
        read: Brings frames.
        may_show: Whether a moment's frame may be shown to a model.
    """

    tokens: TokenCounter
    context_tokens: int
    sees: bool
    frames: FrameBudget
    read: ReadFrames
    may_show: Callable[[Chunk], bool] = lambda _: True

    def messages(self, request: ChatRequest, timelines: Sequence[VideoTimeline]) -> list[Message]:
        """Instructions, history, each video (words, then frames), the question. It reads frames: seconds."""
        fence, images = Fence(), request.messages[-1].images if self.sees else ()
        own = sum(image_tokens(i.pixels.shape[1], i.pixels.shape[0], i.detail) for i in images)
        shares = budget(
            self.context_tokens, prompt_tokens=PROMPT_TOKENS + own, max_answer_tokens=request.sampling.max_tokens
        )
        role = cut_role_information("", shares.system_tokens, self.tokens, messages=request.messages)
        *history, question = trim_history(request.messages, shares.history_tokens, self.tokens)
        shown = self._frames(timelines, shares.documents_tokens // 2)
        room = shares.documents_tokens - sum(cost for _, cost in shown)
        given = [
            message
            for timeline in timelines
            for message in (
                self._words(timeline, fence, room // len(timelines)),
                *(m for m, _ in shown if m.videos == (timeline.video,)),
            )
        ]
        system = prompt("video").filled(boundary=fence.boundary, role=f"\nAlso:\n{role}" if role else "")
        asked = replace(question, text=f"Question: {question.text or 'Describe this.'}", images=images)
        return [Message(role="system", text=system), *(replace(m, images=()) for m in history), *given, asked]

    def _words(self, timeline: VideoTimeline, fence: Fence, room_tokens: int) -> Message:
        """Everything said and written, cut to the room: what is asked for first, the rest spread over time."""
        lines = list(_lines(timeline, seen=not self.sees))
        kept = self._kept(timeline, lines, room_tokens)
        body, before = [], -1
        for number in sorted(kept):
            if number != before + 1:
                body.append(GAP)
            body.append(lines[number][1])
            before = number
        if lines and before != len(lines) - 1:
            body.append(GAP)
        head = f"video {timeline.number}: {one_line(fence.inside(timeline.video.title))}, {clock(timeline.end_ms)} long"
        about = [f"a person's words on it: {timeline.description}"] if timeline.description else []
        return Message(
            role="user",
            text=fence.around("\n".join([head, *about, *body]), label=f"video {timeline.number}"),
            is_data=True,
        )

    def _kept(self, timeline: VideoTimeline, lines: Sequence[tuple[int, str]], room_tokens: int) -> set[int]:
        starts = {start_of(chunk) for chunk in timeline.asked}
        first = [
            n + step for n, (at, _) in enumerate(lines) if at in starts for step in range(-NEIGHBOURS, NEIGHBOURS + 1)
        ]
        kept: set[int] = set()
        for number in (*first, *spread_order(len(lines))):
            if not 0 <= number < len(lines) or number in kept:
                continue
            room_tokens -= self.tokens.count(lines[number][1]) + 1
            if room_tokens < 0:
                break
            kept.add(number)
        return kept

    def _frames(self, timelines: Sequence[VideoTimeline], room_tokens: int) -> list[tuple[Message, int]]:
        """Frames with their costs in tokens; `videos` of a message says which one it is of."""
        if not self.sees:
            return []
        most = max(1, self.frames.most // len(timelines))
        full = self.frames.full // len(timelines)
        return [
            shown
            for timeline in timelines
            for shown in self._frames_of(timeline, most, full, room_tokens // len(timelines))
        ]

    def _frames_of(self, timeline: VideoTimeline, most: int, full: int, room: int) -> Iterator[tuple[Message, int]]:
        allowed = [c for c in timeline.moments if c.locator.frame_ms is not None and self.may_show(c)]
        asked = [c.locator.frame_ms for c in timeline.asked if c.locator.frame_ms is not None and self.may_show(c)]
        close = list(dict.fromkeys(asked))[:full]
        large, small = image_tokens(FULL_PX, FULL_PX, "high"), image_tokens(SMALL_PX, SMALL_PX, "low")
        close = close[: max(0, (room - small) // large)]
        most = min(most, len(close) + max(1, (room - len(close) * large) // small))
        known = [c.locator.frame_ms for c in allowed if c.feature is Feature.VISION and c.locator.frame_ms is not None]
        times = spread_times(known, close, most)
        pictures = {}
        for long_side_px, wanted in ((FULL_PX, sorted(close)), (SMALL_PX, [t for t in times if t not in close])):
            read = self.read(timeline, wanted, long_side_px) if wanted else []
            pictures.update(dict(zip(wanted, read, strict=False)))
        for at_ms in times:
            if at_ms in pictures:
                image = _image(pictures[at_ms], full=at_ms in close)
                text = f"Frame of video {timeline.number} at [{clock(at_ms)}]:"
                cost = large if at_ms in close else small
                yield Message(role="user", text=text, images=(image,), videos=(timeline.video,), is_data=True), cost


def _lines(timeline: VideoTimeline, *, seen: bool) -> Iterator[tuple[int, str]]:
    """Lines of a timeline with their times; what is seen in frames only for a model that sees none."""
    found = [(s.start_ms, f"[{clock(s.start_ms)}] said: {s.text.strip()}") for s in timeline.sentences]
    for chunk in timeline.written:
        at = start_of(chunk)
        found.append((at, f"[{clock(at)}] on the screen: {one_line(chunk.ocr_text)}"))
    for chunk in timeline.frames if seen else [c for c in timeline.frames if c.caption]:
        at = start_of(chunk)
        found.append((at, f"[{clock(at)}] shown: {one_line(chunk.caption or chunk.composed)}"))
    yield from sorted(found, key=lambda line: line[0])


def _image(pixels: Pixels, *, full: bool) -> ImageInput:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "JPEG", quality=85)
    return ImageInput(data=file.getvalue(), media_type="image/jpeg", pixels=pixels, detail="high" if full else "low")
