"""Alignment: which words of an answer name something that was seen in an image, and where that is.

Objects: names of detected classes, their synonyms and narrower words, singular and plural, are looked for as whole
words. "Two dogs" gives two spans, the surest two dogs; "dogs" gives all of them; "a dog … another dog" gives one and
then the next; "the dog" is the one that was meant before. What is said not to be there ("no dogs") is not looked for.

Text: runs of words of one line that the answer repeats, in any case, with the part of the line they stand on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from foveal.retrieval.object_words import ALWAYS_MANY, AS_ONE, NOT_BEFORE, SYNONYMS, plurals, words_of
from foveal.retrieval.object_words_abroad import named_abroad
from foveal.types.chat import GroundedSpan
from foveal.types.content import DetectedObject, OcrLine
from foveal.types.locators import Box, Polygon

MOST_SPANS: Final = 256
_NUMBERS: Final = {
    word: number
    for number, words in enumerate(
        (("one", "single"), ("two", "both", "pair"), ("three",), ("four",), ("five",), ("six",), ("seven",), ("eight",),
         ("nine",), ("ten",)), start=1,
    )
    for word in words
}  # fmt: skip
_STARTS: Final = "and|or|the|an?|of|with|in|on|at|to|by|near|is|are|his|her|their|its|some|one|another"
_ADJECTIVES: Final = rf"(?:\s+(?!(?:{_STARTS})\b)[\w'-]+){{0,3}}\s*$"
"""At most three words between a number and a name, none of which begins something else."""
_QUANTITY: Final = re.compile(rf"\b({'|'.join(_NUMBERS)}|\d{{1,3}})(?:\s+of)?{_ADJECTIVES}", re.IGNORECASE)
"""Such as "two", "3", "a pair of", "two large brown"."""
_ANOTHER: Final = re.compile(rf"\b(?:an?|another|second|other|third){_ADJECTIVES}", re.IGNORECASE)
_NONE: Final = re.compile(
    r"\b(?:no|not an?|not any|without(?: an?| any)?|neither)(?:\s+[\w'-]+){0,1}\s*$", re.IGNORECASE
)
_CALLED_UPON: Final = 0.25
"""Least score of a doubtful object that an answer's words may mean. On the captions of 80 photographs .25 and .35 find
a quarter more of the named objects than sure ones alone; of ten spans seven are right, not eight."""
_LIKELY: Final = 0.35
"""Score of a doubtful object from which a plural means it too."""
_SAME_THING: Final = 0.45
"""Intersection over union from which a doubtful object is a better one of its class again."""
_SURELY_SAME: Final = 0.75
"""From here on it is so even if the answer counts more of them than lie apart: one dog before another is not."""
_REACH: Final = 48
"""Characters before a name in which its number is looked for."""
_SENTENCE_END: Final = re.compile(r"[.!?;:,\n]")
_HEAD: Final = re.compile(r"^\W*[^\W\d]{2,12}\s*#?(\d{1,2})\W?\s*[:：]", re.MULTILINE)
"""A line that says which image it is about: "Picture 2:", "**Image 1**:", "Bild 3:"."""
_WORD: Final = re.compile(r"\w+(?:['.,:/@-]\w+)*")
_LEAST_LONE_CHARACTERS: Final = 4
"""Of a word that is repeated by itself out of a longer line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen in one image.

    Attributes:
        objects: In any order.
        doubtful: Less sure ones, which the answer's own words call upon: that it names a thing speaks for them.
    """

    objects: tuple[DetectedObject, ...] = ()
    doubtful: tuple[DetectedObject, ...] = ()
    lines: tuple[OcrLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A name of a class, by code points: `count` things are meant, None for all; `fresh` ones where they are newly
    introduced.
    """

    start: int
    end: int
    label: str
    count: int | None
    fresh: bool


@dataclass(slots=True)
class _Introduced:
    """Of one class in one image, best first, and how many the answer has introduced.

    Attributes:
        behind: Doubtful ones that lie so much on better ones that they may be them: for an answer that counts more.
        several: How many of them a plural without a number means.
    """

    objects: list[DetectedObject]
    behind: list[DetectedObject] = field(default_factory=list)
    several: int = 0
    used: int = 0
    last: list[DetectedObject] = field(default_factory=list)


def align(answer: str, images: Sequence[Seen]) -> tuple[GroundedSpan, ...]:
    """Spans of the answer with the places of what they name, in order of offset, then of image; one an instance.

    `text` of a span is the answer's own words there in lower case; offsets and lengths count Unicode code points. At
    most 256 spans.
    """
    spans = [
        replace(span, offset=start + span.offset)
        for number, seen in enumerate(images)
        for start, end in (_about(answer, number) if len(images) > 1 else ((0, len(answer)),))
        for span in _of_one(answer[start:end], number, seen)
    ]
    return tuple(sorted(spans, key=lambda span: (span.offset, span.image))[:MOST_SPANS])


def _about(answer: str, image: int) -> Iterator[tuple[int, int]]:
    """The parts of an answer that may be about an image: lines under "Picture 2:" are about the second alone."""
    starts = [(0, None), *((head.end(), int(head.group(1)) - 1) for head in _HEAD.finditer(answer))]
    ends = [*(head.start() for head in _HEAD.finditer(answer)), len(answer)]
    for (start, about), end in zip(starts, ends, strict=True):
        if about in {None, image}:
            yield start, end


def _of_one(answer: str, image: int, seen: Seen) -> Iterator[GroundedSpan]:
    for start, end, polygon in (*_objects(answer, seen), *_texts(answer, seen.lines)):
        words = answer[start:end]
        lower = words.lower() if len(words.lower()) == len(words) else words
        yield GroundedSpan(text=lower, offset=start, length=end - start, image=image, polygon=polygon)


def _objects(answer: str, seen: Seen) -> Iterator[tuple[int, int, Polygon]]:
    by_label = _by_label(seen)
    if not by_label:
        return
    for mention in mentions(answer, tuple(sorted(by_label))):
        for found in _meant(by_label[mention.label], mention):
            yield mention.start, mention.end, polygon_of(found.box)


def _by_label(seen: Seen) -> dict[str, _Introduced]:
    by_label: dict[str, _Introduced] = {}
    for found in sorted(seen.objects, key=lambda one: -one.score):
        by_label.setdefault(found.label, _Introduced([])).objects.append(found)
    sure = {label: len(known.objects) for label, known in by_label.items()}
    called_upon = (one for one in seen.doubtful if one.score >= _CALLED_UPON)
    for found in sorted(called_upon, key=lambda one: -one.score):
        known = by_label.setdefault(found.label, _Introduced([]))
        most = max((overlap(found.box, one.box) for one in known.objects), default=0.0)
        if most <= _SAME_THING:
            known.objects.append(found)
        elif most <= _SURELY_SAME:
            known.behind.append(found)
    for label, known in by_label.items():
        likely = sum(one.score >= _LIKELY for one in known.objects)
        known.several = max(sure.get(label, 0), likely, min(2, len(known.objects)))
    return by_label


def _meant(known: _Introduced, mention: Mention) -> list[DetectedObject]:
    before = known.used if mention.fresh and mention.count == 1 else 0  # "a dog and another dog"
    missing = before + (mention.count or 0) - len(known.objects)
    if missing > 0:
        known.objects += known.behind[:missing]
        del known.behind[:missing]
    if mention.count is None:
        known.last, known.used = known.objects[: known.several], max(known.used, known.several)
    elif mention.fresh and known.used < len(known.objects):
        start = known.used if mention.count == 1 else 0
        known.last = known.objects[start : start + mention.count]
        known.used = max(known.used, start + len(known.last))
    elif not known.last or mention.count > 1:
        known.last = known.objects[: mention.count]
        known.used = max(known.used, len(known.last))
    elif len(known.last) > 1:
        known.last = known.last[:1]
    return known.last


def mentions(text: str, labels: tuple[str, ...], *, languages: Set[str] | None = None) -> list[Mention]:
    """Mentions of these classes in any language that is known, in order; English gives way where two meet in a word.

    Args:
        languages: See `named_abroad`.
    """
    abroad = [
        Mention(start=one.start, end=one.end, label=one.label, count=one.count, fresh=one.fresh)
        for one in named_abroad(text, languages)
    ]
    english = _in_english(text, labels)
    apart = [one for one in english if not any(one.start < other.end and other.start < one.end for other in abroad)]
    return sorted(
        (one for one in (*abroad, *apart) if one.label in labels), key=lambda one: (one.start, one.end, one.label)
    )


def _in_english(answer: str, labels: tuple[str, ...]) -> Iterator[Mention]:
    pattern, names = _names(labels)
    for match in pattern.finditer(answer):
        label, many = names[" ".join(match.group().lower().split())]
        clause = _SENTENCE_END.split(answer[max(0, match.start() - _REACH) : match.start()])[-1]
        if label not in labels or _NONE.search(clause):
            continue
        quantity = _QUANTITY.search(clause)
        number = _number(quantity.group(1)) if quantity else None
        if number is None and not many:
            number = 1
        fresh = quantity is not None or _ANOTHER.search(clause) is not None
        yield Mention(start=match.start(), end=match.end(), label=label, count=number, fresh=fresh)


def _number(word: str) -> int:
    return int(word) if word.isdecimal() else _NUMBERS[word.lower()]


@lru_cache(maxsize=64)
def _names(labels: tuple[str, ...]) -> tuple[re.Pattern[str], dict[str, tuple[str, bool]]]:
    """A pattern for every known name, longest first so that a hot dog is no dog, and what each means: class, plural.

    Names of classes that were not detected match too, and so keep their words from naming something else.
    """
    names: dict[str, tuple[str, bool]] = {}
    for label in (*labels, *(label for label in SYNONYMS if label not in labels)):
        for word in words_of(label.lower()):
            names.setdefault(word, (label, word in ALWAYS_MANY or word in AS_ONE))
            for form in plurals(word):
                names.setdefault(form, (label, True))
    longest = sorted(names, key=lambda name: (-len(name), name))
    listed = "|".join(re.escape(name).replace(r"\ ", r"\s+") for name in longest)
    return re.compile(rf"\b(?:{listed})\b(?!\s+(?:{'|'.join(NOT_BEFORE)})\b)", re.IGNORECASE), names


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, 0..1."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    shared = max(0.0, width) * max(0.0, height)
    return shared / max(1e-9, one.width * one.height + other.width * other.height - shared)


def polygon_of(box: Box) -> Polygon:
    """The corners of a box, clockwise from top left."""
    right, bottom = box.x + box.width, box.y + box.height
    return ((box.x, box.y), (right, box.y), (right, bottom), (box.x, bottom))


def _texts(answer: str, lines: Sequence[OcrLine]) -> Iterator[tuple[int, int, Polygon]]:
    """Runs of words of each line that the answer repeats, every time it does."""
    said = [(match.group().casefold(), match.start(), match.end()) for match in _WORD.finditer(answer)]
    for line in lines:
        words = list(_WORD.finditer(line.text))
        read = [word.group().casefold() for word in words]
        place = 0
        while place < len(said):
            first, length = _run(read, [word for word, _, _ in said[place : place + len(read)]])
            start, end = said[place][1], said[place + max(length, 1) - 1][2]
            if length and _tells(answer[start:end], line.text, length, len(read)):
                yield start, end, part_of_line(line, words[first].start(), words[first + length - 1].end())
            place += max(length, 1)


def _run(read: Sequence[str], said: Sequence[str]) -> tuple[int, int]:
    """Where in `read` the longest beginning of `said` stands, and how many words it has."""
    best = (0, 0)
    for first in range(len(read)):
        length = 0
        while length < len(said) and first + length < len(read) and read[first + length] == said[length]:
            length += 1
        best = max(best, (first, length), key=lambda run: run[1])
    return best


def _tells(words: str, line: str, length: int, whole: int) -> bool:
    """Whether repeating these words must mean the line: not every "the" of an answer quotes every line with one.

    Several words do, and one that is a whole line or long where it is written as in the image and is no plain
    lower-case word.
    """
    if length > 1:
        return len(words) >= _LEAST_LONE_CHARACTERS
    characters = sum(map(str.isalnum, words))
    marked = any(c.isdigit() for c in words) or (words in line and words != words.lower()) or not words.isascii()
    return characters >= (2 if length == whole else _LEAST_LONE_CHARACTERS) and marked


def part_of_line(line: OcrLine, start: int, end: int) -> Polygon:
    """The part of a line's polygon under some of its characters, taken as equally wide."""
    if len(line.polygon) != 4 or not line.text:
        return line.polygon
    left_top, right_top, right_bottom, left_bottom = line.polygon
    low, high = start / len(line.text), end / len(line.text)
    return (
        _between(left_top, right_top, low),
        _between(left_top, right_top, high),
        _between(left_bottom, right_bottom, high),
        _between(left_bottom, right_bottom, low),
    )


def _between(start: tuple[float, float], end: tuple[float, float], share: float) -> tuple[float, float]:
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share
