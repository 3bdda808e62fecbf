"""Marks in a text that streams: replaced when they are whole, held back only while they may still become one."""

from __future__ import annotations

import re
from collections.abc import Callable


class StreamedMarks:
    """Replaces marks in a text that comes in pieces cut anywhere.

    Args:
        mark: A whole mark.
        unsure: An end of the text so far of which more must be seen, anchored there.
        replace: What a mark becomes.
    """

    def __init__(self, mark: re.Pattern[str], unsure: re.Pattern[str], replace: Callable[[re.Match[str]], str]) -> None:
        self._mark = mark
        self._unsure = unsure
        self._replace = replace
        self._held = ""

    def feed(self, text: str) -> str:
        """Take more of the answer; what of it is ready."""
        self._held += text
        unsure = self._unsure.search(self._held)
        end = unsure.start() if unsure else len(self._held)
        ready, self._held = self._held[:end], self._held[end:]
        return self._mark.sub(self._replace, ready)

    def rest(self) -> str:
        """What was held back when the answer ended."""
        rest, self._held = self._held, ""
        return self._mark.sub(self._replace, rest)
