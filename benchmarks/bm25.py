"""BM25 over a handful of texts (k1 1.2, b .75), for comparison with what Foveal adds to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import log

import numpy as np
import numpy.typing as npt

from foveal.retrieval.sentences import content_terms, terms


class Bm25:
    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = [Counter(terms(text)) for text in texts]
        self._having = Counter(term for text in self._texts for term in text)
        mean = sum(text.total() for text in self._texts) / len(texts)
        self._lengths = [1.2 * (0.25 + 0.75 * text.total() / mean) for text in self._texts]

    def scores(self, question: str) -> npt.NDArray[np.float32]:
        """float32 [texts]."""
        scores = np.zeros(len(self._texts), np.float32)
        for term in content_terms(question):
            weight = log(1 + (len(self._texts) - self._having[term] + 0.5) / (self._having[term] + 0.5))
            for column, text in enumerate(self._texts):
                if term in text:
                    scores[column] += weight * text[term] * 2.2 / (text[term] + self._lengths[column])
        return scores
