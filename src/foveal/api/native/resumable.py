"""`/v1/files/resumable`: large files in pieces that survive a lost connection, by the tus protocol, version 1.0.0
(tus.io/protocols/resumable-upload; core, creation, creation-with-upload, expiration, termination).

`POST` with `Upload-Length` and `Upload-Metadata` gives an address; `PATCH` there sends bytes from `Upload-Offset` on;
`HEAD` says how many are here. With the last byte the file is kept, and read into its index as `/v1/files` says. Keys of
the metadata are `filename`, and the fields of a form of `/v1/files`. Requests without `Tus-Resumable` are taken as
1.0.0, so that curl can do it too.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from email.utils import format_datetime

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from foveal.api.auth import Caller, Role, require
from foveal.api.errors import azure_envelope, retry_headers
from foveal.api.native.multipart import pieces
from foveal.api.native.sources import may_change
from foveal.api.native.upload_forms import BLOCK_BYTES, FIELDS, Form
from foveal.api.native.upload_schemas import MAX_DESCRIPTION, RunOut, UnfinishedOut
from foveal.api.native.uploads import Sending, run_out, settled_source
from foveal.api.sse import CLIENT_CLOSED
from foveal.errors import ConflictError, FovealError, InvalidRequestError, NotFoundError
from foveal.pipeline.uploads import Receiving, Uploads
from foveal.types.uploads import Received, Unfinished, UploadDraft, UploadId

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,termination"
BYTES_TYPE = "application/offset+octet-stream"


def router(sending: Sending) -> APIRouter:
    """All of them."""
    routes = APIRouter(prefix="/files/resumable")
    _add_beginning(routes, sending)
    _add_going_on(routes, sending)
    return routes


def _add_beginning(routes: APIRouter, sending: Sending) -> None:
    threads = sending.threads

    @routes.options("", status_code=204, response_class=Response)
    async def say_what_can_be_done(request: Request) -> Response:
        """The version and extensions of the tus protocol, and the largest file."""
        uploads = sending.uploads()
        headers = {
            "tus-version": VERSION,
            "tus-extension": EXTENSIONS,
            "tus-max-size": str(uploads.limits.file_bytes),
        }
        return Response(status_code=204, headers={"tus-resumable": VERSION, **headers})

    @routes.post("", status_code=201, response_class=Response)
    async def begin_upload(request: Request) -> Response:
        """Announce a file: `Upload-Length` and `Upload-Metadata` (`filename` and more, each in base64)."""
        caller = require(request, Role.CONTRIBUTOR)
        uploads = sending.uploads()

        def begin() -> Unfinished:
            return uploads.begin(_draft(request, uploads, caller, sending.index))

        async def work() -> Response:
            unfinished = await threads.run(begin)
            headers = _headers(unfinished, uploads)
            base = str(request.base_url).rstrip("/")
            headers["location"] = f"{base}/v1/files/resumable/{unfinished.upload_id}"
            if request.headers.get("content-type", "").lower() == BYTES_TYPE:
                headers |= await _take(request, uploads, sending, unfinished)
            return Response(status_code=201, headers=headers)

        return await _answered(request, work)


def _add_going_on(routes: APIRouter, sending: Sending) -> None:
    threads = sending.threads

    @routes.get("/{upload_id}")
    async def show_upload(request: Request, upload_id: str) -> UnfinishedOut:
        """How far a file is; `HEAD` says it in `Upload-Offset`."""
        caller = require(request, Role.CONTRIBUTOR)
        uploads = sending.uploads()

        async def work() -> Response:
            unfinished = await threads.run(_own, uploads, upload_id, caller)
            body = UnfinishedOut(
                upload_id=unfinished.upload_id,
                name=unfinished.draft.path,
                offset=unfinished.offset,
                size_bytes=unfinished.draft.size_bytes,
                expires_at=unfinished.touched_at + uploads.limits.kept_for,
            )
            headers = {**_headers(unfinished, uploads), "cache-control": "no-store"}
            return JSONResponse(body.model_dump(mode="json"), headers=headers)

        return await _answered(request, work)  # type: ignore[return-value]  # FastAPI passes a response on

    @routes.patch("/{upload_id}", status_code=204, response_class=Response)
    async def send_piece(request: Request, upload_id: str) -> Response:
        """Send bytes from `Upload-Offset` on."""
        caller = require(request, Role.CONTRIBUTOR)
        uploads = sending.uploads()
        if request.headers.get("content-type", "").lower() != BYTES_TYPE:
            raise HTTPException(415, f"The content type of a piece is {BYTES_TYPE}.")

        async def work() -> Response:
            unfinished = await threads.run(_own, uploads, upload_id, caller)
            offset = _number(request, "upload-offset")
            if offset != unfinished.offset:
                raise ConflictError(
                    f"The upload has {unfinished.offset} bytes, not {offset}.",
                    remedy=f"Go on from {unfinished.offset}.",
                )
            headers = _headers(unfinished, uploads) | await _take(request, uploads, sending, unfinished)
            return Response(status_code=204, headers=headers)

        return await _answered(request, work)

    @routes.delete("/{upload_id}", status_code=204, response_class=Response)
    async def give_up(request: Request, upload_id: str) -> Response:
        """Give a file up that is not whole."""
        caller = require(request, Role.CONTRIBUTOR)
        uploads = sending.uploads()

        async def work() -> Response:
            unfinished = await threads.run(_own, uploads, upload_id, caller)
            await threads.run(uploads.abandon, unfinished.upload_id)
            return Response(status_code=204, headers={"tus-resumable": VERSION})

        return await _answered(request, work)


async def _answered(request: Request, work: Callable[[], Awaitable[Response]]) -> Response:
    """What `work` gives; its errors with the header that the protocol wants on everything."""
    said = request.headers.get("tus-resumable", VERSION)
    if said != VERSION:
        return Response(status_code=412, headers={"tus-version": VERSION})
    try:
        return await work()
    except ClientDisconnect:
        return Response(status_code=CLIENT_CLOSED)  # what came is kept; it goes on from there
    except FovealError as error:
        headers = {"tus-resumable": VERSION, **retry_headers(error)}
        return JSONResponse(azure_envelope(error), error.status, headers)


async def _take(request: Request, uploads: Uploads, sending: Sending, unfinished: Unfinished) -> dict[str, str]:
    """Keep the body's bytes; the headers that say how far it is now."""
    receiving = uploads.receive(unfinished)
    async with aclosing(_blocks(request, uploads.limits.file_bytes)) as blocks:
        async for block in blocks:
            await sending.threads.run(receiving.write, block)
    headers = {"upload-offset": str(receiving.offset)}
    if not receiving.whole:
        return headers
    base = str(request.base_url).rstrip("/")
    received, run = await sending.threads.run(_end, uploads, receiving, unfinished.draft, base)
    return {
        **headers,
        "operation-location": run.url or run.source_url,
        "foveal-file-id": received.file.file_id,
        "foveal-outcome": received.fate.value,
    }


def _end(uploads: Uploads, receiving: Receiving, draft: UploadDraft, base: str) -> tuple[Received, RunOut]:
    received = receiving.end()
    source = received.file.source
    job = uploads.start(source) if draft.start else None
    return received, run_out(uploads.source(source), job, base)


async def _blocks(request: Request, limit_bytes: int) -> AsyncGenerator[bytes, None]:
    """The body in blocks worth a write; when the caller hangs up, what came so far first."""
    block = bytearray()
    try:
        async with aclosing(pieces(request, limit_bytes=limit_bytes)) as body:
            async for piece in body:
                block += piece
                if len(block) >= BLOCK_BYTES:
                    yield bytes(block)
                    block.clear()
    except ClientDisconnect:
        if block:
            yield bytes(block)
        raise
    if block:
        yield bytes(block)


def _draft(request: Request, uploads: Uploads, caller: Caller, index: str) -> UploadDraft:
    said = _metadata(request.headers.get("upload-metadata", ""))
    form = Form(fields={name: [value] for name, value in said.items() if name in FIELDS})
    description = form.one("description")
    if len(description) > MAX_DESCRIPTION:
        raise InvalidRequestError(f"The description is longer than {MAX_DESCRIPTION} characters.")
    draft = UploadDraft(
        path=said.get("filename") or said.get("name", ""),
        source=form.one("source"),
        size_bytes=_number(request, "upload-length"),
        description=description,
        replace=form.flag("replace", default=False),
        start=form.flag("start", default=True),
    )
    groups = [group.strip() for group in form.one("group").split("\n") if group.strip()]
    return replace(draft, source=settled_source(uploads, caller, draft, form.one("index") or index, groups))


def _metadata(header: str) -> dict[str, str]:
    """Keys and values of `Upload-Metadata`: `key base64,key base64`."""
    found: dict[str, str] = {}
    for pair in header.split(","):
        key, _, value = pair.strip().partition(" ")
        try:
            found[key] = base64.b64decode(value.strip(), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            raise InvalidRequestError(f"The Upload-Metadata of {key[:40]!r} is not UTF-8 in base64.") from None
    return found


def _number(request: Request, header: str) -> int:
    value = request.headers.get(header, "")
    if not (value.isascii() and value.isdigit() and len(value) < 19):
        raise InvalidRequestError(f"The header {header} is not a number of bytes.")
    return int(value)


def _own(uploads: Uploads, upload_id: str, caller: Caller) -> Unfinished:
    unfinished = uploads.unfinished(UploadId(upload_id))
    if not may_change(uploads.source(unfinished.draft.source), caller):
        raise NotFoundError(f"There is no unfinished upload {upload_id[:32]!r}.")
    return unfinished


def _headers(unfinished: Unfinished, uploads: Uploads) -> dict[str, str]:
    expires = unfinished.touched_at + uploads.limits.kept_for
    return {
        "tus-resumable": VERSION,
        "upload-offset": str(unfinished.offset),
        "upload-length": str(unfinished.draft.size_bytes or 0),
        "upload-expires": format_datetime(expires, usegmt=True),
    }
