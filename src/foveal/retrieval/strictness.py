"""Strictness 1..5: what a leg's score says about whether a hit answers at all, and the cut-offs.

Scores of different legs, models and languages cannot be compared, so each is turned into a *confidence* 0..1, and a
hit is as sure as its surest leg. Equal confidences mean that equally few things pass that should not:

| strictness | least confidence | questions without an answer that still get a hit | answerable ones that do |
| --- | --- | --- | --- |
| 1 | .1 | 75 % | 100 % |
| 2 | .3 | 40 % | 99 % |
| 3 | .5 | 13 % | 98 % |
| 4 | .7 | 3 % | 94 % |
| 5 | .9 | under 1 % | 80 % |

Measured with the text and keyword legs together on XQuAD (en, de, es, th: question and collection in one language;
half the articles are the collection, questions about the other half have no answer). Across languages, where only the
text leg works, strictness 3 keeps 85 % and lets 3 % pass (German or Spanish to English; Thai to English 56 % and 2 %).
The seen leg is weaker: with nothing described it ranks images well but hardly tells whether any of them shows what is
asked. `python -m benchmarks strictness` prints every leg and language.

**Closeness.** Cosines of text models fill a narrow band whose place depends on model and language (.70 to .91 for
multilingual-e5-small). With `m` the mean vector of the hit's collection in the hit's language,
`closeness = (q·p - q·m) / (1 - |m|²)`: 0 for what is as near as anything, 1 when question and passage coincide; the
hit itself is left out of `m`. The same for image vectors.
"""

from __future__ import annotations

import io
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import log
from typing import Final

import numpy as np

from foveal.retrieval.gluing import joined
from foveal.retrieval.sentences import content_terms, terms
from foveal.retrieval.text_space import read_arrays
from foveal.types.vectors import FloatArray

CUTOFFS: Final[Mapping[int, float]] = {1: 0.1, 2: 0.3, 3: 0.5, 4: 0.7, 5: 0.9}
"""Least confidence by strictness."""

_VERSION: Final = 1
_CONFIDENCES: Final = (0.0, *CUTOFFS.values(), 1.0)
# What each leg measures at those confidences: see the table above and the benchmark.
_TEXT: Final = (0.0, 0.20, 0.25, 0.30, 0.36, 0.45, 0.60)
_KEYWORD: Final = (0.0, 0.17, 0.24, 0.34, 0.45, 0.60, 0.85)
_SEEN: Final = (0.1, 0.32, 0.36, 0.41, 0.46, 0.55, 0.75)
_IMAGE: Final = (0.1, 0.25, 0.32, 0.42, 0.50, 0.65, 0.90)
_UNTAUGHT: Final = 0.08
"""How much nearer a wrong image comes to a question while no image is described; half of it at 100 described."""
_HALF_TAUGHT: Final = 100
_BACKGROUND_CHUNKS: Final = 3.0
"""Chunks of the collection that the fixed background counts for: matters to collections of a handful."""
_LANGUAGE_CHUNKS: Final = 10
"""Chunks from which a language has a mean of its own."""
_REMEMBERED_LETTERS: Final = 24
"""Longest piece between blanks whose terms are remembered: a word, not a sentence of a script without blanks."""


def passes(confidence: float, strictness: int) -> bool:
    """Whether a hit of that confidence is kept.

    Raises:
        KeyError: `strictness` is not 1..5.
    """
    return confidence >= CUTOFFS[strictness]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mean:
    """Mean of unit vectors, and of how many; the spread `1 - |m|²` is corrected for few."""

    vector: FloatArray
    count: float

    def closeness(self, asked: FloatArray, cosine: float) -> float:
        """0 for what is as near as anything in the collection, 1 for the question itself."""
        if self.count <= 1.0:
            return 0.0
        others = (self.count * float(asked @ self.vector) - cosine) / (self.count - 1.0)
        spread = (1.0 - float(self.vector @ self.vector)) * self.count / (self.count - 1.0)
        return (cosine - others) / max(spread, 1e-6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What is ordinary in one collection. Immutable; made by `calibrate`, kept with the index.

    Attributes:
        languages: Languages with a mean of their own, then `""` for all together.
        texts: float32 [languages, d], mean text vectors.
        text_counts: float32 [languages], chunks behind each.
        image: float32 [e], mean image vector; empty when there are no images.
        image_count: Images behind it.
    """

    languages: tuple[str, ...]
    texts: FloatArray
    text_counts: FloatArray
    image: FloatArray
    image_count: float

    def text_confidence(self, question: FloatArray, cosine: float, language: str = "") -> float:
        """Of the text leg.

        Args:
            question: float32 [d], L2-normalised.
            cosine: Of question and hit.
            language: Of the hit.
        """
        at = self.languages.index(language) if language in self.languages else len(self.languages) - 1
        mean = _Mean(vector=self.texts[at], count=float(self.text_counts[at]))
        return _confidence(mean.closeness(question, cosine), _TEXT)

    def image_confidence(self, image: FloatArray, cosine: float) -> float:
        """Of the image leg, for an image of the query: .5 is much the same kind of scene, 1 nearly the same picture.

        Args:
            image: float32 [e], the query image's vector, L2-normalised.
            cosine: Of query image and hit.
        """
        if not self.image.size or self.image_count < _LANGUAGE_CHUNKS:
            return _confidence((cosine - 0.35) / 0.65, _IMAGE)  # unrelated photos lie near .35 in the default encoder
        return _confidence(_Mean(vector=self.image, count=self.image_count).closeness(image, cosine), _IMAGE)

    def to_bytes(self) -> bytes:
        """The calibration, to be kept; numpy's npz, nothing executable."""
        buffer = io.BytesIO()
        np.savez(
            buffer,
            version=np.int64(_VERSION),
            languages=np.array(self.languages),
            texts=self.texts,
            text_counts=self.text_counts,
            image=self.image,
            image_count=np.float64(self.image_count),
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Calibration:
        """Read what `to_bytes` wrote.

        Raises:
            StoreCorruptError: It is something else, or of another version.
        """
        arrays = read_arrays(data, what="calibration", version=_VERSION)
        return cls(
            languages=tuple(str(language) for language in arrays["languages"]),
            texts=arrays["texts"],
            text_counts=arrays["text_counts"],
            image=arrays["image"],
            image_count=float(arrays["image_count"]),
        )


def calibrate(
    texts: FloatArray, languages: Sequence[str], images: FloatArray, *, background: FloatArray
) -> Calibration:
    """Learn what is ordinary from a sample of a collection (some thousands are plenty).

    Args:
        texts: float32 [n, d], text vectors of chunks.
        languages: Of each; empty where unknown.
        images: float32 [m, e], image vectors.
        background: float32 [b, d], b > 0, passages about nothing in particular (`background.SUBJECTS` by
            `embed_passages`), for collections so small that everything in them may be the answer.
    """
    names = [name for name in sorted(set(languages)) if name and languages.count(name) >= _LANGUAGE_CHUNKS]
    groups = [texts[[i for i, language in enumerate(languages) if language == name]] for name in names]
    means = [_blended(group, background) for group in (*groups, texts)]
    return Calibration(
        languages=(*names, ""),
        texts=np.stack([mean.vector for mean in means]),
        text_counts=np.array([mean.count for mean in means], np.float32),
        image=images.mean(axis=0) if len(images) else np.zeros(0, np.float32),
        image_count=float(len(images)),
    )


def _blended(group: FloatArray, background: FloatArray) -> _Mean:
    count = len(group) + _BACKGROUND_CHUNKS
    total = group.sum(axis=0) + _BACKGROUND_CHUNKS * background.mean(axis=0)
    return _Mean(vector=(total / count).astype(np.float32), count=count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keywords:
    """The terms of a question and how much each tells (inverse document frequency among the candidates).

    Attributes:
        joined: Terms that two neighbouring ones make without the blank between them, each with the two.
    """

    weights: Mapping[str, float]
    joined: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def confidence(self, content: str) -> float:
        """Of the keyword leg: by the share of the question's terms, weighted, that a hit's `content` has."""
        return share_confidence(self.share(content))

    def share(self, content: str) -> float:
        """0..1; 0 for a question without terms."""
        total = sum(self.weights.values())
        if not total:
            return 0.0
        words = _vocabulary(content)
        glued = {term for one in self.joined.keys() & words for term in self.joined[one]}
        found = self.weights.keys() & (words | glued)
        return sum(self.weights[term] for term in found) / total


def keywords(question: str, contents: Iterable[str]) -> Keywords:
    """Weigh the terms of a question.

    Args:
        question: Its function words are left out.
        contents: Of the candidates, in which terms are counted. Terms that are in all of them tell little; those
            that are in none tell most: they are what is missing.
    """
    asked = content_terms(question)
    vocabularies = [_vocabulary(content) for content in contents]
    n = len(vocabularies)
    having = {term: sum(term in words for words in vocabularies) for term in asked}
    weights = {t: log(1.0 + (n - f + 0.5) / (f + 0.5)) for t, f in having.items()}
    return Keywords(weights=weights, joined=_joined(question, weights))


def _joined(question: str, asked: Container[str]) -> dict[str, tuple[str, str]]:
    found = {}
    for left, right in joined(question):
        one, two, both = (terms(text) for text in (left, right, left + right))
        if len(one) == len(two) == len(both) == 1 and (one[0] in asked or two[0] in asked):
            found[both[0]] = (one[0], two[0])
    return found


def _vocabulary(content: str) -> set[str]:
    """Terms of a content; those of words seen before are remembered (it is asked of every candidate of a search)."""
    found: set[str] = set()
    for piece in set(content.split()):
        found.update(_terms_of(piece) if len(piece) <= _REMEMBERED_LETTERS else terms(piece))
    return found


@lru_cache(maxsize=1 << 16)
def _terms_of(piece: str) -> tuple[str, ...]:
    return tuple(terms(piece))


def seen_confidence(score: float, *, described: int) -> float:
    """Of the seen leg.

    Args:
        score: Dot product of `Adapter.query` and a seen vector.
        described: Described images that the adapter was fitted on: with few, wrong images come nearer.
    """
    return _confidence(score - _UNTAUGHT * _HALF_TAUGHT / (_HALF_TAUGHT + described), _SEEN)


def share_confidence(share: float) -> float:
    """Of a hit that has this share of what a question asks for, 0..1."""
    return _confidence(share, _KEYWORD)


def tail_confidence(cosine: float, tail: float) -> float:
    """Of a vector found by a model that is not here: how much nearer it is than what is ordinary in its collection.

    Args:
        cosine: Of question and hit.
        tail: Of question and the last of a long page of hits.
    """
    return _confidence((cosine - tail) / max(1.0 - tail, 1e-6), _TEXT)


def rerank_confidence(score: float) -> float:
    """Of a re-ranker's score 0..4 (Azure AI Search's scale: 1 is somewhat related, 2 partly, 3 mostly answers)."""
    return float(np.interp(score, (0.0, 0.8, 1.4, 2.0, 2.6, 3.2, 4.0), _CONFIDENCES))


def _confidence(measure: float, anchors: tuple[float, ...]) -> float:
    return float(np.interp(measure, anchors, _CONFIDENCES))
