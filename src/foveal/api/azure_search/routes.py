"""Addresses of Azure AI Search, in the spelling of the SDKs (`/indexes('name')`) and of people (`/indexes/name`)."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from foveal.api.auth import Role, caller_of, require
from foveal.api.azure_search.definitions import definition_in, definition_out, selected
from foveal.api.azure_search.document_routes import AzureSearch, add_documents, on_both, parameter, refuse_own
from foveal.api.azure_search.errors import NotServedError, SearchRoute
from foveal.api.azure_search.schemas import IndexIn
from foveal.api.bodies import documented, parse_json, read_body
from foveal.api.engine import Engine
from foveal.errors import IndexNotFoundError
from foveal.pipeline.open_index import OpenIndex
from foveal.pipeline.search_indexes import Match
from foveal.retrieval.index_definitions import read_definition
from foveal.types.documents import Json, SearchIndexRecord

UNSERVED = {
    "indexers": "Indexers are",
    "datasources": "Data sources are",
    "skillsets": "Skillsets are",
    "synonymmaps": "Synonym maps are",
    "aliases": "Aliases are",
    "knowledgebases": "Knowledge bases are",
    "knowledgesources": "Knowledge sources are",
    "servicestats": "Service statistics are",
}
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def router(face: AzureSearch) -> APIRouter:
    """All of them."""
    routes = APIRouter(tags=["Azure AI Search"], route_class=SearchRoute)
    _add_definitions(routes, face)
    add_documents(routes, face)
    _add_unserved(routes)
    return routes


def _opened(engine: Engine, name: str, groups: tuple[str, ...] | None) -> OpenIndex | None:
    """One that is kept here; None for one of another service, and for one that is gone meanwhile."""
    try:
        return engine.open_index(name, groups)
    except IndexNotFoundError:
        return None


# --- definitions ------------------------------------------------------------------------------------------


def _add_definitions(routes: APIRouter, face: AzureSearch) -> None:
    engine, threads = face.engine, face.threads

    async def wire_definition(request: Request) -> object:
        return parse_json(await read_body(request, limit_bytes=face.max_body_bytes))

    @routes.get("/indexes")
    async def list_indexes(request: Request) -> Response:
        """All indexes: those made by callers and those made by ingestion."""
        groups, select = caller_of(request).groups, parameter(request, "select")

        def listed() -> list[Json]:
            opened = (_opened(engine, name, groups) for name in engine.index_names())
            return [selected(definition_out(one), select) for one in opened if one is not None]

        return JSONResponse({"value": await threads.run(listed)})

    @routes.post("/indexes", status_code=201, openapi_extra=documented(IndexIn))
    async def create_index(request: Request) -> Response:
        """Make an index of the caller's own fields."""
        require(request, Role.CONTRIBUTOR)
        definition = read_definition(definition_in(await wire_definition(request)))
        record = await threads.run(engine.search_indexes.create, definition)
        return await described(request, record, 201)

    async def put_index(request: Request, index: str) -> Response:
        """Make an index, or add fields to one."""
        require(request, Role.CONTRIBUTOR)
        definition = read_definition(definition_in(await wire_definition(request), index))
        record, new = await threads.run(engine.search_indexes.create_or_update, definition, _match(request))
        return await described(request, record, 201 if new else 200)

    async def show_index(request: Request, index: str) -> Response:
        """The definition of an index."""
        opened = await threads.run(engine.open_index, index, caller_of(request).groups)
        return _definition_reply(opened, 200)

    async def delete_index(request: Request, index: str) -> Response:
        """Remove an index that a caller made, with its documents."""
        require(request, Role.OWNER)
        await threads.run(refuse_own, engine, index)
        await threads.run(engine.search_indexes.delete, index, _match(request))
        return Response(status_code=204)

    async def statistics(request: Request, index: str) -> Response:
        """Documents of an index; sizes are not measured."""
        opened = await threads.run(engine.open_index, index, caller_of(request).groups)
        return JSONResponse({"documentCount": await threads.run(opened.count), "storageSize": 0, "vectorIndexSize": 0})

    async def described(request: Request, record: SearchIndexRecord, status: int) -> Response:
        opened = await threads.run(engine.open_index, record.definition.name, caller_of(request).groups)
        return _definition_reply(opened, status)

    on_both(routes, ("",), "PUT", put_index, IndexIn)
    on_both(routes, ("",), "GET", show_index)
    on_both(routes, ("",), "DELETE", delete_index)
    on_both(routes, ("/stats", "/search.stats"), "GET", statistics)


def _definition_reply(opened: OpenIndex, status: int) -> Response:
    return JSONResponse(definition_out(opened), status, {"etag": opened.etag})


def _match(request: Request) -> Match:
    return Match(only=_etags(request, "if-match"), unless=_etags(request, "if-none-match"))


def _etags(request: Request, header: str) -> tuple[str, ...]:
    parts = (part.strip().removeprefix("W/") for part in request.headers.get(header, "").split(","))
    return tuple(part if part == "*" or part.startswith('"') else f'"{part}"' for part in parts if part)


# --- what is not served -----------------------------------------------------------------------------------


def _add_unserved(routes: APIRouter) -> None:
    async def refuse(request: Request) -> Response:
        kind = request.url.path.strip("/").partition("/")[0].partition("(")[0]
        raise NotServedError(
            f"{UNSERVED[kind]} not served here.",
            remedy="Foveal serves indexes and their documents; files are brought in with `foveal ingest`.",
        )

    for kind in UNSERVED:
        for rest in ("", "/{rest:path}", "('{name}')", "('{name}')/{rest:path}"):
            routes.add_api_route(f"/{kind}{rest}", refuse, methods=METHODS, include_in_schema=False)
