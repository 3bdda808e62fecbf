"""The one table of what each `api-version` of Azure OpenAI looks like on the wire.

Sources: contract notes, sections 3 and 12, and the client observations. A version that is not listed gets the newest
form that fits its path, so that tomorrow's clients work; outside v1 a version must be given.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from starlette.exceptions import HTTPException

from foveal.types.chat import REFUSAL, REFUSAL_OF_2023


class Shape(StrEnum):
    """How an answer carries what it rests on."""

    MESSAGES = "messages"
    """`choices[0].messages` = a tool message, then the assistant's."""
    CONTEXT_MESSAGES = "context.messages"
    """`message.context.messages[0].content`, a JSON string."""
    CONTEXT = "context"
    """`message.context` = `{citations, intent}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of the wire.

    Attributes:
        shape: Of grounded answers.
        prompt_filter_key: Name of the prompt's filter results in the first event of a plain stream; None when that
            event is not sent (it has no choices, which clients of OpenAI itself do not expect).
        rerank_score: Whether citations have one.
        refusal: What is said when the data has no answer. The service changed the sentence early in 2024 whatever the
            version; a client of 2023 matches on the one of its time.
        role_tokens: Limit of `role_information`: 400 in the seed's documentation, 100 in the schemas of 2024; None
            since August 2024, where it is no parameter any more and is taken as a system message.
        finish_details: Whether vision replies with enhancements have `finish_details` beside `finish_reason`.
    """

    shape: Shape
    prompt_filter_key: str | None = "prompt_filter_results"
    rerank_score: bool = False
    refusal: str = REFUSAL
    role_tokens: int | None = None
    finish_details: bool = False


_2023_06 = Version(
    shape=Shape.MESSAGES, prompt_filter_key="prompt_annotations", refusal=REFUSAL_OF_2023, role_tokens=400
)
_2023_08 = replace(_2023_06, shape=Shape.CONTEXT_MESSAGES)
_2023_09 = replace(_2023_08, prompt_filter_key="prompt_filter_results")
_2024 = Version(shape=Shape.CONTEXT, role_tokens=100)
NEWEST = Version(shape=Shape.CONTEXT, rerank_score=True)
V1 = NEWEST
OPENAI = Version(shape=Shape.CONTEXT, prompt_filter_key=None, rerank_score=True)
"""`/v1/…`, the address that clients of OpenAI itself use."""

TABLE: dict[str, Version] = {
    "2023-06-01-preview": _2023_06,
    "2023-07-01-preview": _2023_06,
    "2023-08-01-preview": _2023_08,
    "2023-09-01-preview": _2023_09,
    "2023-10-01-preview": _2023_09,
    "2023-12-01-preview": replace(_2023_09, finish_details=True),
    "2024-02-01": _2024,
    "2024-02-15-preview": _2024,
    "2024-03-01-preview": _2024,
    "2024-04-01-preview": _2024,
    "2024-05-01-preview": _2024,
    "2024-06-01": _2024,
    "2024-07-01-preview": _2024,
    "2024-08-01-preview": NEWEST,
    "2024-09-01-preview": NEWEST,
    "2024-10-01-preview": NEWEST,
    "2024-10-21": _2024,
    "2024-12-01-preview": NEWEST,
    "2025-01-01-preview": NEWEST,
    "2025-02-01-preview": NEWEST,
    "2025-03-01-preview": NEWEST,
    "2025-04-01-preview": NEWEST,
}

_DATED = re.compile(r"20\d\d-\d\d-\d\d")


def plain_path(api_version: str | None) -> Version:
    """The wire of `/openai/deployments/{d}/chat/completions`, where grounded answers always had the 2024 shape.

    Raises:
        HTTPException: 404, no version was given.
    """
    version = TABLE.get(_given(api_version), NEWEST)
    if version.shape is Shape.CONTEXT:
        return version
    return replace(version, shape=Shape.CONTEXT)


def extensions_path(api_version: str | None) -> Version:
    """The wire of `/openai/deployments/{d}/extensions/chat/completions`.

    Versions from 2024 on, listed or not, are sent here by clients that were updated by half: they get the 2024
    shape, which is what those clients read. Anything else unlisted gets the path's own newest shape.

    Raises:
        HTTPException: 404, no version was given.
    """
    given = _given(api_version)
    if given in TABLE:
        return TABLE[given]
    return NEWEST if _DATED.match(given) and given >= "2024" else _2023_09


def required(api_version: str | None) -> None:
    """Refuse a request without a version, as the service did.

    Raises:
        HTTPException: 404.
    """
    _given(api_version)


def _given(api_version: str | None) -> str:
    if not api_version:
        raise HTTPException(404, "Resource not found: the api-version query parameter is missing.")
    return api_version.strip().lower()
