"""What a home keeps of people."""

from __future__ import annotations

from dataclasses import dataclass

from foveal.pipeline.history import History
from foveal.ports.people import FeedbackLog


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """All of it."""

    history: History
    feedback: FeedbackLog
