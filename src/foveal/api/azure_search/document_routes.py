"""Addresses below an index: its documents, counted, looked up, searched and written."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel

from foveal.api.auth import Role, caller_of, require
from foveal.api.azure_search.errors import NotServedError
from foveal.api.azure_search.queries import from_query_string, read_query, read_select
from foveal.api.azure_search.replies import document_out, search_reply
from foveal.api.azure_search.schemas import BatchIn, SearchIn
from foveal.api.bodies import check, documented, parse_json, read_body
from foveal.api.crowd import Threads
from foveal.api.engine import Engine
from foveal.errors import InvalidRequestError, TooLargeError
from foveal.pipeline.search_indexes import ActionKind, ActionOutcome, DocumentAction
from foveal.types.documents import Json

MAX_BATCH = 32_000
"""Documents in one batch ("Service limits", Azure AI Search); the SDKs send halves after a 413."""

INDEXES = ("/indexes('{index}')", "/indexes/{index}")

Handler = Callable[..., Coroutine[Any, Any, Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureSearch:
    """What the routes work with."""

    engine: Engine
    threads: Threads
    max_body_bytes: int


def on_both(
    routes: APIRouter,
    paths: tuple[str, ...],
    method: str,
    handler: Handler,
    body: type[BaseModel] | None = None,
    *,
    content: str = "application/json",
) -> None:
    """One handler under these paths in both spellings of the index; one of them is in the OpenAPI document."""
    answers: dict[int | str, dict[str, Any]] = {200: {"content": {content: {}}}}
    extra = documented(body) if body else None
    addresses = [prefix + path for path in paths for prefix in INDEXES]
    for address in addresses:
        shown = address == addresses[1]
        routes.add_api_route(
            address, handler, methods=[method], include_in_schema=shown, openapi_extra=extra, responses=answers
        )


def parameter(request: Request, name: str) -> str | None:
    """A query parameter, with or without `$`, in any case."""
    pairs = request.query_params.multi_items()
    return next((value for key, value in pairs if key.lstrip("$").lower() == name.lower()), None)


def refuse_own(engine: Engine, index: str) -> None:
    """Say why an index made by ingestion cannot be changed here.

    Raises:
        NotServedError: It is one.
        IndexNotFoundError: There is no such index.
    """
    if not engine.open_index(index, None).writable:
        raise NotServedError(
            f"The index {index!r} was made by ingestion: it is searched here, not changed.",
            remedy="Add and remove files with `foveal ingest`; remove it with `foveal index delete`.",
        )


def add_documents(routes: APIRouter, face: AzureSearch) -> None:
    """Add them; looking up by key comes last, since it would take other addresses for keys."""
    _add_searching(routes, face)
    _add_writing(routes, face)
    _add_suggesting(routes)
    _add_looking_up(routes, face)


def _add_searching(routes: APIRouter, face: AzureSearch) -> None:
    engine, threads = face.engine, face.threads

    async def answer(request: Request, index: str, body: SearchIn) -> Response:
        groups = caller_of(request).groups

        def found() -> dict[str, Json]:
            opened = engine.open_index(index, groups)
            query = read_query(body, opened.definition)
            link = f"{request.base_url}indexes('{quote(index)}')/docs/search.post.search?{request.url.query}"
            return search_reply(body, query, opened.definition, opened.find(query), link)

        return JSONResponse(await threads.run(found))

    async def search(request: Request, index: str) -> Response:
        """Search by words, vectors and filter together."""
        data = await read_body(request, limit_bytes=face.max_body_bytes)
        return await answer(request, index, check(SearchIn, parse_json(data)))

    async def search_by_address(request: Request, index: str) -> Response:
        """The same with everything in the address."""
        return await answer(request, index, check(SearchIn, from_query_string(request.query_params.multi_items())))

    on_both(routes, ("/docs/search", "/docs/search.post.search"), "POST", search, SearchIn)
    on_both(routes, ("/docs", "/docs/search"), "GET", search_by_address)


def _add_writing(routes: APIRouter, face: AzureSearch) -> None:
    engine, threads = face.engine, face.threads

    async def write(request: Request, index: str) -> Response:
        """Upload, merge and delete documents; 207 when some failed."""
        require(request, Role.CONTRIBUTOR)
        data = await read_body(request, limit_bytes=face.max_body_bytes)

        def written() -> list[ActionOutcome]:
            refuse_own(engine, index)
            actions = _actions(check(BatchIn, parse_json(data)))
            return engine.search_indexes.write(index, actions)

        outcomes = await threads.run(written)
        failed = any(outcome.message for outcome in outcomes)
        return JSONResponse({"value": [_outcome(one) for one in outcomes]}, 207 if failed else 200)

    on_both(routes, ("/docs/index", "/docs/search.index"), "POST", write, BatchIn)


def _add_suggesting(routes: APIRouter) -> None:
    async def refuse(request: Request, index: str) -> Response:
        """Not served."""
        raise NotServedError(
            "Suggestions and autocompletion are not served.",
            remedy="Search with a prefix: the word so far followed by *, in the simple syntax.",
        )

    for name in ("suggest", "autocomplete"):
        on_both(routes, (f"/docs/{name}", f"/docs/search.post.{name}"), "POST", refuse)
        on_both(routes, (f"/docs/{name}", f"/docs/search.{name}"), "GET", refuse)

    async def analyze(request: Request, index: str) -> Response:
        """Not served."""
        raise NotServedError("Analyzing a text is not served.", remedy="See docs/reference for what analyzers do here.")

    on_both(routes, ("/analyze", "/search.analyze"), "POST", analyze)


def _add_looking_up(routes: APIRouter, face: AzureSearch) -> None:
    engine, threads = face.engine, face.threads

    async def count(request: Request, index: str) -> Response:
        """How many documents there are."""
        groups = caller_of(request).groups
        return PlainTextResponse(str(await threads.run(lambda: engine.open_index(index, groups).count())))

    async def lookup(request: Request, index: str, key: str) -> Response:
        """One document by its key."""
        select, groups = parameter(request, "select"), caller_of(request).groups

        def found() -> dict[str, Json]:
            opened = engine.open_index(index, groups)
            names = read_select(select, opened.definition)
            return document_out(opened.definition, names, opened.document(key))

        return JSONResponse(await threads.run(found))

    on_both(routes, ("/docs/$count",), "GET", count, content="text/plain")
    on_both(routes, ("/docs('{key:path}')", "/docs/{key:path}"), "GET", lookup)


def _actions(batch: BatchIn) -> list[DocumentAction]:
    if len(batch.value) > MAX_BATCH:
        raise TooLargeError(f"A batch has at most {MAX_BATCH} documents, this one {len(batch.value)}.")
    if not batch.value:
        raise InvalidRequestError("The batch has no documents.")
    known = {kind.lower(): kind for kind in ActionKind}
    actions = []
    for wire in batch.value:
        name = wire.get("@search.action") or ActionKind.UPLOAD
        kind = known.get(str(name).lower())
        if kind is None:
            raise InvalidRequestError(
                f"{str(name)[:40]!r} is no @search.action.", remedy=f"Use one of {', '.join(ActionKind)}."
            )
        actions.append(DocumentAction(kind=kind, wire=wire))
    return actions


def _outcome(outcome: ActionOutcome) -> dict[str, Json]:
    return {
        "key": outcome.key,
        "status": not outcome.message,
        "errorMessage": outcome.message or None,
        "statusCode": outcome.status,
    }
