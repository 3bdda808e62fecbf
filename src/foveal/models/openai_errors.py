"""Errors of the OpenAI SDK, translated by class and status into Foveal's tree; never by message text.

`OUTCOMES` names every exception class of the SDK (a test walks them: a new one fails it). A class that a newer
SDK adds is translated as its nearest named ancestor until then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from foveal.errors import (
    AssetFilteredError,
    ContentFilteredError,
    ModelError,
    ModelOverloadedError,
    ModelRejectedError,
    ModelTimeoutError,
    ModelUnavailableError,
)
from foveal.models.limits import retry_after_s

if TYPE_CHECKING:
    import openai

Outcome = Literal["unavailable", "timeout", "overloaded", "rejected", "filtered", "by status", "by code"]

OUTCOMES: Mapping[str, Outcome] = {
    # What a call over HTTP raises.
    "APIConnectionError": "unavailable",
    "APITimeoutError": "timeout",
    "APIStatusError": "by status",
    "BadRequestError": "by code",
    "AuthenticationError": "rejected",
    "OAuthError": "rejected",
    "PermissionDeniedError": "rejected",
    "NotFoundError": "rejected",
    "ConflictError": "unavailable",  # a lock on the server; the SDK has retried it
    "UnprocessableEntityError": "rejected",
    "RateLimitError": "overloaded",
    "InternalServerError": "by status",
    "APIResponseValidationError": "unavailable",
    "APIError": "by code",  # an error event in mid-stream
    "LengthFinishReasonError": "unavailable",
    "ContentFilterFinishReasonError": "filtered",
    # How the client is set up.
    "OpenAIError": "rejected",
    "MutuallyExclusiveAuthError": "rejected",
    "SubjectTokenProviderError": "rejected",
    "MissingDependencyError": "rejected",
    "APIRemovedInV1": "rejected",
    "_AmbiguousModuleClientUsageError": "rejected",
    # Of parts of the SDK that Foveal does not call.
    "StreamAlreadyConsumed": "unavailable",
    "WebSocketConnectionClosedError": "unavailable",
    "WebSocketQueueFullError": "overloaded",
    "AgentOutputParseError": "unavailable",
    "AgentTurnResultError": "unavailable",
    "AgentFilePreparationError": "rejected",
    "AgentFileStagingError": "rejected",
}

_FILTER_CODES = frozenset({"content_filter", "content_policy_violation", "moderation_blocked"})
"""`error.code` of a refusal by a content filter: Azure OpenAI's (400), then the two of OpenAI's image services."""

_CODE_OUTCOMES: Mapping[str, Outcome] = {
    "rate_limit_exceeded": "overloaded",
    "429": "overloaded",
    "insufficient_quota": "overloaded",
    "server_error": "unavailable",
}


def translated(
    error: openai.OpenAIError, *, server: str, asset: bool = False
) -> ModelError | AssetFilteredError | ContentFilteredError:
    """The error of Foveal's tree that says what `error` means.

    Args:
        error: What the SDK raised, after its retries.
        server: Model and address, for the message.
        asset: Whether the call was about one file: a content filter's refusal is then that file's error.
    """
    match _outcome(error):
        case "filtered" if asset:
            return AssetFilteredError(
                f"The content filter of {server} refused this file.",
                remedy="Describe it in a metadata file, or leave it out.",
                stage="understand",
            )
        case "filtered":
            return ContentFilteredError(
                f"The content filter of {server} refused the prompt.",
                remedy="Ask in other words.",
                results=_filter_results(error),
            )
        case "timeout":
            return timed_out(server)
        case "overloaded":
            return ModelOverloadedError(
                f"{server} is over its rate limit or quota.",
                remedy="Wait and try again, or lower `concurrency`.",
                retry_after_s=retry_after_s(_headers(error)),
            )
        case "rejected":
            return ModelRejectedError(
                f"{server} refused the request{_status_words(error)}: {_server_words(error)}",
                remedy=_REMEDIES.get(_status(error), "Check address, key and model name in the settings."),
            )
        case _:
            return ModelUnavailableError(
                f"{server} cannot answer{_status_words(error)}: {_server_words(error)}",
                remedy="Check that the server runs and that its address in the settings is right.",
            )


def timed_out(server: str) -> ModelTimeoutError:
    """The error for a deadline that passed."""
    return ModelTimeoutError(f"{server} did not answer in time.", remedy="Raise its `timeout_s`, or try again.")


_REMEDIES = {
    400: "The server's words say which parameter it does not take.",
    401: "Check the API key in the settings.",
    403: "This key may not use that model.",
    404: "Check address and model name (Azure: the deployment's name) in the settings.",
}


def _outcome(error: openai.OpenAIError) -> Outcome:
    named = next(name for name in (kind.__name__ for kind in type(error).__mro__) if name in OUTCOMES)
    outcome = OUTCOMES[named]
    if outcome == "by code":
        return _outcome_by_code(error)
    return _outcome_by_status(_status(error)) if outcome == "by status" else outcome


def _outcome_by_code(error: openai.OpenAIError) -> Outcome:
    code = str(getattr(error, "code", None) or "")
    if code in _FILTER_CODES:
        return "filtered"
    default: Outcome = "rejected" if _status(error) else "unavailable"
    return _CODE_OUTCOMES.get(code, default)


def _filter_results(error: openai.OpenAIError) -> dict[str, dict[str, bool | str]]:
    """`innererror.content_filter_result` of Azure OpenAI's refusal; empty where it has none, or of another shape."""
    found: object = getattr(error, "body", None)
    for name in ("innererror", "content_filter_result"):
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        return {}
    return {
        category: {name: value for name, value in result.items() if isinstance(value, bool | str)}
        for category, result in found.items()
        if isinstance(category, str) and isinstance(result, dict)
    }


def _outcome_by_status(status: int) -> Outcome:
    if status in {408, 504}:
        return "timeout"
    if status == 429:
        return "overloaded"
    return "rejected" if 400 <= status < 500 else "unavailable"


def _status(error: openai.OpenAIError) -> int:
    return int(getattr(error, "status_code", 0) or 0)


def _status_words(error: openai.OpenAIError) -> str:
    return f" (HTTP {_status(error)})" if _status(error) else ""


def _headers(error: openai.OpenAIError) -> Mapping[str, str]:
    response = getattr(error, "response", None)
    return {name.lower(): value for name, value in response.headers.items()} if response is not None else {}


def _server_words(error: openai.OpenAIError) -> str:
    return str(getattr(error, "message", "") or error or type(error).__name__)[:500]
