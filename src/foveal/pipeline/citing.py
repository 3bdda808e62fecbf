"""Citation marks in an answer that streams."""

from __future__ import annotations

import re
from collections.abc import Collection

_NUMBERS = r"\d{1,6}(?:\s*(?:[,;、，&]|and)\s*(?:doc(?:ument)?s?\s*)?\d{1,6})*"
_MARK = re.compile(
    rf"(\s*)([\[【［]\s*doc(?:ument)?s?\.?\s*({_NUMBERS})\s*(?:†[^\[\]【】［］]*)?[\]】］])", re.IGNORECASE
)
_LONGEST_MARK = 200
_UNSURE = re.compile(r"\s*(?:[\[【［]\s*(?:d(?:o(?:c[^\[\]【】［］]{0,300})?)?)?)?\Z", re.IGNORECASE)
"""An end of the text so far of which more must be seen: blanks, or what may become a mark."""


class CitationMarks:
    """Turns every form of mark that models write into `[docN]`, and drops those of documents that do not exist.

    Known forms: `[doc1]`, `[Doc 1]`, `[document 1]`, `【doc1】`, `【doc1†source】`, `[doc1, doc2]`,
    `[docs 1 and 2]`. Text is held back only while it may still become a mark; blanks before a mark go with it
    when it is dropped.

    Args:
        numbers: Numbers of the documents that were given.
    """

    def __init__(self, numbers: Collection[int]) -> None:
        self._numbers = frozenset(numbers)
        self._held = ""

    def feed(self, text: str) -> str:
        """Take more of the answer; what of it is ready."""
        self._held += text
        unsure = _UNSURE.search(self._held)
        end = unsure.start() if unsure else len(self._held)
        ready, self._held = self._held[:end], self._held[end:]
        return self._marked(ready)

    def rest(self) -> str:
        """What was held back when the answer ended."""
        rest, self._held = self._held, ""
        return self._marked(rest)

    def _marked(self, text: str) -> str:
        return _MARK.sub(self._mark, text)

    def _mark(self, match: re.Match[str]) -> str:
        blanks, whole, listed = match.groups()
        if len(whole) > _LONGEST_MARK:
            return match.group()
        numbers = dict.fromkeys(int(digits) for digits in re.findall(r"\d+", listed))
        marks = "".join(f"[doc{number}]" for number in numbers if number in self._numbers)
        return blanks + marks if marks else ""
