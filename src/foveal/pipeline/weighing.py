"""What a rank in a leg of the search counts for a chunk, in one query.

**By what the chunk is.** Text has only words. An image without words is found by what it shows: its composed
description is a guess that keyword search should hardly trust. An image with words is found by both.

**By what the keyword leg found.** A question in another language than the collection shares only names and function
words with it, and what keyword search makes of those pushes the right passages off the page (XQuAD, German to English:
nDCG@10 falls from .93 to .75). So its weight is multiplied by the *trust* in it: the squared confidence of its first
hit, which says how much of what the question is about that hit has (`strictness.Keywords`). What it loses goes to the
other legs in proportion: the weights of a chunk's word legs add up to 1, so that having words is no advantage. An image
in the query counts as much as all words.

**By how sure a hit is, where moments of videos are among them.** What is shown, said and written at one second is found
by legs whose ranks say nothing about one another: the frame that looks most like a question about something said is
still first among frames. So a hit's score is raised by up to half, by its confidence. With text and photos in one index
that lifts the right paragraph among the first five from .97 to 1.0 and leaves photos there at .57 (.58); it is not done
where there are no moments, because some three times as many candidates are read for it.

**Likewise where a question asks for things and hardly anything else.** "Where did we see dogs?": pictures in which dogs
were detected come first (`retrieval.asked_things`; the first is a right one for 77 % of such questions, not 74, and for
73, not 46, in German). Of longer questions things are a detail: there it would put every picture with a person before
the one that is described (R@1 of captions .25 → .13).

Chosen on 1,080 photos of which 80 are described and on XQuAD in four languages (`python -m benchmarks search`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from foveal.pipeline.words import words_to_embed
from foveal.types.chunks import Chunk, Feature
from foveal.types.search import Hit, Leg

_Table = tuple[tuple[Leg, float], ...]
_TEXT: Final[_Table] = ((Leg.KEYWORD, 0.5), (Leg.TEXT, 0.5), (Leg.SEEN, 0.0))
_WORDED: Final[_Table] = ((Leg.KEYWORD, 0.2), (Leg.TEXT, 0.4), (Leg.SEEN, 0.4))
_WORDLESS: Final[_Table] = ((Leg.KEYWORD, 0.1), (Leg.TEXT, 0.0), (Leg.SEEN, 0.9))
_LEAST_TRUST: Final = 0.01
"""Keyword search alone still ranks."""


SURE: Final = 0.5
"""By how much confidence 1 raises a score."""


def surest_first(hits: Sequence[Hit]) -> list[Hit]:
    """Hits with scores raised by how sure they are, best first, ties by chunk id; the parts of a score with it."""
    raised = []
    for hit in hits:
        by = 1 + SURE * hit.confidence
        legs = tuple(replace(leg, contribution=leg.contribution * by) for leg in hit.legs)
        raised.append(replace(hit, score=hit.score * by, legs=legs))
    return sorted(raised, key=lambda hit: (-hit.score, hit.chunk.chunk_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Weights of one query.

    Attributes:
        legs: Legs that its mode searches.
        trust: In the keyword leg, 0..1.
    """

    legs: frozenset[Leg]
    trust: float

    @classmethod
    def for_query(cls, legs: frozenset[Leg], keyword_confidence: float) -> Weights:
        """Weights by the confidence of the keyword leg's first hit."""
        return cls(legs=legs, trust=max(keyword_confidence**2, _LEAST_TRUST))

    def of(self, chunk: Chunk, leg: Leg) -> float:
        """What a rank in `leg` counts for `chunk`."""
        if chunk.feature is Feature.SCREEN_TEXT and not words_to_embed("", "", chunk.ocr_text):
            return self._by_words_alone(leg)
        if not chunk.is_picture:
            return self._share(_TEXT, leg)
        has_words = words_to_embed(chunk.description, chunk.caption, chunk.ocr_text)
        return self._share(_WORDED if has_words else _WORDLESS, leg)

    def at_most(self, found_by: Set[Leg], leg: Leg) -> float:
        """The most a rank in `leg` counts for any chunk that these legs found: what is known before it is read."""
        tables = [_WORDED]
        if not found_by & {Leg.SEEN, Leg.IMAGE, Leg.REGION}:
            tables.append(_TEXT)
        if Leg.TEXT not in found_by:
            tables.append(_WORDLESS)
        alone = self._by_words_alone(leg) if set(found_by) == {Leg.KEYWORD} else 0.0
        return max(alone, *(self._share(table, leg) for table in tables))

    def _by_words_alone(self, leg: Leg) -> float:
        """Of a title on a screen, too short for a vector: as much as its words are to be trusted."""
        return self.trust if leg is Leg.KEYWORD else 0.0

    def _share(self, table: _Table, leg: Leg) -> float:
        if leg in {Leg.IMAGE, Leg.REGION}:
            return 1.0
        return _shares(table, self.legs, self.trust).get(leg, 0.0)


@lru_cache(maxsize=256)
def _shares(table: _Table, legs: frozenset[Leg], trust: float) -> Mapping[Leg, float]:
    """A table with what is not searched left out and the keyword leg trusted so far; adds up to 1."""
    trusted = {one: w * (trust if one is Leg.KEYWORD else 1.0) for one, w in table if one in legs}
    total = sum(trusted.values())
    return {one: w / total for one, w in trusted.items()} if total else {}
