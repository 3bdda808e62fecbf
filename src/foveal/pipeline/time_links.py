"""Times in an answer that streams: `[00:42]` becomes a link that opens the video there."""

from __future__ import annotations

import re
from collections.abc import Sequence

from foveal.pipeline.streamed_marks import StreamedMarks
from foveal.pipeline.video_timelines import VideoTimeline

_TIME = r"(?:(\d{1,2}):)?(\d{1,3}):(\d{2})"
_MARK = re.compile(
    rf"[\[【(]\s*(?:video\s*(\d{{1,3}})\s*[,:·@]?\s*(?:at\s+)?)?{_TIME}(?:\s*[-–—]\s*(?:\d{{1,2}}:)?\d{{1,3}}:\d{{2}})?\s*[\]】)]",
    re.IGNORECASE,
)
_LONGEST_MARK = 48
_UNSURE = re.compile(rf"[\[【(][^\[\]【】()]{{0,{_LONGEST_MARK}}}\Z")
"""An end of the text so far of which more must be seen: what may become a mark."""


class TimeLinks(StreamedMarks):
    """Turns every form of time that models write into a link in Markdown, and leaves those alone that no video has.

    Known forms: `[00:42]`, `(0:42)`, `【00:42】`, `[1:02:07]`, `[00:42 - 00:50]`, `[video 2 00:42]`,
    `[Video 2, at 00:42]`.
    Text is held back only while it may still become one.

    Args:
        timelines: The videos of the conversation.
    """

    def __init__(self, timelines: Sequence[VideoTimeline]) -> None:
        super().__init__(_MARK, _UNSURE, self._link)
        self._timelines = {timeline.number: timeline for timeline in timelines}

    def _link(self, match: re.Match[str]) -> str:
        number, hours, minutes, seconds = match.groups()
        known = int(number) if number else 1
        at_s = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
        timeline = self._timelines.get(known)
        if timeline is None or (not number and len(self._timelines) > 1) or at_s * 1000 > timeline.end_ms:
            return match[0]
        if not timeline.video.address:
            return match[0]
        shown = match[0][1:-1].strip()
        return f"[{shown}]({timeline.video.address}#t={at_s})"
