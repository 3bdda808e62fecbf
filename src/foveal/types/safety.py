"""What content filters say of a prompt or an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from foveal.types.content import Severity

Category = Literal["hate", "self_harm", "sexual", "violence"]
CATEGORIES: tuple[Category, ...] = ("hate", "self_harm", "sexual", "violence")
"""The four categories of the Azure contract, in its order; `SafetyScores` and `Chunk` have a field for each."""

Side = Literal["prompt", "answer"]
"""What is judged: each side has thresholds of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What is known of some content.

    Attributes:
        severities: By category, highest of all that was judged. A category is missing when something in the content
            was not judged for it and nothing that was judged is above safe: what nobody looked at is not called safe.
        filtered: Categories at or over the threshold; not empty means that the content may not pass.
        cause: Why categories are missing, in words; empty when none is.
    """

    severities: Mapping[Category, Severity] = field(default_factory=dict)
    filtered: frozenset[Category] = frozenset()
    cause: str = ""

    @property
    def missing(self) -> tuple[Category, ...]:
        """Categories nobody judged."""
        return tuple(category for category in CATEGORIES if category not in self.severities)
