"""Words of a text, the same way for what is stored and for what is asked.

Rows carry their texts in this form beside the original: full-text search reads it, and `search.ismatch` in a filter
is a search for ` word ` in it.

- Compatibility forms and case are folded (Unicode NFKC, then `str.casefold`).
- Everything but letters, digits and the marks that belong to them separates words, `_` and `'` included: `IMG_1234`
  is found by `1234`, `dog's` by `dog`.
- Chinese, Japanese and Korean runs become every single character and every pair of neighbours, as Lucene's
  `CJKBigramFilter` with `outputUnigrams` does, because a dictionary cuts `窗台上` differently from `窗台`.
- Thai, Lao, Khmer and Burmese runs stay whole here; the search engine cuts them by dictionary (ICU).
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

_SPACE = 0x20
_CJK = re.compile(
    "[\u3005-\u3007\u3021-\u3029\u3040-\u30ff\u3100-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
    "\uf900-\ufaff\U00020000-\U0003ffff]+"
)
_SPACELESS = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff\ua9e0-\ua9ff\uaa60-\uaa7f]")
"""Thai, Lao, Burmese (with extensions), Khmer."""


class _Separators(dict[int, int]):
    """For `str.translate`: what is part of a word stays, anything else becomes a blank. Filled as characters come."""

    def __missing__(self, code: int) -> int:
        character = chr(code)
        kept = character.isalnum() or unicodedata.category(character)[0] == "M"
        self[code] = code if kept else _SPACE
        return self[code]


_SEPARATORS = _Separators()


def words(text: str) -> list[str]:
    """The words of `text` in order, repetitions included; empty when there are only signs."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _CJK.sub(_singles_and_pairs, folded.translate(_SEPARATORS)).split()


def _singles_and_pairs(run: re.Match[str]) -> str:
    characters = run.group()
    pieces = [characters[0]]
    for before, character in pairwise(characters):
        pieces += (before + character, character)
    return f" {' '.join(pieces)} "


def word_line(text: str) -> str:
    """The words of `text` with one blank before, between and after them: what is stored."""
    found = words(text)
    return f" {' '.join(found)} " if found else ""


def needle(word: str) -> str:
    """What to look for in a `word_line` to know whether `word`, one of `words(…)`, is in it.

    A whole word; in scripts without blanks a part of a run.
    """
    return word if _SPACELESS.search(word) else f" {word} "
