"""What all groups of settings are."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Group(BaseModel):
    """A table of settings; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


def listed(text: str) -> tuple[str, ...]:
    """The parts of a setting with commas between."""
    return tuple(part.strip() for part in text.split(",") if part.strip())
