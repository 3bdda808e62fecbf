"""How much a sentence speaks for a question, without a model trained to judge: nearness in meaning plus shared words.

`evidence = closeness + .8 × share`. Closeness is as in `foveal.retrieval.strictness`, over the candidates' sentences;
share is the part of the question's terms, weighted by inverse document frequency among the candidates, that the whole
passage has. On XQuAD the sum orders twenty candidates of hybrid search
(nDCG@10 from, to) from .978 to .984 in English, .948 to .968 in German, .987 to .978 in Thai, where sentences are
guessed, and .574 to .866 from Thai to English, where keyword search only misleads; each summand alone is worse.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from foveal.ports.models import TextEmbedder
from foveal.retrieval.background import SUBJECTS
from foveal.retrieval.sentences import sentences
from foveal.retrieval.strictness import Keywords, keywords
from foveal.types.vectors import FloatArray

_SHARE_WEIGHT: Final = 0.8
_BACKGROUND: Final = SUBJECTS[::6]
"""Sentences about nothing in particular, among which a lone candidate can stand out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One sentence that was weighed.

    Attributes:
        passage: Index of its passage.
        start: Its place in the passage, code points.
        end: End, excluded.
        closeness: 0 for what is as near as anything, 1 for the question itself.
        evidence: Closeness and the passage's share of terms.
        share: The sentence's own share of the question's terms, 0..1.
    """

    passage: int
    start: int
    end: int
    closeness: float
    evidence: float
    share: float


class SentenceScorer:
    """Weighs sentences. Thread-safe as its embedder is; the background is embedded once.

    Args:
        embedder: Any text embedder.
        most: Sentences embedded for one question at most; which ones is decided by shared words. About 5 ms each on
            one core with the default embedder.
    """

    def __init__(self, embedder: TextEmbedder, *, most: int = 64) -> None:
        self._embedder = embedder
        self._most = most
        self._lock = threading.Lock()
        self._background: FloatArray | None = None

    def weigh(self, question: str, passages: Sequence[str]) -> list[Sentence]:
        """The most promising sentences of each passage (every passage with words gets one), in order of place."""
        words = keywords(question, passages)
        chosen = self._chosen(words, passages)
        if not chosen or not question.strip():
            return []
        vectors = self._embedder.embed_passages([passages[p][start:end] for p, start, end in chosen])
        asked = self._embedder.embed_queries([question])[0]
        closeness = self._closeness(asked, vectors)
        shares = [words.share(passage) for passage in passages]
        return [
            Sentence(
                passage=p,
                start=start,
                end=end,
                closeness=near,
                evidence=near + _SHARE_WEIGHT * shares[p],
                share=words.share(passages[p][start:end]),
            )
            for (p, start, end), near in zip(chosen, closeness.tolist(), strict=True)
        ]

    def _chosen(self, words: Keywords, passages: Sequence[str]) -> list[tuple[int, int, int]]:
        each = max(1, self._most // max(1, len(passages)))
        chosen: list[tuple[int, int, int]] = []
        for number, passage in enumerate(passages):
            spans = sentences(passage)
            best = sorted(spans, key=lambda span, text=passage: -words.share(text[slice(*span)]))  # type: ignore[misc]
            chosen.extend((number, start, end) for start, end in sorted(best[:each]))
        return chosen

    def _closeness(self, asked: FloatArray, vectors: FloatArray) -> FloatArray:
        background = self._background_vectors()
        mean = np.concatenate([vectors, background]).mean(axis=0)
        spread = max(1.0 - float(mean @ mean), 1e-6)
        closeness: FloatArray = (vectors - mean) @ asked / spread
        return closeness

    def _background_vectors(self) -> FloatArray:
        with self._lock:
            if self._background is None:
                self._background = self._embedder.embed_passages(_BACKGROUND)
            return self._background
