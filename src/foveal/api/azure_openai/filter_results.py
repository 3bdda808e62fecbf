"""What content filters found, as Azure OpenAI writes it (contract notes, section 2).

A category that was judged is `{filtered, severity}`. One that nobody judged has no key, because `safe` would be a
claim: `error` says which those are and why, beside the ones that were judged. Its code and the beginning of its message
are the service's own for content that went through unfiltered ("Content filtering", Microsoft's documentation).
"""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict

from foveal.types.content import Severity
from foveal.types.safety import Judgement

ERROR_CODE = "content_filter_error"
NOT_FILTERED = "The contents are not filtered"


class SeverityResult(BaseModel):
    """One category."""

    filtered: bool
    severity: Severity


class NotJudged(BaseModel):
    """What was not judged."""

    code: str
    message: str


class FilterResults(BaseModel):
    """What was found; without members it says nothing."""

    model_config = ConfigDict(frozen=True)

    hate: SeverityResult | None = None
    self_harm: SeverityResult | None = None
    sexual: SeverityResult | None = None
    violence: SeverityResult | None = None
    error: NotJudged | None = None

    @classmethod
    def of(cls, judgement: Judgement) -> Self:
        """The categories that were judged, and an error for those that were not."""
        found: dict[str, SeverityResult | NotJudged] = {
            category: SeverityResult(filtered=category in judgement.filtered, severity=severity)
            for category, severity in judgement.severities.items()
        }
        if judgement.missing:
            message = f"{NOT_FILTERED} for {', '.join(judgement.missing)}: {judgement.cause}."
            found["error"] = NotJudged(code=ERROR_CODE, message=message)
        return cls.model_validate(found)

    def as_json(self) -> dict[str, object]:
        """As it is written."""
        return self.model_dump(mode="json", exclude_unset=True)

    def categories(self) -> dict[str, dict[str, bool | str]]:
        """The categories alone."""
        found: dict[str, dict[str, bool | str]] = self.model_dump(mode="json", exclude_unset=True, exclude={"error"})
        return found


UNFILTERED = FilterResults(error=NotJudged(code=ERROR_CODE, message=f"{NOT_FILTERED}."))
"""Of words that went out before anything judged them, because no filter could have stopped them."""
