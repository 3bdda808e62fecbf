"""JSON request bodies: read under a limit, checked against a schema, and told to the OpenAPI document.

FastAPI's own body parameters are not used for them: they refuse other content types, have no limit, and decode
megabytes of base64 in the event loop.
"""

from __future__ import annotations

import json
from typing import TypeVar

import anyio
import anyio.to_thread
from fastapi import Request
from pydantic import BaseModel, ValidationError
from pydantic.json_schema import models_json_schema

from foveal.api import limits
from foveal.api.errors import BodyError
from foveal.errors import InvalidRequestError, RequestTimeoutError, TooLargeError

Body = TypeVar("Body", bound=BaseModel)
BODY_SECONDS = 60.0
"""A body that trickles in for longer holds a place in the queue for nothing: 64 MB arrive in it at 9 Mbit/s."""
SCHEMAS = "#/components/schemas/{model}"


async def read_body(request: Request, *, limit_bytes: int, limit_s: float = BODY_SECONDS) -> bytes:
    """The raw body, declared length or not; its tokens are charged to the caller's key, if that has a limit of them.

    Raises:
        TooLargeError: It is longer than the limit; no more than the limit is kept in memory.
        RequestTimeoutError: It is not here after `limit_s`.
        RateLimitError: It takes more tokens than the key has left.
    """
    try:
        with anyio.fail_after(limit_s):
            data = await _read(request, limit_bytes)
    except TimeoutError:
        raise RequestTimeoutError(
            f"The request body did not arrive within {limit_s:g} seconds.", remedy="Send fewer or smaller images."
        ) from None
    if limits.is_metered():
        limits.charge(await anyio.to_thread.run_sync(limits.estimate, data))
    return data


async def _read(request: Request, limit_bytes: int) -> bytes:
    declared = request.headers.get("content-length", "")
    data = bytearray()
    if not (declared.isdigit() and int(declared) > limit_bytes):
        async for piece in request.stream():
            data += piece
            if len(data) > limit_bytes:
                break
        else:
            return bytes(data)
    raise TooLargeError(f"The request body is larger than {limit_bytes} bytes.", remedy="Send fewer or smaller images.")


def parse_json(data: bytes) -> object:
    """The JSON document in a body (UTF-8, a byte order mark allowed).

    Raises:
        InvalidRequestError: It is not JSON.
    """
    try:
        value: object = json.loads(data.decode("utf-8-sig"), parse_constant=_refused)
    except (ValueError, RecursionError) as error:  # ValueError: also a number of thousands of digits
        raise InvalidRequestError(f"The request body is not valid JSON: {error}.") from None
    return value


def _refused(constant: str) -> object:
    raise ValueError(f"{constant} is no value of JSON")


def check(model: type[Body], value: object) -> Body:
    """`value` as `model`.

    Raises:
        BodyError: With every fault.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise BodyError.of(error) from None


async def read_checked(model: type[Body], request: Request, *, limit_bytes: int) -> Body:
    """The body as `model`.

    Raises:
        FovealError: It cannot be read, or does not fit.
    """
    return check(model, parse_json(await read_body(request, limit_bytes=limit_bytes)))


def documented(model: type[BaseModel]) -> dict[str, object]:
    """`openapi_extra` of a route that reads `model`."""
    content = {"application/json": {"schema": {"$ref": SCHEMAS.format(model=model.__name__)}}}
    return {"requestBody": {"required": True, "content": content}}


def schemas_of(*models: type[BaseModel]) -> dict[str, object]:
    """What `documented` refers to, for the OpenAPI document's components."""
    _, definitions = models_json_schema([(m, "validation") for m in models], ref_template=SCHEMAS)
    found: dict[str, object] = definitions["$defs"]
    return found
