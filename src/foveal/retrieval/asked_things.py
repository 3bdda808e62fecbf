"""Asked things: what a question names that the object detector can tell, and how far a picture is an answer to it.

"Where did we see dogs?" is answered by every picture in which a dog was detected, however little its vector resembles
the question's. The names of the classes are known in six languages (`object_words`, `object_words_abroad`), those of
kinds of them too ("animals"); what else the question says is looked for in what else was recognised. The share of the
question that is so told is a confidence like that of the keyword leg (`strictness`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Final

from foveal.retrieval.alignment import mentions
from foveal.retrieval.intent_words import SPACED
from foveal.retrieval.object_words import NARROWER, SYNONYMS, plurals
from foveal.retrieval.request_words import subject_of_request
from foveal.retrieval.sentences import is_spaced, telling_words, terms
from foveal.retrieval.strictness import share_confidence
from foveal.types.chunks import Chunk

_CLASSES: Final = tuple(sorted(SYNONYMS))
_UNSPACED: Final = frozenset({"th", "ja", "zh"})
"""Languages that are told by their letters."""
_TABLE: Final = ("en", "de", "es", "th", "ja", "zh")
"""Languages of the table of kinds, in its order."""
_HALF: Final = 0.5
_NARROWER: Final = {form: word for word in NARROWER for form in (word, *plurals(word))}
_ENGLISH_TOO: Final = frozenset({"boot", "bank", "kind", "rind", "herd", "handy", "notebook", "pastel", "mesa", "bate"})
"""Names of other languages that are English words for something else."""
_ANYBODY: Final = frozenset({"person", "people", "persons", "somebody", "someone", "anybody", "human", "humans"})
_WORD: Final = re.compile(r"\w+")
_QUOTED: Final = re.compile("“[^”]*”")
"""Words read in a picture, in its composed description."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedThings:
    """What a question asks for.

    Attributes:
        names: For each thing that it names the classes of which one is to be there, with how much of the name they tell
            (1: all of it) and its terms.
        rest: Terms of what else it says.
        words: So many words these are.
    """

    names: Mapping[frozenset[str], tuple[float, frozenset[str]]] = field(default_factory=dict)
    rest: frozenset[str] = frozenset()
    words: float = 0.0

    @property
    def hardly_more(self) -> bool:
        """Whether the question asks for things, and for hardly anything else."""
        return bool(self.names) and self.words <= len(self.names)

    def confidence(self, chunk: Chunk) -> float:
        """That a picture is an answer, 0..1: by the share of what is asked that was recognised in it; 0 where the
        question names no class, or one that was not.
        """
        if not self.names or not chunk.is_picture:
            return 0.0
        there = {one.label for one in chunk.objects}
        if not all(labels & there for labels in self.names):
            return 0.0
        seen = frozenset(terms(_QUOTED.sub("", chunk.composed)))
        told = sum(1.0 if its_terms <= seen else share for share, its_terms in self.names.values())
        return share_confidence((told + len(self.rest & seen)) / (len(self.names) + self.words))


def asked_things(question: str) -> AskedThings:
    """The things that a question names."""
    subject = subject_of_request(question)
    languages = _languages(subject)
    spoken = languages or frozenset(SPACED) | _UNSPACED
    names: dict[frozenset[str], tuple[float, frozenset[str]]] = {}
    for span, labels in _kinds(subject, spoken):
        names[labels] = 1.0, frozenset(terms(subject[span]))
        subject = _without(subject, span)
    for one in mentions(subject, _CLASSES, languages=spoken):
        span = slice(one.start, one.end)
        word = " ".join(subject[span].casefold().split())
        if languages or word not in _ENGLISH_TOO:
            names[frozenset({one.label})] = _told(one.label, word), frozenset(terms(_NARROWER.get(word, word)))
            subject = _without(subject, span)
    rest = telling_words(subject) if names else ""
    return AskedThings(names=names, rest=frozenset(terms(rest)), words=sum(map(_words, rest.split())))


def _kinds(subject: str, languages: Set[str]) -> Iterator[tuple[slice, frozenset[str]]]:
    """Names of kinds of classes ("animals"), and where they stand."""
    for labels, names in _kinds_of_classes():
        for language in languages & names.keys():
            for match in names[language].finditer(subject):
                yield slice(*match.span()), labels


@lru_cache(maxsize=1)
def _kinds_of_classes() -> tuple[tuple[frozenset[str], Mapping[str, re.Pattern[str]]], ...]:
    """Classes, and by language a pattern for what they are called together: `data/object_kinds.txt`, a list of ours."""
    table = files("foveal.retrieval").joinpath("data", "object_kinds.txt").read_text("utf-8")
    rows = (row.split("|") for row in table.splitlines())
    return tuple(
        (frozenset(labels.split(",")), dict(zip(_TABLE, map(_any_of, _TABLE, cells), strict=True)))
        for labels, *cells in rows
    )


def _any_of(language: str, cell: str) -> re.Pattern[str]:
    edge = "" if language in _UNSPACED else r"\b"
    return re.compile(rf"{edge}(?:{'|'.join(map(re.escape, cell.split(',')))}){edge}", re.IGNORECASE)


def _without(text: str, span: slice) -> str:
    """The text with blanks there, as long as it was."""
    return f"{text[: span.start]}{' ' * (span.stop - span.start)}{text[span.stop :]}"


def _told(label: str, word: str) -> float:
    """How much of a name its class tells."""
    if word in _NARROWER:
        return 0.0
    return 1.0 if label != "person" or word in _ANYBODY else _HALF


def _words(piece: str) -> float:
    """How many words a piece between blanks counts for: where they are not spaced, particles count for nothing."""
    return 1.0 if is_spaced(piece) else _HALF * (len(piece) > 1)


def _languages(text: str) -> frozenset[str]:
    """The language whose function words a text has most of, and those told by letters; empty where nothing tells it."""
    words = {word.casefold() for word in _WORD.findall(text)}
    counts = {code: len(words & known.function_words) for code, known in SPACED.items()}
    most = max(counts.values())
    return frozenset({code for code, count in counts.items() if count == most} | _UNSPACED) if most else frozenset()
