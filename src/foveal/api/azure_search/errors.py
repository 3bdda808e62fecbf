"""Errors as Azure AI Search says them: `{"error": {"code": "", "message": "…"}}`.

Its code is often empty (contract notes, 8).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from foveal.api.errors import BodyError, retry_headers
from foveal.errors import (
    ConflictError,
    FovealError,
    IndexNotFoundError,
    InvalidRequestError,
    PreconditionError,
)

CODES: dict[type[FovealError], str] = {
    ConflictError: "ResourceNameAlreadyInUse",
    IndexNotFoundError: "ResourceNotFound",
    PreconditionError: "PreconditionFailed",
}
"""Errors with a code that clients match on; every other 400 is `InvalidRequestParameter`, the rest have none."""


class NotServedError(InvalidRequestError):
    """A part of Azure AI Search that Foveal does not have."""


def search_envelope(error: FovealError) -> dict[str, object]:
    """The error on the wire; `details` repeats it with our own code, as the service does for causes."""
    code = CODES.get(type(error), "")
    if isinstance(error, NotServedError):
        code = "OperationNotSupported"
    elif isinstance(error, InvalidRequestError):
        code = "InvalidRequestParameter"
    return {"error": {"code": code, "message": str(error), "details": [{"code": error.code, "message": str(error)}]}}


class SearchRoute(APIRoute):
    """A route whose failures leave in this envelope."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler with its errors answered."""
        handle = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                return _reply(BodyError.of(error))
            except FovealError as error:
                return _reply(error)

        return answered


def _reply(error: FovealError) -> JSONResponse:
    return JSONResponse(search_envelope(error), error.status, retry_headers(error))
