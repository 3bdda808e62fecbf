"""Addresses of video retrieval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel

from foveal.api import versions
from foveal.api.auth import Role, caller_of, require
from foveal.api.azure_openai.addresses import ApiVersion
from foveal.api.azure_vision import video_convert as convert
from foveal.api.azure_vision import video_schemas as wire
from foveal.api.azure_vision.bodies import read_json
from foveal.api.azure_vision.errors import VisionError, VisionRoute
from foveal.api.azure_vision.schemas import Wire
from foveal.api.bodies import check, documented, read_body
from foveal.api.crowd import Threads
from foveal.api.engine import Engine
from foveal.pipeline.video_indexes import VideoIndexes

MAX_BODY_BYTES = 4 * 2**20
DEFAULT_PAGE = 1000

Body = TypeVar("Body", bound=BaseModel)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFace:
    """What the routes work with."""

    engine: Engine
    threads: Threads
    prefix: str

    async def read(self, model: type[Body], request: Request) -> Body:
        """The body of a request."""
        return check(model, read_json(await read_body(request, limit_bytes=MAX_BODY_BYTES)))

    async def run(self, work: Callable[[VideoIndexes], T]) -> T:
        """The result of some work with the indexes, in a thread."""
        return await self.threads.run(lambda: work(self.engine.vision.videos))


def video_router(face: VideoFace) -> APIRouter:
    """All of them."""
    routes = APIRouter(
        prefix=f"{face.prefix}/retrieval/indexes", route_class=VisionRoute, include_in_schema=bool(face.prefix)
    )
    _add_asking(routes, face)
    _add_indexes(routes, face)
    _add_ingestions(routes, face)
    _add_documents(routes, face)
    return routes


def _answers(model: type[Wire], status: int = 200, body: type[BaseModel] | None = None) -> dict[str, Any]:
    """What the OpenAPI document says of a route."""
    extra = {"openapi_extra": documented(body)} if body else {}
    return {"response_model": model, "response_class": Response, "status_code": status, **extra}


def _add_asking(routes: APIRouter, face: VideoFace) -> None:
    @routes.post("/{index}:queryByText", **_answers(wire.HitPage, body=wire.TextQueryIn))
    async def query_by_text(request: Request, index: str, api_version: ApiVersion = None) -> Response:
        """Moments that answer a question."""
        versions.required(api_version)
        groups = caller_of(request).groups
        body = await face.read(wire.TextQueryIn, request)
        query = convert.query_in(body)
        names = list(dict.fromkeys([index, *(body.additional_index_names or ())]))
        hits = await face.run(lambda videos: videos.find(names, query, groups))
        return _reply(wire.HitPage(value=[convert.hit_out(hit) for hit in hits]))


def _add_indexes(routes: APIRouter, face: VideoFace) -> None:
    @routes.get("", **_answers(wire.VideoIndexPage))
    async def list_indexes(request: Request, api_version: ApiVersion = None) -> Response:
        """All video indexes."""
        versions.required(api_version)
        groups = caller_of(request).groups
        value, link = _page(request, await face.run(lambda videos: videos.all(groups)))
        return _reply(wire.VideoIndexPage(value=[convert.index_out(index) for index in value], next_link=link))

    @routes.put("/{index}", **_answers(wire.VideoIndexOut, 201, wire.VideoIndexIn))
    async def create_index(request: Request, index: str, api_version: ApiVersion = None) -> Response:
        """Make a video index."""
        versions.required(api_version)
        caller = require(request, Role.CONTRIBUTOR)
        body = await face.read(wire.VideoIndexIn, request)
        _check_name(index)
        made = await face.run(
            lambda videos: videos.create(
                index,
                fields=convert.fields_in(body.metadata_schema),
                language=body.metadata_schema.language if body.metadata_schema else "en",
                features=convert.features_in(body.features),
                user_data=body.user_data or {},
                groups=caller.groups or (),
            )
        )
        return _reply(convert.index_out(made), 201)

    @routes.get("/{index}", **_answers(wire.VideoIndexOut))
    async def show_index(request: Request, index: str, api_version: ApiVersion = None) -> Response:
        """A video index."""
        versions.required(api_version)
        groups = caller_of(request).groups
        return _reply(convert.index_out(await face.run(lambda videos: videos.get(index, groups))))

    @routes.patch("/{index}", **_answers(wire.VideoIndexOut, body=wire.VideoIndexPatchIn))
    async def change_index(request: Request, index: str, api_version: ApiVersion = None) -> Response:
        """Add metadata fields to a video index, or change what is kept with it."""
        versions.required(api_version)
        groups = require(request, Role.CONTRIBUTOR).groups
        body = await face.read(wire.VideoIndexPatchIn, request)
        fields = convert.fields_in(body.metadata_schema) if body.metadata_schema else None
        changed = await face.run(lambda videos: videos.change(index, groups, fields=fields, user_data=body.user_data))
        return _reply(convert.index_out(changed))

    @routes.delete("/{index}", status_code=204)
    async def delete_index(request: Request, index: str, api_version: ApiVersion = None) -> Response:
        """Remove a video index with every document in it."""
        versions.required(api_version)
        groups = require(request, Role.OWNER).groups
        await face.run(lambda videos: videos.delete(index, groups))
        return Response(status_code=204, headers=_HEADERS)


def _add_ingestions(routes: APIRouter, face: VideoFace) -> None:
    @routes.put("/{index}/ingestions/{ingestion}", **_answers(wire.IngestionOut, 202, wire.IngestionIn))
    async def create_ingestion(
        request: Request, index: str, ingestion: str, api_version: ApiVersion = None
    ) -> Response:
        """Add, change or remove documents, in the background."""
        versions.required(api_version)
        groups = require(request, Role.CONTRIBUTOR).groups
        body = await face.read(wire.IngestionIn, request)
        _check_name(ingestion)
        if body.videos and body.images:
            raise VisionError("An ingestion has videos or images, not both.", inner="BadArgument")
        given = body.videos or body.images or []
        if not given:
            raise VisionError("The ingestion has no documents.", inner="BadArgument")
        tasks = [convert.task_in(document) for document in given]
        started = await face.run(lambda videos: videos.start(index, ingestion, tasks, groups))
        path = f"{face.prefix}/retrieval/indexes/{quote(index, safe='')}/ingestions/{quote(ingestion, safe='')}"
        query = urlencode({"api-version": api_version})
        location = f"{str(request.base_url).rstrip('/')}{path}?{query}"
        return _reply(convert.ingestion_out(started), 202, {"operation-location": location})

    @routes.get("/{index}/ingestions/{ingestion}", **_answers(wire.IngestionOut))
    async def show_ingestion(
        request: Request,
        index: str,
        ingestion: str,
        api_version: ApiVersion = None,
    ) -> Response:
        """How far an ingestion is; with `detailLevel`, what became of each document."""
        versions.required(api_version)
        groups = caller_of(request).groups
        detailed = bool(request.query_params.get("detailLevel"))
        found = await face.run(lambda videos: videos.ingestion(index, ingestion, groups))
        return _reply(convert.ingestion_out(found, detailed=detailed))

    @routes.get("/{index}/ingestions", **_answers(wire.IngestionPage))
    async def list_ingestions(request: Request, index: str, api_version: ApiVersion = None) -> Response:
        """Ingestions of an index, newest first."""
        versions.required(api_version)
        groups = caller_of(request).groups
        value, link = _page(request, await face.run(lambda videos: videos.ingestions(index, groups)))
        return _reply(wire.IngestionPage(value=[convert.ingestion_out(one) for one in value], next_link=link))


def _add_documents(routes: APIRouter, face: VideoFace) -> None:
    @routes.get("/{index}/documents", **_answers(wire.DocumentPage))
    async def list_documents(request: Request, index: str, api_version: ApiVersion = None) -> Response:
        """Documents of an index, by id."""
        versions.required(api_version)
        groups = caller_of(request).groups
        value, link = _page(request, await face.run(lambda videos: videos.documents(index, groups)))
        return _reply(wire.DocumentPage(value=[convert.document_out(one) for one in value], next_link=link))


_HEADERS = {"api-supported-versions": "2023-05-01-preview"}


def _reply(out: Wire, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(out.json_text(), status, {**_HEADERS, **(headers or {})}, media_type="application/json")


def _page(request: Request, found: Sequence[T]) -> tuple[Sequence[T], str | None]:
    """The part of a list that `$skip` and `$top` ask for, and the address of the next one."""
    skip, top = _number(request, "$skip", 0), _number(request, "$top", DEFAULT_PAGE)
    if skip + top >= len(found) or top == 0:
        return found[skip : skip + top], None
    kept = {name: value for name, value in request.query_params.items() if name != "$skip"}
    return found[skip : skip + top], str(request.url.replace(query=urlencode({**kept, "$skip": skip + top})))


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "").strip()
    if not text:
        return default
    if not text.isdecimal() or len(text) > 9:
        raise VisionError(f"{name} is no number: {text[:20]!r}.", inner="BadArgument")
    return int(text)


def _check_name(name: str) -> None:
    if not 0 < len(name) <= wire.MAX_NAME or any(ord(c) < 32 for c in name):
        raise VisionError(
            f"A name has between 1 and {wire.MAX_NAME} characters; this one has {len(name)}.", inner="InvalidArgument"
        )
