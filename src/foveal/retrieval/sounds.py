"""What transcripts and subtitles write of what is heard and not said: “(Applause)”, “[Music]”, “♪”.

As subtitles for the deaf are written (BBC Subtitle Guidelines, "Sound effects" and "Songs"): sounds and speakers in
brackets or in capitals, songs between notes. The words of a song are said; what merely stands in parentheses is too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from foveal.types.speech import TimedText

_NOTES = re.compile("[♩-♬🎵🎶]+")
_BRACKETS = re.compile(r"\[[^\[\]]{0,80}\]|【[^【】]{0,80}】")
_PARENTHESES = re.compile(r"\([^()]{0,80}\)|（[^（）]{0,80}）")
_AFTER_SENTENCE = frozenset(".!?…。！？؟।\"'”’»)）-–—:♪")
_IN_SENTENCE = frozenset(".!?…。！？؟।,;:、，；：")
_LEFT = re.compile(r"^[\s:,;.–—-]+")


def only_said(lines: Iterable[TimedText]) -> Iterator[TimedText]:
    """Lines without the sounds in them; those of which nothing is left are gone."""
    for line in lines:
        if text := without_sounds(line.text):
            yield line if text == line.text else replace(line, text=text)


def without_sounds(text: str) -> str:
    """A line without the sounds in it, empty when there is nothing else; of a song the notes go and the words stay."""
    said = _PARENTHESES.sub(_aside, _BRACKETS.sub(" ", _NOTES.sub(" ", text)))
    if said == text:
        return text
    said = _LEFT.sub("", " ".join(said.split()))
    return said if any(map(str.isalnum, said)) else ""


def _aside(match: re.Match[str]) -> str:
    """Parentheses that are a sound: between sentences, and no sentence themselves; or several words in capitals."""
    inside = match[0][1:-1].strip()
    before, after = match.string[: match.start()].rstrip(), match.string[match.end() :].lstrip()
    begins = not before or before[-1] in _AFTER_SENTENCE
    ends = not after.strip(".!?…") or not (after[0].islower() or after[0] in _IN_SENTENCE)
    alone = begins and ends and inside[-1:] not in _AFTER_SENTENCE
    return " " if alone or not inside or (inside.isupper() and " " in inside) else match[0]
