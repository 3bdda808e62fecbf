"""A video or a recording becomes moments on one timeline: what is shown, what is to be read, what is said."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from foveal.pipeline.places import Place
from foveal.pipeline.screen_text import ScreenText, ScreenTexts
from foveal.pipeline.understand import SpeechUnderstanding, TextUnderstanding
from foveal.pipeline.words import words_to_embed
from foveal.retrieval.gluing import Parted, not_parted, parts_in
from foveal.retrieval.moments import timed_title
from foveal.retrieval.passages import Passage, passages, sentences
from foveal.retrieval.sounds import only_said
from foveal.types.chunks import Chunk, Feature
from foveal.types.content import ImageContent, OcrLine, SoundContent, SubtitleContent
from foveal.types.locators import Locator
from foveal.types.speech import TimedText

NOBODY_SPEAKS = "Nobody is heard speaking in it."
_NOTHING = "There is nothing in it but its name."
FrameLook = Callable[[ImageContent], tuple[Chunk, tuple[OcrLine, ...]]]
"""Of a frame, its chunk as if it were an image without text, and the text read in it."""
_ORDER = (Feature.NONE, Feature.SPEECH, Feature.SCREEN_TEXT, Feature.VISION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """How words get onto a timeline.

    Attributes:
        speech: What listens; None: nobody does.
        silence: Why nobody listens, in words; empty where it is by choice.
        read_subtitles: The lines of a file of subtitles, in order of time; empty when there are none in it.
    """

    speech: SpeechUnderstanding | None = None
    silence: str = ""
    read_subtitles: Callable[[bytes], tuple[TimedText, ...]] = lambda _: ()

    @property
    def recipe(self) -> str:
        """Identity of what listens."""
        return self.speech.recipe if self.speech else "nobody"


@dataclass(slots=True)
class Timeline:
    """The moments of one file while it is read.

    Attributes:
        subtitles: Taken in place of what is heard; None when there are none.
        description: A person's words on the whole of it.
        parted: Tells words on the screen that have no blank between them.
    """

    place: Place
    look: FrameLook
    texts: TextUnderstanding
    listening: Listening
    detect_language: Callable[[str], str]
    subtitles: tuple[TimedText, ...] | None = None
    description: str = ""
    parted: Parted = not_parted
    warnings: list[str] = field(default_factory=list)
    _frames: list[Chunk] = field(default_factory=list)
    _written: list[Chunk] = field(default_factory=list)
    _said: list[tuple[TimedText, str]] = field(default_factory=list)
    _screen: ScreenTexts = field(default_factory=ScreenTexts)
    _written_in: str = ""
    _heard: bool = False
    _end_ms: int = 0

    def see(self, frame: ImageContent) -> None:
        """One more key frame."""
        self.warnings.extend(frame.warnings)
        chunk, lines = self.look(frame)
        start_ms = frame.locator.start_ms or 0
        title = timed_title(self.place.name, start_ms)
        self._frames.append(replace(chunk, kind=self.place.asset.kind, feature=Feature.VISION, title=title))
        self._written.extend(map(self._screen_chunk, self._screen.see(frame, lines)))
        self._end_ms = max(self._end_ms, frame.locator.end_ms or 0)

    def read(self, subtitles: SubtitleContent) -> None:
        """Subtitles inside the file: taken in place of what is heard, unless there are some beside it."""
        if self.subtitles is None:
            self.subtitles, self._written_in = subtitles.lines, subtitles.language

    def hear(self, sound: SoundContent) -> None:
        """One more stretch of sound."""
        self.warnings.extend(sound.warnings)
        self._end_ms = max(self._end_ms, sound.locator.end_ms or 0)
        self._heard = True
        if self.subtitles is not None or self.listening.speech is None:
            return
        transcript = self.listening.speech.transcribe(sound.samples)
        begin_ms = sound.locator.start_ms or 0
        words = (_shifted(word, begin_ms) for word in transcript.words)
        self._said.extend((sentence, transcript.language) for sentence in only_said(sentences(words)))

    def chunks(self) -> list[Chunk]:
        """All moments, in order of time; with a person's words on it, one on the whole first."""
        self._written.extend(map(self._screen_chunk, self._screen.end()))
        if self.subtitles is not None:
            lines = list(only_said(self.subtitles))
            language = self._written_in or self.detect_language(" ".join(line.text for line in lines))
            self._said = [(line, language) for line in lines]
        spoken = list(passages(self._said))
        self._say_what_is_missing(spoken)
        found = [*self._whole(), *self._spoken_chunks(spoken), *self._written, *self._frames]
        if not found:
            found = [self._chunk(Feature.NONE, self.place.name, self._span(0, self._end_ms))]
            self.warnings.append(_NOTHING)
        found.sort(key=lambda chunk: (chunk.locator.start_ms or 0, _ORDER.index(chunk.feature)))
        return [replace(c, ordinal=i, chunk_id=self.place.chunk_id(i)) for i, c in enumerate(found)]

    def _say_what_is_missing(self, spoken: Sequence[Passage]) -> None:
        if self.listening.speech is None and self._heard and self.subtitles is None and self.listening.silence:
            self.warnings.append(self.listening.silence)
        elif self._heard and not spoken:
            self.warnings.append(NOBODY_SPEAKS)

    def _whole(self) -> Iterator[Chunk]:
        if self.description:
            chunk = self._chunk(Feature.NONE, self.description, self._span(0, self._end_ms))
            vector = self.texts.embed([self.description])[0]
            yield replace(chunk, title=self.place.name, description=self.description, text_vector=vector)

    def _spoken_chunks(self, spoken: Sequence[Passage]) -> Iterator[Chunk]:
        vectors = self.texts.embed([passage.text for passage in spoken])
        # Which sentence speaks for a question is told by vectors that are then in the cache.
        self.texts.embed([s.text for passage in spoken for s in passage.sentences if len(passage.sentences) > 1])
        for passage, vector in zip(spoken, vectors, strict=True):
            chunk = self._chunk(Feature.SPEECH, passage.text, self._span(passage.start_ms, passage.end_ms))
            language = passage.language or self.detect_language(passage.text)
            yield replace(chunk, sentences=passage.sentences, language=language, text_vector=vector)

    def _screen_chunk(self, text: ScreenText) -> Chunk:
        frame = text.first.locator
        span = Locator(start_ms=text.start_ms, end_ms=text.end_ms, frame_ms=frame.frame_ms)
        both = "\n".join(filter(None, (text.text, parts_in(text.text, self.parted))))
        chunk = self._chunk(Feature.SCREEN_TEXT, both, span)
        embedded = words_to_embed("", "", text.text)
        return replace(
            chunk,
            ocr_text=text.text,
            ocr_lines=text.lines,
            width_px=text.first.facts.width_px,
            height_px=text.first.facts.height_px,
            text_vector=self.texts.embed([embedded])[0] if embedded else None,
        )

    def _chunk(self, feature: Feature, text: str, locator: Locator) -> Chunk:
        title = timed_title(self.place.name, locator.start_ms or 0)
        chunk = self.place.chunk(0, text, locator, title=title)
        return replace(chunk, feature=feature, language=self.detect_language(text))

    def _span(self, start_ms: int, end_ms: int) -> Locator:
        """With the frame that is on the screen at the start, else the first there is."""
        starts = [frame.locator.start_ms or 0 for frame in self._frames]
        place = max(bisect_right(starts, start_ms) - 1, 0)
        frame_ms = self._frames[place].locator.frame_ms if self._frames else None
        return Locator(start_ms=start_ms, end_ms=end_ms, frame_ms=frame_ms)


def ordered(lines: Iterable[TimedText]) -> tuple[TimedText, ...]:
    """Lines in order of time."""
    return tuple(sorted(lines, key=lambda line: (line.start_ms, line.end_ms)))


def _shifted(word: TimedText, by_ms: int) -> TimedText:
    return TimedText(text=word.text, start_ms=word.start_ms + by_ms, end_ms=word.end_ms + by_ms)
