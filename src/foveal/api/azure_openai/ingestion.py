"""`/openai/ingestion/jobs`: the service's jobs over blob containers, for holders of the role contributor.

The id of a job becomes the name of its index. Errors have the codes of the authoring specification. A job that is sent
again as it was is run again, with whatever key it has now.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from foveal.api import versions
from foveal.api.auth import Caller, Role, require
from foveal.api.azure_openai.addresses import ApiVersion
from foveal.api.azure_openai.answering import Answering
from foveal.api.azure_openai.ingestion_convert import (
    definition_of,
    draft_of,
    job_id_of,
    run_of,
    source_name,
)
from foveal.api.azure_openai.ingestion_schemas import JobBody, Run, RunList
from foveal.api.bodies import check, documented, parse_json, read_body
from foveal.api.engine import Engine
from foveal.api.errors import BodyError, retry_headers
from foveal.api.native.sources import may_change, own_groups, refuse_own_rights
from foveal.errors import (
    ConflictError,
    ForbiddenError,
    FovealError,
    InvalidRequestError,
    NotFoundError,
    TooLargeError,
)
from foveal.types.ingestions import Ingestion
from foveal.types.sources import SavedSource

MAX_BODY_BYTES = 256 * 2**10
MAX_ID = 128
MOST_RUNS = 1000

CODES: tuple[tuple[type[FovealError], str], ...] = (
    (ConflictError, "conflict"),
    (NotFoundError, "notFound"),
    (ForbiddenError, "forbidden"),
    (TooLargeError, "invalidPayload"),
    (InvalidRequestError, "invalidPayload"),
)
"""`ErrorCode` of the specification; by status for all others."""
CODES_BY_STATUS = {429: "tooManyRequests", 503: "serviceUnavailable"}


def router(answering: Answering) -> APIRouter:
    """All of them."""
    routes = APIRouter(prefix="/openai/ingestion/jobs", tags=["Azure OpenAI"])
    _add_jobs(routes, answering)
    _add_runs(routes, answering)
    return routes


def _add_jobs(routes: APIRouter, answering: Answering) -> None:
    engine, threads = answering.engine, answering.threads

    @routes.put("/{job_id}", openapi_extra=documented(JobBody))
    async def create_job(request: Request, job_id: str, api_version: ApiVersion = None) -> Response:
        """Make a job and start its first run; `operation-location` leads to that."""
        versions.required(api_version)
        caller = require(request, Role.CONTRIBUTOR)

        async def work() -> Response:
            sent = parse_json(await read_body(request, limit_bytes=MAX_BODY_BYTES))
            saved, run = await threads.run(_created, engine, caller, job_id, sent)
            base = f"{str(request.base_url).rstrip('/')}/openai/ingestion/jobs"
            where = f"{base}/{quote(job_id, safe='')}/runs/{run.ingestion_id}?api-version={api_version}"
            return JSONResponse(_definition(saved), headers={"operation-location": where})

        return await _answered(work)

    @routes.get("")
    async def list_jobs(request: Request, api_version: ApiVersion = None) -> Response:
        """All jobs, by the names of their sources."""
        versions.required(api_version)
        caller = require(request, Role.CONTRIBUTOR)

        async def work() -> Response:
            saved = await threads.run(engine.sources.all)
            found = [_definition(s) for s in saved if s.settings.definition and may_change(s, caller)]
            return JSONResponse({"value": found})

        return await _answered(work)

    @routes.get("/{job_id}")
    async def show_job(request: Request, job_id: str, api_version: ApiVersion = None) -> Response:
        """One job, without what opens its container."""
        versions.required(api_version)
        caller = require(request, Role.CONTRIBUTOR)

        async def work() -> Response:
            return JSONResponse(_definition(await threads.run(_own, engine, caller, job_id)))

        return await _answered(work)


def _add_runs(routes: APIRouter, answering: Answering) -> None:
    engine, threads = answering.engine, answering.threads

    @routes.get("/{job_id}/runs", response_model=RunList)
    async def list_runs(request: Request, job_id: str, api_version: ApiVersion = None) -> Response:
        """The runs of a job, newest first."""
        versions.required(api_version)
        caller = require(request, Role.CONTRIBUTOR)

        def found() -> RunList:
            saved = _own(engine, caller, job_id)
            return RunList(value=[run_of(job_id, job, None) for job in _runs(engine, saved)])

        async def work() -> Response:
            return _reply(await threads.run(found))

        return await _answered(work)

    @routes.get("/{job_id}/runs/{run_id}", response_model=Run)
    async def show_run(request: Request, job_id: str, run_id: str, api_version: ApiVersion = None) -> Response:
        """One run: its state, how far it is, what it could not use."""
        versions.required(api_version)
        caller = require(request, Role.CONTRIBUTOR)

        def found() -> Run:
            saved = _own(engine, caller, job_id)
            job = next((job for job in _runs(engine, saved) if job.ingestion_id == run_id), None)
            if job is None:
                raise NotFoundError(f"The job {job_id!r} has no run {run_id!r}.")
            return run_of(job_id, job, engine.jobs.failures(run_id))

        async def work() -> Response:
            return _reply(await threads.run(found))

        return await _answered(work)


def _created(engine: Engine, caller: Caller, job_id: str, sent: object) -> tuple[SavedSource, Ingestion]:
    """The job's source, new or as it was with its key of now, and its run.

    Raises:
        BodyError: The body is no job that is run here.
        ConflictError: There is another job of that id.
        ForbiddenError: It is opened by the rights of this machine, and the caller is no owner.
    """
    body = check(JobBody, sent)
    if not isinstance(sent, dict) or not job_id.strip() or len(job_id) > MAX_ID:
        raise BodyError([(("jobId",), f"An id has {MAX_ID} characters at most")])
    draft, credential = draft_of(job_id, body, own_groups(None, caller))
    settings = replace(engine.sources.settle(draft, credential), definition=definition_of(job_id, sent))
    refuse_own_rights(settings, credential, caller)
    there = next((s for s in engine.sources.all() if s.settings.name == settings.name), None)
    if there is None:
        saved = engine.sources.add(settings, credential, later=True)
    else:
        if not may_change(there, caller) or there.settings.location != settings.location:
            raise ConflictError(f"There is another ingestion job {job_id!r}.", remedy="Take another id.")
        engine.sources.set_credential(settings.name, credential)
        saved = engine.sources.set_schedule(settings.name, every=draft.every)
    return saved, engine.sources.ask_again(saved.settings.name)


def _own(engine: Engine, caller: Caller, job_id: str) -> SavedSource:
    name = source_name(job_id)
    saved = next((s for s in engine.sources.all() if s.settings.name == name), None)
    if saved is None or job_id_of(saved) != job_id or not may_change(saved, caller):
        raise NotFoundError(f"There is no ingestion job {job_id!r}.")
    return saved


def _runs(engine: Engine, saved: SavedSource) -> list[Ingestion]:
    jobs = engine.jobs.recent(saved.settings.index, limit=MOST_RUNS)
    return [job for job in jobs if job.saved_source == saved.settings.name]


def _definition(saved: SavedSource) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(saved.settings.definition)
    return found


def _reply(model: Run | RunList) -> Response:
    return Response(model.model_dump_json(exclude_none=True), media_type="application/json")


async def _answered(work: Callable[[], Awaitable[Response]]) -> Response:
    """What `work` gives, or its error as the specification's `ErrorResponse`."""
    try:
        return await work()
    except FovealError as error:
        code = next((code for kind, code in CODES if isinstance(error, kind)), None)
        detail: dict[str, object] = {
            "code": code or CODES_BY_STATUS.get(error.status, "internalFailure"),
            "message": str(error),
        }
        if isinstance(error, BodyError):
            detail["target"] = error.param
            detail["innererror"] = {"code": "invalidPayload"}
        return JSONResponse({"error": detail}, error.status, retry_headers(error))
