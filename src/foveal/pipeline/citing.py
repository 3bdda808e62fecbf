"""Citation marks in an answer that streams."""

from __future__ import annotations

import re
from collections.abc import Collection

from foveal.pipeline.streamed_marks import StreamedMarks

_NUMBERS = r"\d{1,6}(?:\s*(?:[,;、，&]|and)\s*(?:doc(?:ument)?s?\s*)?\d{1,6})*"
_MARK = re.compile(
    rf"(\s*)([\[【［]\s*doc(?:ument)?s?\.?\s*({_NUMBERS})\s*(?:†[^\[\]【】［］]*)?[\]】］])", re.IGNORECASE
)
_LONGEST_MARK = 200
_UNSURE = re.compile(r"\s*(?:[\[【［]\s*(?:d(?:o(?:c[^\[\]【】［］]{0,300})?)?)?)?\Z", re.IGNORECASE)
"""An end of the text so far of which more must be seen: blanks, or what may become a mark."""


class CitationMarks(StreamedMarks):
    """Turns every form of mark that models write into `[docN]`, and drops those of documents that do not exist.

    Known forms: `[doc1]`, `[Doc 1]`, `[document 1]`, `【doc1】`, `【doc1†source】`, `[doc1, doc2]`,
    `[docs 1 and 2]`. Text is held back only while it may still become a mark; blanks before a mark go with it
    when it is dropped.

    Args:
        numbers: Numbers of the documents that were given.
    """

    def __init__(self, numbers: Collection[int]) -> None:
        super().__init__(_MARK, _UNSURE, self._known)
        self._numbers = frozenset(numbers)

    def _known(self, match: re.Match[str]) -> str:
        blanks, whole, listed = match.groups()
        if len(whole) > _LONGEST_MARK:
            return match.group()
        numbers = dict.fromkeys(int(digits) for digits in re.findall(r"\d+", listed))
        marks = "".join(f"[doc{number}]" for number in numbers if number in self._numbers)
        return blanks + marks if marks else ""
