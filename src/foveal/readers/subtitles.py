"""Subtitles: SubRip (`.srt`, as VLC and FFmpeg read it) and WebVTT (W3C, 2019).

The two need not be told apart: a line with an arrow between two times begins a cue, and the text up to the next empty
line is what is said. So numbers may be missing or wrong, cues out of order and times with comma or point.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from foveal.readers.encodings import decode_text
from foveal.types.speech import TimedText

LONGEST_MS = 7 * 24 * 3600 * 1000
_TIME = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,3}))?"
_CUE = re.compile(rf"^\s*{_TIME}\s*-->\s*{_TIME}")
_MARKUP = re.compile(r"<[^<>]{0,200}>|\{\\[^{}]{0,200}\}")
_NOT_SAID = re.compile(r"^\s*(?:NOTE|STYLE|REGION)\b")


def read_subtitles(data: bytes) -> tuple[TimedText, ...]:
    """Lines in order of time, without markup; those of the same time and words once.

    Args:
        data: The file, in whatever encoding; what is no text, or has no cue, gives nothing.
    """
    try:
        text, _ = decode_text(data)
    except ValueError:
        return ()
    found = {(line.start_ms, line.text): line for line in _cues(text)}
    return tuple(sorted(found.values(), key=lambda line: (line.start_ms, line.end_ms)))


def without_markup(text: str) -> str:
    """A line's words: without tags, overrides of ASS (in braces), entities and needless blanks."""
    return " ".join(html.unescape(_MARKUP.sub("", text)).split())


def _cues(text: str) -> Iterator[TimedText]:
    times: tuple[int, int] | None = None
    said: list[str] = []
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, line in enumerate(lines):
        match = _CUE.match(line)
        if match is None and line.strip():
            said.append(line)
            continue
        if match is not None and said and said[-1].strip().isdigit() and not _ends_here(lines, number):
            said.pop()  # the number of this cue, after a cue without an empty line
        yield from _cue(times, said)
        times, said = (_times(match), []) if match else (None, [])
    yield from _cue(times, said)


def _ends_here(lines: list[str], number: int) -> bool:
    return number < 2 or not lines[number - 1].strip()


def _cue(times: tuple[int, int] | None, said: list[str]) -> Iterator[TimedText]:
    if times is None or not said or _NOT_SAID.match(said[0]):
        return
    text = without_markup(" ".join(said))
    if text and times[0] <= LONGEST_MS:
        yield TimedText(text=text, start_ms=times[0], end_ms=max(times))


def _times(match: re.Match[str]) -> tuple[int, int]:
    return _ms(*match.groups()[:4]), _ms(*match.groups()[4:])


def _ms(hours: str | None, minutes: str, seconds: str, fraction: str | None) -> int:
    thousandths = int((fraction or "0").ljust(3, "0"))
    return ((int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + thousandths
