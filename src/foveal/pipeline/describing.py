"""Plain chat without a language model: says what the local models see in the images of a conversation, and that it
can do no more.

Every sentence is filled from what was found, so nothing is made up, and words inside an image are quoted, never obeyed.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Final

from foveal.pipeline.describing_phrases import Wish, Wording, wish_of, wording
from foveal.pipeline.findings import ImageFindings
from foveal.retrieval.composing import counted, listed, plural
from foveal.retrieval.fencing import one_line
from foveal.retrieval.tokens import TokenCounter, image_tokens
from foveal.types.chat import Finished, FinishReason, ImageInput, Message, Sampling, TextDelta
from foveal.types.content import DetectedObject, ImageFacts, Usage
from foveal.types.locators import Box
from foveal.types.vectors import Pixels

NAME: Final = "foveal-describer"
_CONTEXT_TOKENS: Final = 16_384
"""It has no window; this is what clients are told."""
_TEXT_CHARACTERS: Final = 300
_WHOLE_TEXT_CHARACTERS: Final = 4_000
_SURE_OF_TEXT: Final = 0.5
_SENTENCE: Final = re.compile(r"\S+\s*")
_OF_THINGS: Final = frozenset({"count", "where", "exists"})
_PEOPLE: Final = frozenset({"people", "persons", "man", "men", "woman", "women", "child", "children", "boy", "girl"})
"""Words of a question for what detectors call `person`."""


class DescribingChat:
    """`ports.ChatModel` that describes.

    Args:
        look: What the local models find in an image.
        classes: What the detector knows, in English; only of these can it be said that they are not there.
        colors: Names of the main colours of pixels, most frequent first.
        detect_language: ISO 639-1 code of a text, empty when it cannot be told.
        tokens: Counts and cuts.
    """

    def __init__(
        self,
        look: Callable[[ImageInput], ImageFindings],
        *,
        classes: Callable[[], Sequence[str]] = tuple,
        colors: Callable[[Pixels], tuple[str, ...]] = lambda _: (),
        detect_language: Callable[[str], str] = lambda _: "",
        tokens: TokenCounter | None = None,
    ) -> None:
        self._look = look
        self._classes = classes
        self._colors = colors
        self._detect_language = detect_language
        self._tokens = tokens or TokenCounter()

    @property
    def identity(self) -> str:
        """Constant."""
        return f"{NAME}/1"

    @property
    def sees(self) -> bool:
        """True."""
        return True

    @property
    def context_tokens(self) -> int:
        """See the constant."""
        return _CONTEXT_TOKENS

    def named(self, question: str) -> list[str]:
        """Things of the kinds that are recognised that a question asks for: whether they are there, how many, where;
        empty where it asks for something else.
        """
        return _named(question, self._classes()) if wish_of(question) in _OF_THINGS else []

    def timed(self, question: str) -> list[str]:
        """Likewise, where it asks when they are there."""
        return _named(question, self._classes()) if wish_of(question) == "when" else []

    async def stream(self, messages: Sequence[Message], sampling: Sampling) -> AsyncIterator[TextDelta | Finished]:
        """See `ports.ChatModel`: word by word, of the images in the latest message that has any."""
        said, reason = self._limited(await asyncio.to_thread(self._answer, messages), sampling)
        for piece in _SENTENCE.findall(said):
            yield TextDelta(text=piece)
        usage = Usage(prompt_tokens=self._read(messages), completion_tokens=self._tokens.count(said))
        yield Finished(reason=reason, usage=usage, answered=True, model=NAME)

    def _answer(self, messages: Sequence[Message]) -> str:
        asked = [message for message in messages if message.role == "user"]
        question = asked[-1].text if asked else ""
        words = wording(self._detect_language(question) if question.strip() else "en")
        images = next((message.images for message in reversed(asked) if message.images), ())
        if not images:
            return words.alone
        wish, named = wish_of(question), _named(question, self._classes())
        if wish in _OF_THINGS and not named:
            wish = "other"
        said = []
        for number, image in enumerate(images, 1):
            seen = _Seen(image, self._look(image), words, self._colors)
            head = f"{words.picture.format(number)} " if len(images) > 1 else ""
            said.append(head + " ".join(seen.answer(wish, named)))
        return "\n".join([*said, words.limits] if wish == "other" else said)

    def _limited(self, text: str, sampling: Sampling) -> tuple[str, FinishReason]:
        ends = [text.find(stop) for stop in sampling.stop if stop and stop in text]
        text = text[: min(ends)] if ends else text
        if sampling.max_tokens is None or self._tokens.count(text) <= sampling.max_tokens:
            return text, "stop"
        return self._tokens.cut(text, sampling.max_tokens), "length"

    def _read(self, messages: Sequence[Message]) -> int:
        """Tokens of the prompt; images by the documented formula."""
        images = (image for message in messages for image in message.images)
        of_images = sum(
            image_tokens(
                image.facts.width_px if image.facts else image.pixels.shape[1],
                image.facts.height_px if image.facts else image.pixels.shape[0],
                image.detail,
            )
            for image in images
        )
        return of_images + sum(self._tokens.count(message.text) for message in messages)


class _Seen:
    """What can be said of one image."""

    def __init__(
        self, image: ImageInput, found: ImageFindings, words: Wording, colors: Callable[[Pixels], tuple[str, ...]]
    ) -> None:
        self._image = image
        self._words = words
        self._colors_of = colors
        self._objects = found.detections.objects if found.detections else ()
        self._tags = [tag.label for tag in found.tags]
        self._text = "\n".join(line.text for line in found.ocr_lines if line.score >= _SURE_OF_TEXT)

    def answer(self, wish: Wish, named: Sequence[str]) -> Iterator[str]:
        """Sentences, at least one; of the classes named where the question is about them."""
        if wish == "text":
            yield self._reads(_WHOLE_TEXT_CHARACTERS) or self._words.no_text
        elif wish == "when":
            yield self._taken() or self._words.no_facts
        elif wish == "color":
            yield from self._colors(named)
        elif wish in _OF_THINGS:
            yield from self._things_named(named)
        else:
            yield from self._description()

    def _description(self) -> Iterator[str]:
        looks = [tag for tag in self._tags if tag not in {thing.label for thing in self._objects}]
        sentences = (
            self._sees(self._objects),
            self._words.likely.format(", ".join(looks)) if looks else "",
            self._reads(_TEXT_CHARACTERS),
            self._words.colors.format(", ".join(self._main_colors())) if self._main_colors() else "",
            self._taken(),
        )
        said = [sentence for sentence in sentences if sentence]
        yield from said if self._objects or looks or self._text else [self._words.nothing, *said]

    def _things_named(self, named: Sequence[str]) -> Iterator[str]:
        found = [thing for thing in self._objects if thing.label in named]
        if found:
            yield self._sees(found)
        missing = [label for label in named if label not in {thing.label for thing in found}]
        if missing:
            yield self._words.none_of.format(", ".join(missing))

    def _colors(self, named: Sequence[str]) -> Iterator[str]:
        for thing in self._objects:
            if thing.label in named and (colors := self._colors_of(_cut(self._image.pixels, thing.box))):
                yield f"{thing.label} ({self._place(thing)}): {', '.join(colors)}."
        if not any(thing.label in named for thing in self._objects):
            colors = self._main_colors()
            yield self._words.colors.format(", ".join(colors)) if colors else self._words.nothing

    def _sees(self, things: Sequence[DetectedObject]) -> str:
        counts = Counter(thing.label for thing in things)
        said = [f"{counted(label, count)} ({self._places(things, label)})" for label, count in counts.items()]
        together = listed(said) if self._words is wording("en") else ", ".join(said)
        return self._words.sees.format(together) if said else ""

    def _places(self, things: Sequence[DetectedObject], label: str) -> str:
        return ", ".join(dict.fromkeys(self._place(thing) for thing in things if thing.label == label))

    def _place(self, thing: DetectedObject) -> str:
        box = thing.box
        column = min(2, int(3 * (box.x + box.width / 2)))
        row = min(2, int(3 * (box.y + box.height / 2)))
        return self._words.places[3 * row + column]

    def _reads(self, characters: int) -> str:
        text = one_line(self._text)
        short = text if len(text) <= characters else f"{text[:characters].rpartition(' ')[0] or text[:characters]}…"
        return self._words.reads.format(f"{self._words.left}{short}{self._words.right}") if text else ""

    def _main_colors(self) -> tuple[str, ...]:
        facts = self._image.facts
        return facts.colors if facts and facts.colors else self._colors_of(self._image.pixels)

    def _taken(self) -> str:
        facts = self._image.facts
        said = ", ".join(_facts(facts)) if facts else ""
        return self._words.taken.format(said) if said else ""


def _named(question: str, classes: Sequence[str]) -> list[str]:
    """Classes that a question names, in one or in many, by the whole name or by its last word ("ball")."""
    asked = question.casefold()
    found = [label for label in classes if _is_named(label, asked, classes)]
    if "person" in classes and "person" not in found and _PEOPLE & set(re.findall(r"\w+", asked)):
        found.append("person")
    return found


def _is_named(label: str, asked: str, classes: Sequence[str]) -> bool:
    last = label.rpartition(" ")[2]
    names = (label,) if last in classes else (label, last)
    return any(re.search(rf"\b(?:{re.escape(name)}|{re.escape(plural(name))})\b", asked) for name in names)


def _facts(facts: ImageFacts) -> Iterator[str]:
    if facts.taken_at:
        yield facts.taken_at.strftime("%Y-%m-%d %H:%M")
    if facts.latitude is not None and facts.longitude is not None:
        north, east = "N" if facts.latitude >= 0 else "S", "E" if facts.longitude >= 0 else "W"
        yield f"{abs(facts.latitude):.2f}° {north}, {abs(facts.longitude):.2f}° {east}"
    if facts.camera:
        yield facts.camera


def _cut(pixels: Pixels, box: Box) -> Pixels:
    """The part of the image inside a box, at least one pixel."""
    height, width = pixels.shape[:2]
    left, top = min(int(box.x * width), width - 1), min(int(box.y * height), height - 1)
    right, bottom = max(left + 1, int((box.x + box.width) * width)), max(top + 1, int((box.y + box.height) * height))
    return pixels[top:bottom, left:right]
