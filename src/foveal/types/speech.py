"""Speech: who says when what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedText:
    """Words on a timeline: a word, a sentence, a line of subtitles.

    Attributes:
        start_ms: First millisecond.
        end_ms: Last millisecond, at least `start_ms`.
    """

    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What is said in a stretch of sound.

    Attributes:
        language: ISO 639-1 code, empty where nobody speaks or it could not be told.
        words: In order of time, as they are written in a text: a word has its punctuation, and a blank before it where
            the language has blanks. A model that gives no times of words gives longer stretches.
    """

    language: str = ""
    words: tuple[TimedText, ...] = ()

    @property
    def text(self) -> str:
        """All of it, as it is written."""
        return "".join(word.text for word in self.words).strip()
