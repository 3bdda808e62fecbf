"""Errors as Azure AI Vision says them.

Sources: contract notes, section 6; "Image Analysis error codes" (Microsoft)::

{"error": {"code": "InvalidRequest", "message": "…", "innererror": {"code": "InvalidImageUrl", "message": "…"}}}
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from foveal.api.errors import BodyError, retry_headers
from foveal.errors import (
    ConflictError,
    ForbiddenError,
    FovealError,
    ImageError,
    InvalidRequestError,
    NotFoundError,
    PreconditionError,
    TooLargeError,
)

CODES: dict[type[FovealError], str] = {
    InvalidRequestError: "InvalidRequest",
    TooLargeError: "InvalidRequest",
    NotFoundError: "NotFound",
    ConflictError: "Conflict",
    PreconditionError: "PreconditionFailed",
}
"""By the nearest class of an error; others have our own code."""


class VisionError(InvalidRequestError):
    """A request that this face refuses.

    Attributes:
        inner: The service's own inner code.
    """

    def __init__(self, message: str, *, remedy: str = "", inner: str) -> None:
        super().__init__(message, remedy=remedy)
        self.inner = inner


class MediaTypeError(VisionError):
    """A body of a kind that is not read."""

    status = 415


def vision_envelope(error: FovealError) -> dict[str, object]:
    """The error on the wire."""
    code = next((CODES[kind] for kind in type(error).__mro__ if kind in CODES), error.code)
    inner = {"code": _inner(error), "message": error.message, "remedy": error.remedy}
    return {"error": {"code": code, "message": str(error), "innererror": inner}}


def vision_status(error: FovealError) -> int:
    """What is too large is a bad request here, as the service had it."""
    return 400 if isinstance(error, TooLargeError) else error.status


def _inner(error: FovealError) -> str:
    if isinstance(error, VisionError):
        return error.inner
    if isinstance(error, TooLargeError):
        return "InvalidImageSize"
    if isinstance(error, ImageError):
        return "InvalidImageUrl" if error.reason == "address" else "InvalidImageFormat"
    return "BadArgument" if isinstance(error, InvalidRequestError) else error.code


class VisionRoute(APIRoute):
    """A route whose failures leave in this envelope."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler with its errors answered."""
        handle = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                return _reply(BodyError.of(error))
            except ForbiddenError:
                raise  # each face's refusals are in `foveal.api.denials`
            except FovealError as error:
                return _reply(error)
            except HTTPException as error:
                detail = {"code": "ResourceNotFound", "message": error.detail}
                return JSONResponse({"error": detail}, error.status_code)

        return answered


def _reply(error: FovealError) -> JSONResponse:
    return JSONResponse(vision_envelope(error), vision_status(error), retry_headers(error))
