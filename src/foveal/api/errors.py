"""Errors on the wire: every failure leaves the server in one of two envelopes, and none with a traceback.

Azure OpenAI's (contract notes, section 10), used everywhere but one place::

    {"error": {"code": "404", "message": "…", "param": null, "type": "invalid_request_error", "innererror": {…}}}

On Your Data's (section 3.6), for chat requests that name a data source, with an integer code::

    {"error": {"requestid": "<uuid>", "code": 400, "message": "…"}}

`innererror.code` is always the code of `foveal.errors`, and `innererror.remedy` says what to do.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from foveal.api.wire import request_id
from foveal.errors import (
    BudgetError,
    ContentFilteredError,
    DeploymentNotFoundError,
    FilterError,
    FovealError,
    IndexNotFoundError,
    InvalidRequestError,
    ModelChecksumError,
    ModelOverloadedError,
    ModelUnavailableError,
    OperationError,
    RateLimitError,
    RequestError,
    SourceUnusableError,
    UpstreamRequestError,
)

WIRE_CODES: dict[type[FovealError], str] = {
    DeploymentNotFoundError: "DeploymentNotFound",
    OperationError: "OperationNotSupported",
}
"""Errors whose Azure OpenAI code is not ours. Every 429 has the code "429" (contract notes, section 10)."""

WAITING_IS_USELESS = (ModelUnavailableError, ModelChecksumError, BudgetError)
"""Errors that stay until the operator acts: clients are told not to retry."""

FILTERED_TEXT = (
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. "
    "Please modify your prompt and retry."
)
"""The service's own sentence: clients tell a filtered prompt by it (LiteLLM's exception mapping does)."""

THERE = {"denied": HTTPStatus.FORBIDDEN, "not_found": HTTPStatus.NOT_FOUND, "unreachable": HTTPStatus.NOT_FOUND}
"""What a live index's service said, by the reason of our error."""

DEFAULT_RETRY_S = 1.0
SEARCH_TITLE = "AzureCognitiveSearch"
"""What On Your Data's error texts call Azure AI Search."""
CRASH_TEXT = "The server failed on this request; its log has the cause under the request id."


class InnerError(BaseModel):
    """What programs match on, and what to do."""

    code: str
    remedy: str = ""
    content_filter_result: dict[str, dict[str, bool | str]] | None = None


class ErrorDetail(BaseModel):
    """A failure. `code` is an integer, and `requestid` there, in On Your Data's envelope."""

    code: str | int
    message: str
    requestid: str | None = None
    param: str | None = None
    type: str | None = None
    status: int | None = None
    innererror: InnerError | None = None


class ErrorReply(BaseModel):
    """Either envelope, for the OpenAPI document."""

    error: ErrorDetail


class GroundedError(Exception):
    """A failure of a chat request with data sources: the same error, to be sent in On Your Data's envelope."""

    def __init__(self, error: FovealError) -> None:
        super().__init__(str(error))
        self.error = error


_NO_NAMES = re.compile(r" or instance of \w+$")
"""What pydantic says of our own classes, which no caller knows."""


class BodyError(InvalidRequestError):
    """A request body that does not fit its schema.

    Attributes:
        param: The first field at fault, dotted.
        faults: `(JSON pointer, what is wrong)`, one a fault.
    """

    def __init__(self, faults: Sequence[tuple[tuple[str | int, ...], str]]) -> None:
        where = [".".join(str(part) for part in path) for path, _ in faults]
        super().__init__("; ".join(f"{w}: {m}" if w else m for w, (_, m) in zip(where, faults, strict=True)))
        self.param = where[0] or None
        self.faults = [("#/" + "/".join(str(part) for part in path), message) for path, message in faults]

    @classmethod
    def of(cls, error: ValidationError | RequestValidationError) -> BodyError:
        """Translate pydantic's."""
        return cls([(tuple(e["loc"]), _NO_NAMES.sub("", str(e["msg"]))) for e in error.errors()])


class SourceError(IndexNotFoundError):
    """A data source whose index does not exist or is out of reach.

    Attributes:
        source: What the service's error texts call its type, such as `AzureCognitiveSearch`.
    """

    def __init__(self, message: str, *, remedy: str, source: str) -> None:
        super().__init__(message, remedy=remedy)
        self.source = source


def azure_envelope(error: FovealError) -> dict[str, object]:
    """The error as Azure OpenAI says it."""
    if isinstance(error, ContentFilteredError):
        return {"error": _filtered_detail(error)}
    if isinstance(error, UpstreamRequestError):
        return {"error": _upstream_detail(error)}
    kind = _kind(error.status)
    code = "429" if error.status == HTTPStatus.TOO_MANY_REQUESTS else WIRE_CODES.get(type(error), error.code)
    inner = {"code": error.code, "remedy": error.remedy}
    param = error.param if isinstance(error, BodyError) else None
    return {"error": {"code": code, "message": str(error), "param": param, "type": kind, "innererror": inner}}


def grounded_envelope(error: FovealError, request_id: str) -> dict[str, object]:
    """The error as On Your Data says it."""
    detail = {"requestid": request_id, "code": grounded_status(error), "message": _grounded_text(error)}
    if isinstance(error, ContentFilteredError):  # clients look there for the category, whatever was asked
        detail["innererror"] = _filtered_inner(error)
    return {"error": detail}


def grounded_status(error: FovealError) -> int:
    """On Your Data answers 400 to whatever is wrong with a data source, a missing index too."""
    return 400 if isinstance(error, RequestError) and error.status == HTTPStatus.NOT_FOUND else error.status


def retry_headers(error: FovealError) -> dict[str, str]:
    """What OpenAI clients read after 429 and 503: seconds, milliseconds, and whether to try again at all."""
    if error.status not in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        return {}
    asked = error.retry_after_s if isinstance(error, ModelOverloadedError | RateLimitError) else None
    seconds = DEFAULT_RETRY_S if asked is None else max(0.0, asked)
    headers = {"retry-after": str(math.ceil(seconds)), "retry-after-ms": str(math.ceil(seconds * 1000))}
    if isinstance(error, WAITING_IS_USELESS) or (isinstance(error, RateLimitError) and asked is None):
        headers["x-should-retry"] = "false"
    return headers


def http_envelope(status: int, message: str) -> dict[str, object]:
    """Errors of the transport (no such path, no key): the code is the status, as a string."""
    inner = {"code": HTTPStatus(status).phrase.lower().replace(" ", "_"), "remedy": ""}
    return {
        "error": {"code": str(status), "message": message, "param": None, "type": _kind(status), "innererror": inner}
    }


def install(app: FastAPI) -> None:
    """Have `app` answer every exception in its envelope."""
    app.add_exception_handler(FovealError, _on_foveal_error)
    app.add_exception_handler(GroundedError, _on_grounded_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(Exception, _on_crash)


async def _on_foveal_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, FovealError)  # noqa: S101 - registered for that class only
    return JSONResponse(azure_envelope(error), error.status, retry_headers(error))


async def _on_grounded_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, GroundedError)  # noqa: S101 - registered for that class only
    body = grounded_envelope(error.error, request_id(request))
    return JSONResponse(body, grounded_status(error.error), retry_headers(error.error))


async def _on_validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for that class only
    return await _on_foveal_error(request, BodyError.of(error))


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for that class only
    message = error.detail
    if error.status_code == HTTPStatus.NOT_FOUND and message == HTTPStatus.NOT_FOUND.phrase:
        message = f"Resource not found: {request.method} {request.url.path}"
    return JSONResponse(http_envelope(error.status_code, message), error.status_code, error.headers)


async def _on_crash(request: Request, error: Exception) -> JSONResponse:
    # Starlette raises it again for the server to log; the caller learns nothing but the request id.
    headers = {"apim-request-id": request_id(request), "x-request-id": request_id(request)}
    return JSONResponse(http_envelope(500, CRASH_TEXT), 500, headers)


def _filtered_detail(error: ContentFilteredError) -> dict[str, object]:
    """Section 10 of the contract notes: `param` is the prompt, and the status is told again."""
    inner = _filtered_inner(error)
    return {
        "code": error.code,
        "message": FILTERED_TEXT,
        "param": "prompt",
        "type": None,
        "status": error.status,
        "innererror": inner,
    }


def _upstream_detail(error: UpstreamRequestError) -> dict[str, object]:
    """The server's own words."""
    return {
        "code": error.wire_code or error.code,
        "message": str(error),
        "param": error.param,
        "type": _kind(error.status),
        "innererror": {"code": error.code, "remedy": error.remedy},
    }


def _filtered_inner(error: ContentFilteredError) -> dict[str, object]:
    return {"code": "ResponsibleAIPolicyViolation", "content_filter_result": error.results}


def _kind(status: int) -> str:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return "rate_limit_error"
    return "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"


def _grounded_text(error: FovealError) -> str:
    if isinstance(error, ContentFilteredError):
        return FILTERED_TEXT
    if isinstance(error, BodyError):
        return "\n".join(f"Validation error at {pointer}: {message}" for pointer, message in error.faults)
    if isinstance(error, SourceError) and error.source != SEARCH_TITLE:
        return f"Invalid {error.source} configuration detected: Call to get the index failed.\n{error}"
    if isinstance(error, IndexNotFoundError):
        return _search_text("get", error, HTTPStatus.NOT_FOUND)
    if isinstance(error, FilterError):
        return _search_text("search", error, HTTPStatus.BAD_REQUEST)
    if isinstance(error, SourceUnusableError):
        return _search_text("search", error, THERE.get(error.reason, HTTPStatus.BAD_REQUEST))
    return str(error)


def _search_text(call: str, error: FovealError, status: int) -> str:
    return (
        f"Invalid {SEARCH_TITLE} configuration detected: Call to {call} Azure Search index failed.\n"
        f"{error}\nAzure Search Error: {int(status)}"
    )
