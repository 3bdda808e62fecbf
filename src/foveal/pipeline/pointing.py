"""Of a passage that is found, the sentence that speaks for the question: where to start playing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from foveal.retrieval.moments import at_sentence, best_sentence
from foveal.retrieval.strictness import Keywords
from foveal.types.chunks import Chunk
from foveal.types.search import Hit
from foveal.types.vectors import FloatArray


def pointed(
    hits: Sequence[Hit],
    words: Keywords,
    asked: Sequence[tuple[str, FloatArray]] | None,
    embed: Callable[[Sequence[str]], FloatArray] | None,
) -> list[Hit]:
    """Hits with the title and the place of a sentence where they are passages; all others as they are.

    Args:
        hits: Of one page.
        words: The question's terms.
        asked: The question's vector with the field it searches, if it has one.
        embed: Vectors of sentences, float32 [n, dim]; None: told by words alone.
    """
    spoken = [hit for hit in hits if hit.chunk.sentences]
    if not spoken:
        return list(hits)
    texts = list(dict.fromkeys(s.text for hit in spoken for s in hit.chunk.sentences if len(hit.chunk.sentences) > 1))
    vectors = dict(zip(texts, embed(texts), strict=True)) if asked and embed and texts else {}
    question = asked[0][1] if asked else None
    return [replace(hit, chunk=_pointed(hit, words, question, vectors)) if hit.chunk.sentences else hit for hit in hits]


def _pointed(hit: Hit, words: Keywords, question: FloatArray | None, vectors: dict[str, FloatArray]) -> Chunk:
    sentences = hit.chunk.sentences
    shares = [words.confidence(sentence.text) for sentence in sentences]
    if question is None or not vectors or len(sentences) == 1:
        return at_sentence(hit.chunk, int(np.argmax(shares)))
    return at_sentence(hit.chunk, best_sentence(question, np.stack([vectors[s.text] for s in sentences]), shares))
