"""Addresses of the native interface."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from foveal.api.auth import caller_of
from foveal.api.bodies import documented, read_body
from foveal.api.crowd import Threads
from foveal.api.engine import Engine
from foveal.api.links import Links
from foveal.api.native import convert, files
from foveal.api.native.schemas import (
    CheckOut,
    ChunkDetails,
    Health,
    IndexList,
    IndexOut,
    SearchBody,
    SearchReply,
)
from foveal.types.chunks import ChunkId


def _binary(media_type: str) -> dict[int | str, dict[str, object]]:
    return {200: {"content": {media_type: {"schema": {"type": "string", "format": "binary"}}}}}


BINARY, JPEG = _binary("application/octet-stream"), _binary("image/jpeg")


@dataclass(frozen=True, slots=True, kw_only=True)
class Native:
    """What the routes work with."""

    engine: Engine
    threads: Threads
    max_body_bytes: int
    version: str


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
        found = await threads.run(lambda: convert.search(data, engine, links, groups=groups).model_dump_json())
        return Response(found, media_type="application/json")

    @routes.get("/health")
    async def health() -> Health:
        """What works, what does not, and what to do about it."""
        checks = [CheckOut(**asdict(c)) for c in await threads.run(engine.checks)]
        status = "degraded" if any(c.state == "failed" for c in checks) else "ok"
        return Health(status=status, version=native.version, checks=checks)

    routes.include_router(_chunks(native))
    return routes


def _chunks(native: Native) -> APIRouter:
    routes = APIRouter(prefix="/indexes/{index}/chunks/{chunk_id}")
    engine, threads = native.engine, native.threads

    @routes.get("")
    async def show_chunk(request: Request, index: str, chunk_id: str) -> ChunkDetails:
        """Everything known of one piece."""
        chunk = await threads.run(engine.chunk, index, ChunkId(chunk_id), caller_of(request).groups)
        return convert.details_out(chunk, index, Links.of(request))

    @routes.get("/thumbnail", response_class=Response, responses=JPEG)
    async def thumbnail(
        request: Request, index: str, chunk_id: str, size: Annotated[int, Query(ge=16, le=2048)] = 320
    ) -> Response:
        """A JPEG of an image, its long side at most `size` pixels."""
        groups = caller_of(request).groups
        chunk = await threads.run(engine.chunk, index, ChunkId(chunk_id), groups)
        tag = files.etag(chunk.asset_id, chunk.ordinal, size)
        known = files.not_modified(request, tag)
        if known:
            return known
        data = await threads.run(engine.thumbnail, index, chunk.chunk_id, groups, long_side_px=size)
        return files.file_response(data, "image/jpeg", tag)

    @routes.get("/bytes", response_class=Response, responses=BINARY)
    async def original(request: Request, index: str, chunk_id: str) -> Response:
        """The file it is from, exactly as it was indexed."""
        groups = caller_of(request).groups
        chunk = await threads.run(engine.chunk, index, ChunkId(chunk_id), groups)
        tag = files.etag(chunk.asset_id)
        known = files.not_modified(request, tag)
        if known:
            return known
        media_type, data = await threads.run(engine.original, index, chunk.chunk_id, groups)
        more = {"content-disposition": files.disposition(chunk)}
        return files.file_response(data, files.served_type(media_type), tag, more)

    return routes


def _index(engine: Engine, name: str) -> IndexOut:
    return convert.index_out(engine.index_status(name))
