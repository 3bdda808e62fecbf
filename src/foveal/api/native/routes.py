"""Addresses of the native interface."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from foveal.api.auth import Role, caller_of, require
from foveal.api.bodies import check, documented, parse_json, read_body
from foveal.api.boxes import BOXES_FORM, box_text, read_boxes
from foveal.api.crowd import Threads
from foveal.api.engine import Engine
from foveal.api.links import Links
from foveal.api.native import conversations, convert, feedback, files, jobs, resumable, sources, uploads
from foveal.api.native.schemas import (
    CheckOut,
    ChunkDetails,
    Health,
    IndexList,
    IndexOut,
    SearchBody,
    SearchReply,
)
from foveal.api.native.sources import may_change
from foveal.api.native.upload_forms import FormLimits
from foveal.api.native.upload_schemas import DescriptionBody, RewordedOut
from foveal.api.sse import CLIENT_CLOSED, while_connected
from foveal.types.chunks import ChunkId

JPEG = files.binary("image/jpeg")
PAGE = files.binary("image/jpeg", "image/svg+xml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Native:
    """What the routes work with."""

    engine: Engine
    threads: Threads
    max_body_bytes: int
    form_limits: FormLimits
    version: str

    async def run_for(self, request: Request, work: Callable[[], Response]) -> Response:
        """The reply that `work` makes in a thread. While it waits for its turn, a caller that hangs up ends it."""
        reply = await while_connected(request.receive, lambda: self.threads.run(work))
        return Response(status_code=CLIENT_CLOSED) if reply is None else reply


def router(native: Native) -> APIRouter:
    """All of them."""
    routes = APIRouter(prefix="/v1", tags=["Foveal"])
    engine, threads = native.engine, native.threads

    @routes.get("/indexes")
    async def list_indexes() -> IndexList:
        """All indexes and how well they can be searched."""
        return await threads.run(lambda: IndexList(indexes=[_index(engine, n) for n in engine.index_names()]))

    @routes.get("/indexes/{index}")
    async def show_index(index: str) -> IndexOut:
        """One index."""
        return await threads.run(_index, engine, index)

    @routes.post("/search", response_model=SearchReply, openapi_extra=documented(SearchBody))
    async def search(request: Request) -> Response:
        """Search by words, images and filter together."""
        data = await read_body(request, limit_bytes=native.max_body_bytes)
        links, groups = Links.of(request), caller_of(request).groups

        def reply() -> Response:
            found = convert.search(data, engine, links, groups=groups)
            return Response(found.model_dump_json(), media_type="application/json")

        return await native.run_for(request, reply)

    @routes.get("/health")
    async def health() -> Health:
        """What works, what does not, and what to do about it."""
        checks = [CheckOut(**asdict(c)) for c in await threads.run(engine.checks)]
        status = "degraded" if any(c.state == "failed" for c in checks) else "ok"
        return Health(status=status, version=native.version, checks=checks)

    routes.include_router(_chunks(native))
    routes.include_router(sources.router(engine, threads))
    routes.include_router(jobs.router(engine, threads))
    sending = uploads.Sending(
        uploads=lambda: engine.uploads, threads=threads, limits=native.form_limits, index=engine.default_index
    )
    routes.include_router(resumable.router(sending))  # before `/files/{file_id}`, which would take its address
    routes.include_router(uploads.router(sending))
    routes.include_router(conversations.router(engine, threads))
    routes.include_router(feedback.router(engine, threads))
    return routes


def _chunks(native: Native) -> APIRouter:
    routes = APIRouter(prefix="/indexes/{index}/chunks/{chunk_id}")
    engine, threads = native.engine, native.threads

    @routes.get("")
    async def show_chunk(
        request: Request,
        index: str,
        chunk_id: str,
        q: Annotated[str, Query(max_length=2000, description="A question: what of it is it about?")] = "",
    ) -> ChunkDetails:
        """Everything known of one piece."""
        chunk = await threads.run(engine.chunk, index, ChunkId(chunk_id), caller_of(request).groups)
        return convert.details_out(chunk, index, Links.of(request), question=q)

    _add_description(routes, native)
    _add_thumbnail(routes, native)
    _add_page(routes, native)
    _add_original(routes, native)
    return routes


def _add_description(routes: APIRouter, native: Native) -> None:
    engine, threads = native.engine, native.threads

    @routes.patch("", openapi_extra=documented(DescriptionBody))
    async def describe_chunk(request: Request, index: str, chunk_id: str) -> RewordedOut:
        """Give an image other words, wherever it came from; it is read again with them in the background."""
        caller = require(request, Role.CONTRIBUTOR)
        body = check(DescriptionBody, parse_json(await read_body(request, limit_bytes=native.max_body_bytes)))
        base = str(request.base_url).rstrip("/")

        def work() -> RewordedOut:
            job = engine.rewording.describe(
                index,
                ChunkId(chunk_id),
                body.description,
                by=caller.person,
                groups=caller.groups,
                may_change=lambda saved: may_change(saved, caller),
            )
            url = f"{base}/v1/jobs/{job.ingestion_id}"
            return RewordedOut(description=body.description.strip(), job_id=job.ingestion_id, url=url)

        return await threads.run(work)


def _add_thumbnail(routes: APIRouter, native: Native) -> None:
    engine = native.engine

    @routes.get("/thumbnail", response_class=Response, responses=JPEG)
    async def thumbnail(
        request: Request,
        index: str,
        chunk_id: str,
        size: Annotated[int, Query(ge=16, le=2048)] = 320,
        box: Annotated[str, Query(max_length=2048, description=BOXES_FORM)] = "",
    ) -> Response:
        """A JPEG of an image or of a moment of a video, its long side at most `size` pixels, with boxes drawn on it."""
        groups = caller_of(request).groups
        boxes = read_boxes(box)

        def reply() -> Response:
            chunk = engine.chunk(index, ChunkId(chunk_id), groups)
            tag = files.etag(chunk.asset_id, chunk.ordinal, size, *map(box_text, boxes))
            known = files.not_modified(request, tag)
            if known:
                return known
            data = engine.thumbnail(index, chunk.chunk_id, groups, long_side_px=size, boxes=boxes)
            return files.file_response(request, data, "image/jpeg", tag)

        return await native.run_for(request, reply)


def _add_page(routes: APIRouter, native: Native) -> None:
    engine = native.engine

    @routes.get("/page", response_class=Response, responses=PAGE)
    async def page(
        request: Request,
        index: str,
        chunk_id: str,
        size: Annotated[int, Query(ge=16, le=2048)] = 1024,
        q: Annotated[str, Query(max_length=2000, description="A question: the lines it is about are marked.")] = "",
    ) -> Response:
        """The page of a PDF that a passage is on, a JPEG with at most `size` pixels on its long side, or the slide of a
        presentation, a drawing.
        """
        groups = caller_of(request).groups

        def reply() -> Response:
            chunk = engine.chunk(index, ChunkId(chunk_id), groups)
            marked = hashlib.sha256(q.encode()).hexdigest()[:16]
            tag = files.etag(chunk.asset_id, "page", chunk.locator.page, chunk.ordinal, size, marked)
            known = files.not_modified(request, tag)
            if known:
                return known
            shown = engine.page(index, chunk.chunk_id, groups, long_side_px=size, question=q)
            return files.file_response(request, shown.data, shown.media_type, tag, files.DRAWN)

        return await native.run_for(request, reply)


def _add_original(routes: APIRouter, native: Native) -> None:
    engine = native.engine

    @routes.get("/bytes", response_class=Response, responses=files.BINARY)
    async def original(request: Request, index: str, chunk_id: str) -> Response:
        """The file it is from, exactly as it was indexed."""
        groups = caller_of(request).groups

        def reply() -> Response:
            chunk = engine.chunk(index, ChunkId(chunk_id), groups)
            tag = files.etag(chunk.asset_id)
            known = files.not_modified(request, tag)
            if known:
                return known
            more = {"content-disposition": files.disposition(chunk.filepath, chunk.media_type)}
            if chunk.kind.has_timeline:
                file = engine.open_original(index, chunk.chunk_id, groups)
                return files.played_response(request, file, files.served_type(chunk.media_type), tag, more)
            media_type, data = engine.original(index, chunk.chunk_id, groups)
            return files.file_response(request, data, files.served_type(media_type), tag, more)

        return await native.run_for(request, reply)


def _index(engine: Engine, name: str) -> IndexOut:
    return convert.index_out(engine.index_status(name))
