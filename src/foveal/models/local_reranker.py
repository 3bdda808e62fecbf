"""The second look without a cross-encoder: sentences weighed by `foveal.models.evidence`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from foveal.models.evidence import Sentence, SentenceScorer
from foveal.ports.models import TextEmbedder
from foveal.retrieval.sentences import highlights
from foveal.types.search import Extract, Passage, Reranked

_VERSION: Final = 1
_EVIDENCE: Final = (0.05, 0.28, 0.38, 0.47, 0.60, 0.80, 1.20)
_SCORES: Final = (0.0, 0.8, 1.4, 2.0, 2.6, 3.2, 4.0)
"""Evidence on the scale of Azure AI Search; 2.0 is passed by 96 % of XQuAD questions with an answer and 5 % without."""
_SHORT = 40
"""Characters; a shorter best sentence is shown with the one after it."""


class LocalReranker:
    """`ports.Reranker` over any text embedder: about half a second for 50 passages on one core.

    Args:
        embedder: Embeds question and sentences.
    """

    def __init__(self, embedder: TextEmbedder) -> None:
        self._embedder = embedder
        self._scorer = SentenceScorer(embedder)

    @property
    def identity(self) -> str:
        """Of the rule and the embedder."""
        return f"foveal-sentences-{_VERSION}+{self._embedder.identity}"

    def rerank(self, query: str, passages: Sequence[Passage]) -> list[Reranked]:
        """One judgement a passage, in the order given; the extract is its best sentence."""
        texts = [passage.text for passage in passages]
        best: dict[int, Sentence] = {}
        last: dict[int, list[Sentence]] = {}
        for sentence in self._scorer.weigh(query, texts):
            last.setdefault(sentence.passage, []).append(sentence)
            if sentence.passage not in best or sentence.evidence > best[sentence.passage].evidence:
                best[sentence.passage] = sentence
        return [
            _judged(passage, best.get(number), last.get(number, ()), query) for number, passage in enumerate(passages)
        ]


def _judged(passage: Passage, best: Sentence | None, weighed: Sequence[Sentence], query: str) -> Reranked:
    if best is None:
        return Reranked(chunk_id=passage.chunk_id, score=0.0)
    end = best.end
    if best.end - best.start < _SHORT:
        end = next((s.end for s in weighed if s.start >= best.end), best.end)
    text = passage.text[best.start : end]
    score = float(np.interp(best.evidence, _EVIDENCE, _SCORES))
    return Reranked(
        chunk_id=passage.chunk_id,
        score=score,
        extract=Extract(text=text, score=score, highlights=highlights(text, query)),
    )
