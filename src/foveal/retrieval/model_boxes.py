"""Boxes that a vision model writes into its answer: taken out of the text, and kept as places of their words.

Forms, as the models' own pages have them:

- Qwen-VL, Qwen2-VL: `<ref>dog</ref><box>(x1,y1),(x2,y2)</box>`, and the same with `<|object_ref_start|>`,
  `<|box_start|>` and their ends; in thousandths of the image.
- Qwen2.5-VL, Qwen3-VL: JSON, `[{"bbox_2d": [x1, y1, x2, y2], "label": "dog"}]`, mostly in a fenced block; in pixels of
  the image that was sent, or in thousandths where they would lie outside of it. The labels stand in its place.

Numbers that are all 1 or less are fractions in any form. What only looks like a box stays in the text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from foveal.types.chat import GroundedSpan
from foveal.types.locators import Polygon

_REF: Final = r"(?:<ref>|<\|object_ref_start\|>)(?P<ref>[^<]{1,200})(?:</ref>|<\|object_ref_end\|>)"
_NUMBER: Final = r"\s*(-?\d{1,5}(?:\.\d{1,6})?)\s*"
_CORNERS: Final = rf"\(?{_NUMBER},{_NUMBER}\)?\s*,?\s*\(?{_NUMBER},{_NUMBER}\)?"
_BOX: Final = rf"(?:<box>|<\|box_start\|>)\s*{_CORNERS}\s*(?:</box>|<\|box_end\|>)"
_TAGGED: Final = re.compile(rf"(?:{_REF})?(?P<boxes>(?:\s*{_BOX})+)")
_ONE_BOX: Final = re.compile(_BOX)
_LONE_REF: Final = re.compile(_REF)
_JSON: Final = re.compile(
    r"```(?:json)?\s*(?P<fenced>[\[{].*?[\]}])\s*```|(?P<bare>\[\s*\{\s*\"(?:bbox|label).*?\}\s*\])", re.DOTALL
)
_OPENINGS: Final = ("<ref>", "<box>", "<|object_ref_start|>", "<|box_start|>", "```", '[{"', "[ {", "[\n")
_OPEN_JSON: Final = re.compile(r"```(?:j|js|jso|json)?\s*(?:[\[{].*)?", re.DOTALL)
"""A block that may become boxes."""
_LONGEST_HELD: Final = 20_000
"""Characters after which what began like a box is text."""
_PICTURE: Final = re.compile(r"\b(?:picture|image|bild|photo)\s*#?(\d{1,2})\b", re.IGNORECASE)
_THOUSANDTHS: Final = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSize:
    """Pixels of an image as it was sent to the model."""

    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True)
class _Place:
    """Four numbers, and what they are divided by."""

    numbers: tuple[float, float, float, float]
    in_pixels: bool

    def polygon(self, size: ImageSize) -> Polygon | None:
        """Clockwise from top left, inside the image; None where nothing of it is inside."""
        beyond = max(self.numbers[::2]) > size.width_px or max(self.numbers[1::2]) > size.height_px
        across: float = size.width_px
        down: float = size.height_px
        if max(self.numbers) <= 1:
            across = down = 1.0
        elif not self.in_pixels or (beyond and max(self.numbers) <= _THOUSANDTHS):
            across = down = _THOUSANDTHS
        left, top, right, bottom = (n / (down if i % 2 else across) for i, n in enumerate(self.numbers))
        left, right = sorted((min(max(left, 0.0), 1.0), min(max(right, 0.0), 1.0)))
        top, bottom = sorted((min(max(top, 0.0), 1.0), min(max(bottom, 0.0), 1.0)))
        if left == right or top == bottom:
            return None
        return ((left, top), (right, top), (right, bottom), (left, bottom))


class BoxReader:
    """Reads an answer as it streams: text goes through at once, but for what may be a box.

    Args:
        sizes: Of the request's images.

    Attributes:
        spans: Places so far; offsets are code points of the text that was let through.
    """

    def __init__(self, sizes: Sequence[ImageSize]) -> None:
        self._sizes = sizes
        self._held = ""
        self._said = ""
        self.spans: list[GroundedSpan] = []

    def feed(self, text: str) -> str:
        """The next piece of the answer; what of it and of what was held back is text for certain."""
        self._held += text
        held = _begins_at(self._held)
        if held is not None and len(self._held) - held <= _LONGEST_HELD:
            ready, self._held = self._held[:held], self._held[held:]
        else:
            ready, self._held = self._held, ""
        return self._read(ready)

    def finish(self) -> str:
        """The rest."""
        ready, self._held = self._held, ""
        return self._read(ready)

    def _read(self, text: str) -> str:
        """Text without boxes; remembers their places."""
        start = len(self._said)
        place = 0
        for match, words, boxes in sorted(_found(text), key=lambda one: one[0].start()):
            if match.start() < place:
                continue
            self._said += text[place : match.start()]
            place = match.end()
            self._put(words, boxes)
        self._said += text[place:]
        return self._said[start:]

    def _put(self, words: Sequence[str], boxes: Sequence[Sequence[_Place]]) -> None:
        """Words with their places; boxes without words belong to the word before them."""
        for number, (word, places) in enumerate(zip(words, boxes, strict=True)):
            self._said += ", " if number else ""
            offset = len(self._said)
            self._said += word
            if not word:
                before = re.search(r"([^\W\d][\w'-]*)\W*$", self._said)
                offset, word = (before.start(1), before[1]) if before else (offset, "")  # noqa: PLW2901
            pictures = [int(one[1]) - 1 for one in _PICTURE.finditer(self._said)]
            image = pictures[-1] if pictures and pictures[-1] < len(self._sizes) else 0
            for box in places:
                polygon = box.polygon(self._sizes[image]) if word and self._sizes else None
                if polygon is not None:
                    span = GroundedSpan(
                        text=word.lower(), offset=offset, length=len(word), image=image, polygon=polygon
                    )
                    self.spans.append(span)


def _found(text: str) -> Iterator[tuple[re.Match[str], list[str], list[list[_Place]]]]:
    """Whatever stands for boxes, with its words and the boxes of each."""
    tagged = list(_TAGGED.finditer(text))
    for match in tagged:
        boxes = [_Place(_four(one.groups()), in_pixels=False) for one in _ONE_BOX.finditer(match["boxes"])]
        yield match, [match["ref"] or ""], [boxes]
    for match in _LONE_REF.finditer(text):
        if not any(one.start() <= match.start() < one.end() for one in tagged):
            yield match, [match["ref"]], [[]]
    for match in _JSON.finditer(text):
        in_open_block = match["bare"] is not None and text.count("```", 0, match.start()) % 2
        labelled = [] if in_open_block else _labelled(match["fenced"] or match["bare"])
        if labelled:
            yield match, [label for label, _ in labelled], [[place] for _, place in labelled]


def _labelled(text: str) -> list[tuple[str, _Place]]:
    """Labels and boxes of JSON; empty where it is about something else."""
    try:
        value: object = json.loads(text)
    except ValueError:
        return []
    found = []
    for one in value if isinstance(value, list) else [value]:
        box = one.get("bbox_2d", one.get("bbox")) if isinstance(one, dict) else None
        label = one.get("label", one.get("text_content")) if isinstance(one, dict) else None
        numbers = isinstance(box, list) and len(box) == 4 and all(isinstance(n, int | float) for n in box)
        if not isinstance(box, list) or not numbers or not isinstance(label, str) or not label.strip():
            return []
        found.append((label.strip(), _Place(_four(box), in_pixels=True)))
    return found


def _four(values: Sequence[object]) -> tuple[float, float, float, float]:
    a, b, c, d = (float(str(value)) for value in values)
    return a, b, c, d


def _begins_at(text: str) -> int | None:
    """Where something begins that may become a box and is not whole yet; None where there is nothing."""
    whole = [match for match, _, _ in _found(text)]
    end = max((match.end() for match in whole), default=0)
    starts = [place for opening in _OPENINGS if (place := text.find(opening, end)) >= 0]
    starts = [place for place in starts if not text.startswith("```", place) or _OPEN_JSON.fullmatch(text, place)]
    for size in range(min(len(text) - end, max(map(len, _OPENINGS)) - 1), 0, -1):
        if any(opening.startswith(text[-size:]) for opening in _OPENINGS):
            starts.append(len(text) - size)
            break
    if whole and whole[-1].end() == len(text.rstrip()):  # more boxes of the same words may follow
        starts.append(whole[-1].start())
    return min(starts, default=None)


def without_places_of(spans: Sequence[GroundedSpan], own: Sequence[GroundedSpan]) -> tuple[GroundedSpan, ...]:
    """The spans of words that have no place by the model itself, and the model's, in order of offset, then of image."""
    taken = [(one.offset, one.offset + one.length) for one in own]
    free = [
        one for one in spans if not any(one.offset < end and start < one.offset + one.length for start, end in taken)
    ]
    return tuple(sorted((*free, *own), key=lambda one: (one.offset, one.image)))
