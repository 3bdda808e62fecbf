"""What is said, from words to sentences to passages of a timeline.

A sentence ends where its writing says so or at a long silence; one that takes more than a breath is cut into its parts,
so that what is found can be played from where it is said. A passage is what fits in about
half a minute: enough for a question to be answered from, short enough to be played.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from foveal.types.speech import TimedText

PASSAGE_MS = 30_000
LONGEST_PASSAGE_MS = 40_000
SHORTEST_PASSAGE_MS = 20_000
SILENCE_MS = 1_500
"""A pause that ends a sentence."""
LONG_SILENCE_MS = 8_000
"""A pause that ends a passage."""
BREATH_MS = 2_500
"""From here on a part may end at a comma."""
LONGEST_PART_MS = 7_000
"""Where it ends at any word."""
LONGEST_SENTENCE_MS = 20_000
"""Parts are joined up to here; who writes without full stops would have one sentence only."""
_PART_ENDS = re.compile(r"[,;:—–،、，；：][\"'”’»)\]]*$")
_ENDS = re.compile(r"[.!?…。！？؟।][\"'”’»)\]]*$")
_ABBREVIATION = re.compile(r"(?:^|\s|\.)(?:mr|mrs|ms|dr|prof|st|vs|etc|e\.g|i\.e|no|z\.b|\w)\.$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Sentences that belong together.

    Attributes:
        language: ISO 639-1 code, empty when it could not be told.
    """

    sentences: tuple[TimedText, ...]
    language: str

    @property
    def text(self) -> str:
        """One sentence a line, parts of one joined again."""
        return joined_text(self.sentences)

    @property
    def start_ms(self) -> int:
        """First millisecond."""
        return self.sentences[0].start_ms

    @property
    def end_ms(self) -> int:
        """Last millisecond."""
        return self.sentences[-1].end_ms


def joined_text(parts: Sequence[TimedText]) -> str:
    """Sentences, and parts of sentences, as they are read: one whole sentence a line."""
    text = ""
    for part in parts:
        text += ("\n" if _ENDS.search(text) else " ") + part.text if text else part.text
    return text


def whole_sentences(parts: Iterable[TimedText]) -> list[TimedText]:
    """Sentences of parts that were cut for a breath or by subtitles, in order of time; a silence ends one too."""
    found: list[TimedText] = []
    held: list[TimedText] = []
    for part in parts:
        if held and (
            _ENDS.search(held[-1].text.rstrip())
            or part.start_ms - held[-1].end_ms >= SILENCE_MS
            or part.end_ms - held[0].start_ms > LONGEST_SENTENCE_MS
        ):
            found.extend(_spaced(held))
            held = []
        held.append(part)
    return [*found, *_spaced(held)]


def _spaced(parts: Sequence[TimedText]) -> Iterator[TimedText]:
    text = " ".join(" ".join(part.text for part in parts).split())
    if text:
        yield TimedText(text=text, start_ms=parts[0].start_ms, end_ms=max(part.end_ms for part in parts))


def sentences(words: Iterable[TimedText]) -> Iterator[TimedText]:
    """Words, in order of time, to sentences and parts of sentences."""
    held: list[TimedText] = []
    for word in words:
        if held and _breaks(held, word):
            yield from _joined(held)
            held = []
        held.append(word)
    if held:
        yield from _joined(held)


def passages(spoken: Iterable[tuple[TimedText, str]]) -> Iterator[Passage]:
    """Sentences, in order of time, each with its language, to passages of `SHORTEST` to `LONGEST_PASSAGE_MS`."""
    held: list[TimedText] = []
    language = ""
    for sentence, spoken_in in spoken:
        if held and (spoken_in != language or _is_full(held, sentence)):
            yield Passage(sentences=tuple(held), language=language)
            held = []
        held.append(sentence)
        language = spoken_in
    if held:
        yield Passage(sentences=tuple(held), language=language)


def _breaks(held: Sequence[TimedText], word: TimedText) -> bool:
    last, written = held[-1], held[-1].text.rstrip()
    if word.start_ms - last.end_ms >= SILENCE_MS or word.end_ms - held[0].start_ms > LONGEST_PART_MS:
        return True
    if _PART_ENDS.search(written):
        return last.end_ms - held[0].start_ms >= BREATH_MS
    if not _ENDS.search(written):
        return False
    return not (written.endswith(".") and _ABBREVIATION.search("".join(w.text for w in held).rstrip()))


def _joined(words: Sequence[TimedText]) -> Iterator[TimedText]:
    text = " ".join("".join(word.text for word in words).split())
    if text:
        yield TimedText(text=text, start_ms=words[0].start_ms, end_ms=max(word.end_ms for word in words))


def _is_full(held: Sequence[TimedText], following: TimedText) -> bool:
    """Whether the passage ends here: it is long, or long enough and a pause follows."""
    length = held[-1].end_ms - held[0].start_ms
    pause = following.start_ms - held[-1].end_ms
    if pause >= LONG_SILENCE_MS or following.end_ms - held[0].start_ms > LONGEST_PASSAGE_MS:
        return True
    return length >= PASSAGE_MS or (length >= SHORTEST_PASSAGE_MS and pause >= SILENCE_MS)
