"""Text on the screen, each once: what is read in key frames, merged over time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from foveal.types.content import ImageContent, OcrLine

LEAST_SCORE = 0.6
LEAST_LETTERS = 3
"""Of a whole text; less is a guess at a pattern."""
ALIKE = 0.8
"""Ratio of matching characters from which two lines are the same, read twice (`difflib.SequenceMatcher.ratio`)."""
MISSED = 1
"""Key frames in which a line may go unread and still be there."""
_NO_LETTERS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenText:
    """Lines that came onto the screen together.

    Attributes:
        lines: In reading order, as they were read first; places are those in the first frame.
        end_ms: When the last of them went.
        first: The first frame that has them.
    """

    lines: tuple[OcrLine, ...]
    start_ms: int
    end_ms: int
    first: ImageContent

    @property
    def text(self) -> str:
        """One line each."""
        return "\n".join(line.text for line in self.lines)


@dataclass(slots=True)
class _Track:
    """One line while it stays."""

    line: OcrLine
    letters: str
    end_ms: int
    missed: int = 0


@dataclass(slots=True)
class _Group:
    """Lines of one first frame, some of which are still there."""

    first: ImageContent
    tracks: list[_Track]

    def closed(self) -> bool:
        return all(track.missed > MISSED for track in self.tracks)


@dataclass(slots=True)
class ScreenTexts:
    """Takes key frames in order of time, gives texts as they go from the screen."""

    _groups: list[_Group] = field(default_factory=list)

    def see(self, frame: ImageContent, lines: tuple[OcrLine, ...]) -> Iterator[ScreenText]:
        """One more key frame, and what is read in it."""
        end_ms = frame.locator.end_ms or 0
        tracks = [track for group in self._groups for track in group.tracks if track.missed <= MISSED]
        for track in tracks:
            track.missed += 1
        new: list[_Track] = []
        for line in lines:
            letters = _NO_LETTERS.sub("", line.text.casefold())
            if not letters or line.score < LEAST_SCORE:
                continue
            known = next((track for track in tracks if track.missed and _is_same(track.letters, letters)), None)
            if known is None:
                new.append(_Track(line, letters, end_ms))
            else:
                known.missed, known.end_ms = 0, end_ms
        yield from self._gone()
        if new:
            self._groups.append(_Group(frame, new))

    def end(self) -> Iterator[ScreenText]:
        """What is still there."""
        for group in self._groups:
            yield from _text(group)
        self._groups.clear()

    def _gone(self) -> Iterator[ScreenText]:
        for group in [group for group in self._groups if group.closed()]:
            self._groups.remove(group)
            yield from _text(group)


def _is_same(left: str, right: str) -> bool:
    if left == right:
        return True
    longest = max(len(left), len(right))
    if min(len(left), len(right)) < ALIKE * longest:
        return False
    return SequenceMatcher(None, left, right, autojunk=False).ratio() >= ALIKE


def _text(group: _Group) -> Iterator[ScreenText]:
    if sum(len(track.letters) for track in group.tracks) >= LEAST_LETTERS:
        yield ScreenText(
            lines=tuple(track.line for track in group.tracks),
            start_ms=group.first.locator.start_ms or 0,
            end_ms=max(track.end_ms for track in group.tracks),
            first=group.first,
        )
