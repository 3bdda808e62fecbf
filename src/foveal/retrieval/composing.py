"""Composing: the description that Foveal puts together for an image nobody has described.

It says what models and the camera found, in plain English, and is never called a caption: no model has *written* it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from foveal.types.content import DetectedObject, ImageFacts, OcrLine, Tag

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_PLURALS = {"person": "people", "mouse": "mice", "knife": "knives", "sheep": "sheep", "man": "men", "woman": "women"}
_PLURALS |= {"child": "children", "fish": "fish", "deer": "deer", "goose": "geese", "leaf": "leaves", "wolf": "wolves"}
_NO_SINGULAR = frozenset({"skis", "scissors", "glasses", "sunglasses", "trousers", "jeans", "binoculars"})
_UNCOUNTED = frozenset({"broccoli", "bread", "water", "grass", "sand", "snow"})
_SIBILANTS = ("s", "x", "z", "ch", "sh")
_MOST_NAMED = 5
"""Kinds of things in a short caption."""
_SURE_OF_TAG = 0.5
"""Probability from which a short caption has a label beside what was detected."""
_TEXT_MAX_CHARS = 300
_TEXT_MIN_SCORE = 0.5


def compose_description(
    tags: Sequence[Tag], objects: Sequence[DetectedObject], ocr_lines: Sequence[OcrLine], facts: ImageFacts
) -> str:
    """One to five short sentences; parts with nothing to say are left out.

    Args:
        tags: Likely labels of the whole image, best first.
        objects: Detected instances, best first.
        ocr_lines: Text seen in it; quoted, as data.
        facts: What needs no model.
    """
    sentences = (_subject(tags, objects, facts), _text_seen(ocr_lines), _colors(facts.colors), _circumstances(facts))
    return " ".join(filter(None, sentences))


def image_content(description: str, caption: str, composed: str, ocr_text: str, tags: Sequence[str]) -> str:
    """What keyword search reads of an image: a person's words, a model's, the composed description, the text seen.

    Tags and text that the other parts already have are not repeated, so that they count once.
    """
    parts = [part for part in (description, caption, composed) if part]
    said = _folded("\n".join(parts))
    missing = [tag for tag in tags if _folded(tag) not in said]
    if missing:
        parts.append(", ".join(missing))
    if ocr_text and _folded(ocr_text) not in said:
        parts.append(ocr_text)
    return "\n".join(parts)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _subject(tags: Sequence[Tag], objects: Sequence[DetectedObject], facts: ImageFacts) -> str:
    noun = "Photo" if facts.camera or facts.taken_at else "Picture"
    counts = Counter(thing.label for thing in objects)  # keeps the order of first appearance, which is best first
    things = listed([counted(label, count) for label, count in counts.items()])
    looks = ", ".join(dict.fromkeys(tag.label for tag in tags if tag.label not in counts))
    if things and looks:
        return f"{noun} with {things}; looks like: {looks}."
    if things:
        return f"{noun} with {things}."
    return f"{noun} that looks like: {looks}." if looks else ""


def short_caption(tags: Sequence[Tag], objects: Sequence[DetectedObject]) -> tuple[str, float]:
    """A few words for what is seen, such as `a person and two dogs`, and how sure the models are of them, 0..1.

    Detected objects, the surest first, then a label of the whole image that is sure and says something else; where
    nothing was detected, the likeliest label. Empty, with 0, for nothing.
    """
    counts = Counter(thing.label for thing in objects)
    best = {thing.label: thing.score for thing in sorted(objects, key=lambda thing: thing.score)}
    said = {word for label in counts for word in label.casefold().split()}
    named = list(counts.items())[:_MOST_NAMED]
    for tag in tags[:1]:
        if not counts or (tag.score >= _SURE_OF_TAG and said.isdisjoint(tag.label.casefold().split())):
            named.append((tag.label, 1))
            best[tag.label] = tag.score
    if not named:
        return "", 0.0
    return listed([counted(label, count) for label, count in named]), sum(best.values()) / len(best)


def counted(label: str, count: int) -> str:
    """`a dog`, `two dogs`, `12 dogs`."""
    if label in _UNCOUNTED or (label in _NO_SINGULAR and count == 1):
        return label
    if count == 1:
        return f"{'an' if label[:1].lower() in 'aeiou' else 'a'} {label}"
    number = _NUMBERS[count] if count < len(_NUMBERS) else str(count)
    return f"{number} {plural(label)}"


def plural(label: str) -> str:
    """`sports balls`, `people`."""
    *before, last = label.split(" ")
    if last in _PLURALS:
        many = _PLURALS[last]
    elif last in _NO_SINGULAR:
        many = last
    elif last.endswith(_SIBILANTS):
        many = last + "es"
    elif last.endswith("y") and last[-2:-1] not in "aeiou":
        many = last[:-1] + "ies"
    else:
        many = last + "s"
    return " ".join([*before, many])


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def _text_seen(lines: Sequence[OcrLine]) -> str:
    text = " ".join(" ".join(line.text.split()) for line in lines if line.score >= _TEXT_MIN_SCORE).strip()
    if not text:
        return ""
    if len(text) > _TEXT_MAX_CHARS:
        whole_words = text[:_TEXT_MAX_CHARS].rpartition(" ")[0]
        text = (whole_words or text[:_TEXT_MAX_CHARS]) + "…"
    return f"Text in the image: “{text}”."


def _colors(colors: Sequence[str]) -> str:
    return f"Mostly {listed(colors)}." if colors else ""


def _circumstances(facts: ImageFacts) -> str:
    parts = []
    if when := facts.taken_at:
        parts.append(f"on {when.day} {_MONTHS[when.month - 1]} {when.year}")
    if facts.camera:
        parts.append(f"with {facts.camera}")
    if facts.latitude is not None and facts.longitude is not None:
        parts.append(f"near {_degrees(facts.latitude, 'N', 'S')}, {_degrees(facts.longitude, 'E', 'W')}")
    return f"Taken {' '.join(parts)}." if parts else ""


def _degrees(value: float, positive: str, negative: str) -> str:
    return f"{abs(value):.2f}° {positive if value >= 0 else negative}"
