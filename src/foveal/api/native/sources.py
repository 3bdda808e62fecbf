"""`/v1/sources`: saved sources over HTTP, for holders of the role contributor.

What this machine alone may open is for owners: its folders, its identity, addresses that fsspec takes, storage on
plain http. A contributor who named these could read files, or reach places, that no key of his opens. Holders of keys
with groups see and change the sources of their groups only, and what they add is seen by these groups only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TypeVar
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel

from foveal.api.auth import Caller, Role, require
from foveal.api.bodies import check, documented, parse_json, read_body
from foveal.api.crowd import Threads
from foveal.api.engine import Engine
from foveal.api.native.job_schemas import JobOut, job_out
from foveal.api.native.live_convert import live_out, live_report_out, live_settings
from foveal.api.native.source_schemas import (
    CountsOut,
    CredentialBody,
    LiveBody,
    PlanOut,
    ReportFailure,
    ScheduleBody,
    SourceBody,
    SourceList,
    SourceOut,
    SourceReportOut,
    WorkOut,
)
from foveal.errors import ForbiddenError, NotFoundError, SourceUnusableError
from foveal.pipeline.saved_sources import SavedSources
from foveal.types.ingestions import IngestionPlan
from foveal.types.live_settings import LiveSettings
from foveal.types.sources import (
    Credential,
    CredentialKind,
    SavedSource,
    Secret,
    SourceDraft,
    SourceKind,
    SourceReport,
    SourceSettings,
)

MAX_BODY_BYTES = 64 * 2**10

AZURE_SEARCH_HOSTS = (".search.windows.net", ".search.azure.us", ".search.azure.cn")
"""Of Azure AI Search in every cloud."""

Body = TypeVar("Body", bound=BaseModel)


def router(engine: Engine, threads: Threads) -> APIRouter:
    """All of them."""
    routes = APIRouter(prefix="/sources")
    _add_reading(routes, engine, threads)
    _add_keeping(routes, engine, threads)
    _add_changing(routes, engine, threads)
    return routes


def _add_reading(routes: APIRouter, engine: Engine, threads: Threads) -> None:
    @routes.get("")
    async def list_sources(request: Request) -> SourceList:
        """All sources: how the last run of each went, and when the next one is."""
        caller = require(request, Role.CONTRIBUTOR)

        def mine() -> SourceList:
            return SourceList(sources=[_out(s) for s in engine.sources.all() if may_change(s, caller)])

        return await threads.run(mine)

    @routes.get("/{name}")
    async def show_source(request: Request, name: str) -> SourceOut:
        """One source; never what opens it."""
        caller = require(request, Role.CONTRIBUTOR)
        return _out(await threads.run(_own, engine.sources, name, caller))

    @routes.get("/{name}/plan")
    async def plan_source(request: Request, name: str) -> PlanOut:
        """What a refresh would do and cost; changes nothing."""
        caller = require(request, Role.CONTRIBUTOR)
        return _plan_out(await _of_own(engine, threads, caller, name, lambda: engine.sources.plan(name)))

    @routes.post("/{name}/test")
    async def test_source(request: Request, name: str) -> SourceReportOut:
        """Reach it, list it, open a file; says what is wrong, or what is there."""
        caller = require(request, Role.CONTRIBUTOR)
        try:
            report = await _of_own(engine, threads, caller, name, lambda: engine.sources.test(name))
        except SourceUnusableError as error:
            return SourceReportOut(ok=False, reason=error.reason, message=error.message, remedy=error.remedy)
        return _report_out(report)


def _add_keeping(routes: APIRouter, engine: Engine, threads: Threads) -> None:
    @routes.post("", status_code=201, openapi_extra=documented(SourceBody))
    async def add_source(request: Request) -> SourceOut:
        """Save a source. Nothing is read before it is due, or refreshed."""
        caller = require(request, Role.CONTRIBUTOR)
        body = await _body(SourceBody, request)
        credential = _credential(body.credential)

        def add() -> SavedSource:
            settings = engine.sources.settle(_draft(body, caller), credential)
            refuse_own_rights(settings, credential, caller)
            return engine.sources.add(settings, credential)

        return _out(await threads.run(add))

    @routes.post("/{name}/refresh", status_code=202)
    async def refresh_source(request: Request, name: str, response: Response) -> JobOut:
        """Have a source read, by whoever runs queued jobs; the reply is the job, and `GET` on it shows how it goes."""
        caller = require(request, Role.CONTRIBUTOR)
        job = job_out(await _of_own(engine, threads, caller, name, lambda: engine.sources.ask(name)))
        response.headers["location"] = f"/v1/jobs/{job.id}"
        return job

    @routes.delete("/{name}", status_code=204)
    async def remove_source(request: Request, name: str, keep_data: bool = False) -> Response:
        """Forget a source with its key, and delete what came from it unless that is to be kept."""
        caller = require(request, Role.CONTRIBUTOR)
        await _of_own(engine, threads, caller, name, lambda: engine.sources.remove(name, keep_data=keep_data))
        return Response(status_code=204)


def _add_changing(routes: APIRouter, engine: Engine, threads: Threads) -> None:
    @routes.put("/{name}/credential", status_code=204, openapi_extra=documented(CredentialBody))
    async def set_credential(request: Request, name: str) -> Response:
        """Give a source another key, after the old one was rotated."""
        caller = require(request, Role.CONTRIBUTOR)
        credential = _credential(await _body(CredentialBody, request))

        def change() -> None:
            refuse_own_rights(engine.sources.get(name).settings, credential, caller)
            engine.sources.set_credential(name, credential)

        await _of_own(engine, threads, caller, name, change)
        return Response(status_code=204)

    @routes.put("/{name}/live", openapi_extra=documented(LiveBody))
    async def set_live(request: Request, name: str) -> SourceOut:
        """Give a live index another mapping; where it is stays what it was, and what is left out is guessed."""
        caller = require(request, Role.CONTRIBUTOR)
        body = await _body(LiveBody, request)

        def change() -> SavedSource:
            kept = engine.sources.get(name).settings.live or LiveSettings()
            place = {part: getattr(kept, part) for part in ("endpoint", "index", "database", "collection")}
            return engine.sources.set_live(name, replace(live_settings(body), **place))

        return _out(await _of_own(engine, threads, caller, name, change))

    @routes.put("/{name}/schedule", openapi_extra=documented(ScheduleBody))
    async def set_schedule(request: Request, name: str) -> SourceOut:
        """Have a source read at other times."""
        caller = require(request, Role.CONTRIBUTOR)
        body = await _body(ScheduleBody, request)

        def change() -> SavedSource:
            return engine.sources.set_schedule(name, every=body.every, cron=body.cron)

        return _out(await _of_own(engine, threads, caller, name, change))


T = TypeVar("T")


async def _of_own(engine: Engine, threads: Threads, caller: Caller, name: str, work: Callable[[], T]) -> T:
    """What `work` gives, in a thread, if the caller may change that source."""

    def checked() -> T:
        _own(engine.sources, name, caller)
        return work()

    return await threads.run(checked)


def _own(sources: SavedSources, name: str, caller: Caller) -> SavedSource:
    saved = sources.get(name)
    if not may_change(saved, caller):
        raise NotFoundError(f"There is no source {name!r}.")
    return saved


def may_change(saved: SavedSource, caller: Caller) -> bool:
    """Whether a caller sees and changes a source."""
    groups = saved.settings.groups
    return caller.groups is None or (bool(groups) and set(groups) <= set(caller.groups))


def refuse_own_rights(settings: SourceSettings, credential: Credential | None, caller: Caller) -> None:
    """Refuse a source that is opened by the rights of this machine, where the caller is no owner.

    Raises:
        ForbiddenError: It is.
    """
    if settings.kind is SourceKind.UPLOADS:
        return
    foreign = settings.kind is SourceKind.AZURE_BLOB and settings.account_url.startswith("https://")
    foreign = foreign or (settings.live is not None and _is_azure_search(settings.live.endpoint))
    by_itself = credential is not None and credential.kind is CredentialKind.IDENTITY
    if (not foreign or by_itself) and not caller.role.covers(Role.OWNER):
        raise ForbiddenError(
            "Folders of the server, addresses other than https storage accounts and Azure AI Search, and the server's "
            "identity are for owners.",
            remedy="Use a key made with --role owner, or `foveal source add` on the server.",
        )


def _is_azure_search(endpoint: str) -> bool:
    """Whether it is an address of Azure's own, which reaches nothing beside this server."""
    parsed = urlsplit(endpoint)
    return parsed.scheme == "https" and (parsed.hostname or "").endswith(AZURE_SEARCH_HOSTS)


def own_groups(groups: list[str] | None, caller: Caller) -> tuple[str, ...]:
    """Groups that may see what a caller adds: those named, else the caller's own; empty: everybody.

    Raises:
        ForbiddenError: A key with groups names others, or none.
    """
    named = tuple(groups) if groups is not None else caller.groups or ()
    if caller.groups is not None and not (named and set(named) <= set(caller.groups)):
        raise ForbiddenError(
            "What a key with groups adds is seen by groups of its own.", remedy="Name some of them, or leave them out."
        )
    return named


def _draft(body: SourceBody, caller: Caller) -> SourceDraft:
    return SourceDraft(
        name=body.name,
        kind=body.kind,
        index=body.index,
        path=body.path,
        url=body.url,
        account_url=body.account_url,
        container=body.container,
        prefix=body.prefix,
        groups=own_groups(body.groups, caller),
        watch=body.watch,
        every=body.every,
        cron=body.cron,
        live=live_settings(body.live),
    )


async def _body(model: type[Body], request: Request) -> Body:
    return check(model, parse_json(await read_body(request, limit_bytes=MAX_BODY_BYTES)))


def _credential(body: CredentialBody | None) -> Credential | None:
    return Credential(kind=body.kind, secret=Secret(body.secret.get_secret_value())) if body else None


def _out(saved: SavedSource) -> SourceOut:
    settings = saved.settings
    return SourceOut(
        name=settings.name,
        kind=settings.kind,
        location=settings.location,
        prefix=settings.prefix,
        index=settings.index,
        groups=list(settings.groups),
        credential=saved.credential,
        every_s=settings.schedule.every_s,
        cron=settings.schedule.cron,
        watch=settings.watch,
        state=saved.state,
        message=saved.message,
        created_at=saved.created_at,
        last_started_at=saved.last_started_at,
        last_finished_at=saved.last_finished_at,
        next_run_at=saved.next_run_at,
        live=live_out(settings.live) if settings.live else None,
    )


def _report_out(report: SourceReport) -> SourceReportOut:
    return SourceReportOut(
        ok=True,
        files=report.files,
        size_bytes=report.size_bytes,
        readable=report.readable,
        described=report.described,
        undescribed=list(report.undescribed),
        failures=[ReportFailure(path=f.path, reason=f.reason, remedy=f.remedy) for f in report.failures],
        live=live_report_out(report.live) if report.live else None,
    )


def _plan_out(plan: IngestionPlan) -> PlanOut:
    counts = asdict(plan.counts)
    return PlanOut(
        index=plan.index,
        source=plan.source,
        counts=CountsOut(**{name: counts[name] for name in CountsOut.model_fields}),
        by_media_type=dict(plan.by_media_type),
        work=[WorkOut(**asdict(work)) for work in plan.work],
        seconds=plan.seconds,
        measured=plan.measured,
        unused=[ReportFailure(path=f.path, reason=f.reason, remedy=f.remedy) for f in plan.unused],
    )
