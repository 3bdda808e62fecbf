"""How each face of the server says that a caller may not: the one place that knows (contract notes, 1, 8 and 10).

| face | no credential | a wrong one | a role that may not |
| --- | --- | --- | --- |
| Azure OpenAI (`/openai/…`) | 401, code "401" | 401, code "401" | 401, code "PermissionDenied" |
| Azure AI Search (`/indexes…`) | 401, code "" | 403, code "" | 403, code "" |
| Azure AI Vision (`/computervision/…` or not) | 401, code "401" | 401, code "401" | 401, code "PermissionDenied" |
| everything else | 401, code "401" | 401, code "401" | 403, code "forbidden" |
"""

from __future__ import annotations

from enum import StrEnum

from fastapi import FastAPI, Request
from starlette.responses import JSONResponse

from foveal.api.errors import azure_envelope, http_envelope
from foveal.errors import ForbiddenError

MISSING = "Access denied: the request carries no key. Send it as `api-key` or as `Authorization: Bearer`."
WRONG = "Access denied: the key in the api-key header or bearer token is wrong, expired or revoked."


class Face(StrEnum):
    """Whose interface a path belongs to."""

    OPENAI = "/openai"
    SEARCH = "/indexes"
    VISION = "/computervision"
    VISION_RETRIEVAL = "/retrieval"
    VISION_ANALYSIS = "/imageanalysis"
    OWN = "/"


def face_of(path: str) -> Face:
    """By the path's beginning; `/indexes('name')` is Search's too."""
    return next((face for face in Face if path.startswith(face)), Face.OWN)


def denied_key(path: str, *, given: bool) -> JSONResponse:
    """The refusal of a request without a credential, or with one that opens nothing.

    Args:
        given: Whether there was one.
    """
    message = WRONG if given else MISSING
    if face_of(path) is not Face.SEARCH:
        return JSONResponse(http_envelope(401, message), 401, {"www-authenticate": "Bearer"})
    if given:
        return JSONResponse(_search_envelope(message), 403)
    return JSONResponse(_search_envelope(message), 401, {"www-authenticate": "Bearer"})


def forbidden(path: str, error: ForbiddenError) -> JSONResponse:
    """The refusal of a caller who is known and may not do this."""
    face = face_of(path)
    if face is Face.SEARCH:
        return JSONResponse(_search_envelope(str(error)), error.status)
    body = azure_envelope(error)
    if face is Face.OWN:
        return JSONResponse(body, error.status)
    detail = body["error"]
    assert isinstance(detail, dict)  # noqa: S101 - the envelope's form
    return JSONResponse({"error": {**detail, "code": "PermissionDenied"}}, 401)


def install(app: FastAPI) -> None:
    """Have `app` answer `ForbiddenError` as the face of its path does."""
    app.add_exception_handler(ForbiddenError, _on_forbidden)


async def _on_forbidden(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ForbiddenError)  # noqa: S101 - registered for that class only
    return forbidden(request.url.path, error)


def _search_envelope(message: str) -> dict[str, object]:
    return {"error": {"code": "", "message": message}}
