"""`/v1/jobs`: what runs, waits and has run, for holders of the role contributor.

Holders of keys with groups see and stop the jobs of sources of their groups only.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated

import anyio
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from foveal.api.auth import Caller, Role, require
from foveal.api.crowd import Threads
from foveal.api.engine import Engine
from foveal.api.native.job_schemas import JobDetails, JobList, JobOut, details_out, job_out
from foveal.api.sse import EventStream, event
from foveal.errors import NotFoundError
from foveal.pipeline.jobs import Jobs
from foveal.types.ingestions import Ingestion

LOOK_EVERY_S = 1.0
"""Time between two looks at a job that is watched."""
ALIVE_EVERY_S = 15.0
"""Longest silence on a connection: proxies close those that say nothing for long."""
ALIVE = b": alive\n\n"
MOST_LOOKED_AT = 1000
EVENTS: dict[int | str, dict[str, object]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}},
    204: {"description": "It had ended, and the caller has its last event: nothing more comes."},
}


def router(engine: Engine, threads: Threads) -> APIRouter:
    """All of them."""
    routes = APIRouter(prefix="/jobs")
    _add_watching(routes, engine, threads)
    _add_changing(routes, engine, threads)
    return routes


def _add_watching(routes: APIRouter, engine: Engine, threads: Threads) -> None:
    @routes.get("")
    async def list_jobs(
        request: Request, index: str | None = None, limit: Annotated[int, Query(ge=1, le=MOST_LOOKED_AT)] = 20
    ) -> JobList:
        """The latest jobs, newest first."""
        caller = require(request, Role.CONTRIBUTOR)
        most = limit if caller.groups is None else MOST_LOOKED_AT

        def mine() -> JobList:
            found = [job for job in engine.jobs.recent(index, limit=most) if _may_see(job, caller)]
            return JobList(jobs=[job_out(job) for job in found[:limit]])

        return await threads.run(mine)

    @routes.get("/{job_id}")
    async def show_job(request: Request, job_id: str) -> JobDetails:
        """One job, how far it is, and what it could not use."""
        caller = require(request, Role.CONTRIBUTOR)

        def details() -> JobDetails:
            return details_out(_own(engine.jobs, job_id, caller), engine.jobs.failures(job_id))

        return await threads.run(details)

    @routes.get("/{job_id}/events", response_class=Response, responses=EVENTS)
    async def watch_job(request: Request, job_id: str) -> Response:
        """Follow a job to its end: server-sent events, each the job as `GET /v1/jobs/{id}` gives it."""
        caller = require(request, Role.CONTRIBUTOR)
        job = await threads.run(_own, engine.jobs, job_id, caller)
        if job.final and request.headers.get("last-event-id") == _event_id(job):
            return Response(status_code=204)  # tells a browser not to connect again
        return EventStream(_events(engine.jobs, threads, job))


def _add_changing(routes: APIRouter, engine: Engine, threads: Threads) -> None:
    @routes.post("/{job_id}/cancel", status_code=202)
    async def cancel_job(request: Request, job_id: str) -> JobOut:
        """Ask a job to stop; what it has done is kept."""
        caller = require(request, Role.CONTRIBUTOR)

        def cancel() -> JobOut:
            _own(engine.jobs, job_id, caller)
            return job_out(engine.jobs.cancel(job_id))

        return await threads.run(cancel)

    @routes.post("/{job_id}/retry", status_code=202)
    async def retry_job(request: Request, job_id: str, response: Response) -> JobOut:
        """Queue a job that tries again what failed in this one; the reply is the new job."""
        caller = require(request, Role.CONTRIBUTOR)

        def retry() -> JobOut:
            _own(engine.jobs, job_id, caller)
            return job_out(engine.jobs.retry(job_id))

        queued = await threads.run(retry)
        response.headers["location"] = f"/v1/jobs/{queued.id}"
        return queued


async def _events(jobs: Jobs, threads: Threads, job: Ingestion) -> AsyncGenerator[bytes, None]:
    yield _event(job)
    silent_s = 0.0
    while not job.final:
        await anyio.sleep(LOOK_EVERY_S)
        now = await threads.run(jobs.get, job.ingestion_id)
        silent_s += LOOK_EVERY_S
        if now != job:
            yield _event(now)
            job, silent_s = now, 0.0
        elif silent_s >= ALIVE_EVERY_S:
            yield ALIVE
            silent_s = 0.0


def _event(job: Ingestion) -> bytes:
    return f"id: {_event_id(job)}\n".encode() + event(job_out(job).model_dump_json())


def _event_id(job: Ingestion) -> str:
    return f"{job.updated_at.timestamp():.6f}"


def _own(jobs: Jobs, job_id: str, caller: Caller) -> Ingestion:
    job = jobs.get(job_id)
    if not _may_see(job, caller):
        raise NotFoundError(f"There is no job {job_id!r}.")
    return job


def _may_see(job: Ingestion, caller: Caller) -> bool:
    return caller.groups is None or (bool(job.groups) and set(job.groups) <= set(caller.groups))
