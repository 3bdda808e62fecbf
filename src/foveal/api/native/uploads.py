"""`/v1/files`: files that people send, for holders of the role contributor.

Holders of keys with groups see and change what their groups may see alone, and what they send is seen by these groups
only (`foveal.api.native.sources` has the same rule).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from foveal.api.auth import Caller, Role, require
from foveal.api.bodies import check, documented, parse_json, read_body
from foveal.api.crowd import Threads
from foveal.api.native import files
from foveal.api.native.source_schemas import ReportFailure
from foveal.api.native.sources import may_change, own_groups
from foveal.api.native.upload_forms import MAX_WORDS_BYTES, REFUSALS, Form, FormLimits, SentFile, read_form
from foveal.api.native.upload_schemas import (
    DeletedReply,
    DescribedOut,
    DescriptionBody,
    FileList,
    FileOut,
    FileState,
    ImportReply,
    RefusedOut,
    RunOut,
    SentOut,
    UploadReply,
)
from foveal.errors import FovealError, InvalidRequestError, NotFoundError
from foveal.pipeline.uploads import Uploads
from foveal.types.ingestions import AssetFailure, DocumentRecord, DocumentState, Ingestion
from foveal.types.sources import SavedSource
from foveal.types.uploads import Fate, FileId, Received, UploadDraft, UploadedFile

MAX_BODY_BYTES = 256 * 2**10
MOST_FILES = 1000
"""On one page of a list."""
FORM: dict[str, object] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
                        "metadata": {
                            "type": "string",
                            "format": "binary",
                            "description": "JSON or CSV with descriptions of the files.",
                        },
                        "description": {
                            "type": "array",
                            "items": {"type": "string"},
                            "description": "The nth belongs to the nth file.",
                        },
                        "index": {"type": "string", "description": "Index to read them into."},
                        "source": {"type": "string", "description": "A source of kind uploads, in place of an index."},
                        "group": {"type": "array", "items": {"type": "string"}, "description": "Who may see them."},
                        "replace": {"type": "boolean", "description": "Files take the place of those of their name."},
                        "start": {"type": "boolean", "description": "Read them now; else look at the plan first."},
                    },
                }
            }
        },
    }
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What the routes work with."""

    uploads: Callable[[], Uploads]
    threads: Threads
    limits: FormLimits
    index: str


def router(sending: Sending) -> APIRouter:
    """All of them."""
    routes = APIRouter(prefix="/files")
    _add_sending(routes, sending)
    _add_reading(routes, sending)
    _add_bytes(routes, sending)
    _add_changing(routes, sending)
    return routes


def _add_sending(routes: APIRouter, sending: Sending) -> None:
    threads = sending.threads

    @routes.post("", status_code=202, response_model=UploadReply, openapi_extra=FORM)
    async def send_files(request: Request) -> JSONResponse:
        """Send files with descriptions; they are read into their index in the background."""
        caller = require(request, Role.CONTRIBUTOR)
        uploads = sending.uploads()
        form = await read_form(request, uploads, threads, sending.limits)
        base = str(request.base_url).rstrip("/")
        reply = await threads.run(_kept, uploads, form, caller, sending.index, base)
        content = reply.model_dump(mode="json")
        return JSONResponse(content, 202, {"operation-location": reply.run.url or reply.run.source_url})

    @routes.post("/descriptions", openapi_extra=_words_body())
    async def import_descriptions(
        request: Request,
        source: str = "",
        index: str = "",
        group: Annotated[list[str] | None, Query()] = None,
        start: Annotated[bool, Query(description="Read them again now; else with the source's next run.")] = True,
    ) -> ImportReply:
        """Describe files that were sent before, by a `metadata.json` or a CSV file."""
        caller = require(request, Role.CONTRIBUTOR)
        data = await read_body(request, limit_bytes=MAX_WORDS_BYTES)
        is_csv = "csv" in request.headers.get("content-type", "").lower()
        base, uploads = str(request.base_url).rstrip("/"), sending.uploads()

        def work() -> ImportReply:
            target = _target(uploads, caller, source, index or sending.index, group or [])
            found = uploads.import_words(target.settings.name, "the file.csv" if is_csv else "the file", data)
            job = uploads.start(target.settings.name) if start and found.described else None
            return ImportReply(
                run=run_out(target, job, base), described=len(found.described), failures=_failures(found.failures)
            )

        return await threads.run(work)


def _add_reading(routes: APIRouter, sending: Sending) -> None:
    threads = sending.threads

    @routes.get("")
    async def list_files(
        request: Request,
        source: str = "",
        index: str = "",
        after: Annotated[str, Query(description="`next` of the page before.")] = "",
        limit: Annotated[int, Query(ge=1, le=MOST_FILES)] = 100,
    ) -> FileList:
        """Files that were sent, by source and name, and how searchable each is."""
        caller = require(request, Role.CONTRIBUTOR)
        uploads = sending.uploads()

        def work() -> FileList:
            known = (s for s in uploads.all_sources() if may_change(s, caller))
            wanted = (s for s in known if source in {"", s.settings.name} and index in {"", s.settings.index})
            return _page(uploads, list(wanted), after, limit)

        return await threads.run(work)

    @routes.get("/{file_id}")
    async def show_file(request: Request, file_id: str) -> FileOut:
        """One file."""
        caller = require(request, Role.CONTRIBUTOR)
        uploads = sending.uploads()

        def work() -> FileOut:
            file, saved = _own(uploads, file_id, caller)
            return file_out(file, saved, uploads.records(saved))

        return await threads.run(work)


def _add_bytes(routes: APIRouter, sending: Sending) -> None:
    @routes.get("/{file_id}/bytes", response_class=Response, responses=files.BINARY)
    async def file_bytes(request: Request, file_id: str) -> Response:
        """The file exactly as it was sent, whether it has been read or not."""
        caller = require(request, Role.CONTRIBUTOR)
        uploads = sending.uploads()

        def reply() -> Response:
            file, _ = _own(uploads, file_id, caller)
            tag = files.etag(file.asset_id)
            known = files.not_modified(request, tag)
            if known:
                return known
            more = {"content-disposition": files.disposition(file.path, file.media_type)}
            served = files.served_type(file.media_type)
            if served.startswith(("video/", "audio/")):
                return files.played_response(request, uploads.open(file), served, tag, more)
            with uploads.open(file) as opened:
                return files.file_response(request, opened.read(), served, tag, more)

        return await sending.threads.run(reply)


def _add_changing(routes: APIRouter, sending: Sending) -> None:
    threads = sending.threads

    @routes.patch("/{file_id}", openapi_extra=documented(DescriptionBody))
    async def describe_file(request: Request, file_id: str) -> DescribedOut:
        """Give a file other words; it is read again with them in the background."""
        caller = require(request, Role.CONTRIBUTOR)
        body = check(DescriptionBody, parse_json(await read_body(request, limit_bytes=MAX_BODY_BYTES)))
        uploads = sending.uploads()
        base = str(request.base_url).rstrip("/")

        def work() -> DescribedOut:
            before, saved = _own(uploads, file_id, caller)
            if body.description.strip() == before.description:
                return DescribedOut(**file_out(before, saved, uploads.records(saved)).model_dump(), run=None)
            file, job = uploads.describe(before.file_id, body.description)
            return DescribedOut(**file_out(file, saved, {}).model_dump(), run=run_out(saved, job, base))

        return await threads.run(work)

    @routes.delete("/{file_id}", status_code=202)
    async def delete_file(request: Request, file_id: str) -> DeletedReply:
        """Delete a file: its bytes and thumbnails now, what is searchable of it in the background."""
        caller = require(request, Role.CONTRIBUTOR)
        uploads = sending.uploads()
        base = str(request.base_url).rstrip("/")

        def work() -> DeletedReply:
            file, saved = _own(uploads, file_id, caller)
            (job,) = uploads.remove([file.file_id])
            return DeletedReply(run=run_out(saved, job, base))

        return await threads.run(work)


def settled_source(uploads: Uploads, caller: Caller, draft: UploadDraft, index: str, groups: list[str]) -> str:
    """Name of the source that a file goes to; made where there is none.

    Raises:
        NotFoundError: There is no such source, or it is not for this caller.
        ForbiddenError: The groups are not the caller's.
    """
    return _target(uploads, caller, draft.source, index, groups).settings.name


def run_out(saved: SavedSource, job: Ingestion | None, base: str) -> RunOut:
    """What brings an index in line."""
    settings = saved.settings
    return RunOut(
        source=settings.name,
        index=settings.index,
        groups=list(settings.groups),
        source_url=f"{base}/v1/sources/{quote(settings.name, safe='')}",
        job_id=job.ingestion_id if job else None,
        url=f"{base}/v1/jobs/{job.ingestion_id}" if job else None,
    )


def file_out(file: UploadedFile, saved: SavedSource, records: dict[str, DocumentRecord]) -> FileOut:
    """A file on the wire."""
    state, reason = _state(file, records.get(file.path))
    return FileOut(
        file_id=file.file_id,
        name=file.path,
        source=file.source,
        index=saved.settings.index,
        state=state,
        reason=reason,
        size_bytes=file.size_bytes,
        media_type=file.media_type,
        description=file.description,
        created_at=file.created_at,
        changed_at=file.changed_at,
    )


def _state(file: UploadedFile, record: DocumentRecord | None) -> tuple[FileState, str]:
    if record is None or record.item.version != file.asset_id:
        return FileState.PENDING, ""
    if record.state is DocumentState.INDEXED:
        return FileState.INDEXED, ""
    failure = record.failure
    return FileState.FAILED, f"{failure.reason} {failure.remedy}".strip() if failure else ""


def _kept(uploads: Uploads, form: Form, caller: Caller, index: str, base: str) -> UploadReply:
    """Make files of what has arrived."""
    try:
        replaces, starts = form.flag("replace", default=False), form.flag("start", default=True)
        target = _target(uploads, caller, form.one("source"), form.one("index") or index, form.fields.get("group", []))
        name = target.settings.name
        received: list[tuple[SentFile, Received]] = []
        for number, sent in enumerate(form.files):
            draft = UploadDraft(
                path=sent.name, source=name, description=form.description(number), replace=replaces, start=starts
            )
            kept = _keep(sent, draft)
            if kept is not None:
                received.append((sent, kept))
        described, failures = _describe(uploads, form, name)
    except BaseException:
        form.abandon()
        raise
    refused = [(sent.name, sent.refusal) for sent in form.files if sent.refusal is not None]
    if refused and not received and not described:
        raise refused[0][1] if len(refused) == 1 else _all_refused(refused)
    job = uploads.start(name) if starts else None
    records = uploads.records(target)
    return UploadReply(
        run=run_out(target, job, base),
        files=[_sent_out(sent, kept, target, records) for sent, kept in received],
        refused=[RefusedOut(name=n, code=e.code, message=e.message, remedy=e.remedy) for n, e in refused],
        described=described,
        failures=_failures(failures),
    )


def _keep(sent: SentFile, draft: UploadDraft) -> Received | None:
    if sent.refusal is not None or sent.receiving is None:
        return None
    try:
        return sent.receiving.end(draft)
    except REFUSALS as error:
        sent.refusal = error
        with suppress(FovealError):
            sent.receiving.abandon()
        return None


def _describe(uploads: Uploads, form: Form, source: str) -> tuple[int, tuple[AssetFailure, ...]]:
    described: set[FileId] = set()
    failures: tuple[AssetFailure, ...] = ()
    for name, data in form.words:
        found = uploads.import_words(source, name, data)
        described.update(found.described)
        failures += found.failures
    return len(described), failures


def _all_refused(refused: list[tuple[str, FovealError]]) -> InvalidRequestError:
    told = "; ".join(error.message for _, error in refused[:5])
    more = f"; and {len(refused) - 5} more" if len(refused) > 5 else ""
    return InvalidRequestError(f"None of the {len(refused)} files was kept: {told}{more}", remedy=refused[0][1].remedy)


def _sent_out(sent: SentFile, received: Received, saved: SavedSource, records: dict[str, DocumentRecord]) -> SentOut:
    file = replace(received.file)
    shown = file_out(file, saved, records)
    return SentOut(**shown.model_dump(), outcome=Fate(received.fate), sent_as=sent.name)


def _page(uploads: Uploads, sources: list[SavedSource], after: str, limit: int) -> FileList:
    shown: list[FileOut] = []
    for saved in sources:
        name = saved.settings.name
        if after and f"{name}/" < after and not after.startswith(f"{name}/"):
            continue
        there = [file for file in uploads.files(name) if f"{name}/{file.path}" > after]
        records = uploads.records(saved) if there else {}
        for file in there:
            if len(shown) == limit:
                return FileList(files=shown, next=f"{shown[-1].source}/{shown[-1].name}")
            shown.append(file_out(file, saved, records))
    return FileList(files=shown, next=None)


def _target(uploads: Uploads, caller: Caller, source: str, index: str, groups: list[str]) -> SavedSource:
    if source:
        saved = uploads.source(source)
        if not may_change(saved, caller):
            raise NotFoundError(f"There is no source {source!r}.")
        return saved
    if "/" in index or len(index) > 128:
        raise InvalidRequestError(f"{index[:80]!r} is no name for an index.")
    return uploads.place(index, own_groups(groups or None, caller))


def _own(uploads: Uploads, file_id: str, caller: Caller) -> tuple[UploadedFile, SavedSource]:
    file = uploads.file(FileId(file_id))
    saved = uploads.source(file.source)
    if not may_change(saved, caller):
        raise NotFoundError(f"There is no uploaded file {file_id[:32]!r}.", remedy="It may have been deleted.")
    return file, saved


def _failures(failures: tuple[AssetFailure, ...]) -> list[ReportFailure]:
    return [ReportFailure(path=f.path, reason=f.reason, remedy=f.remedy) for f in failures]


def _words_body() -> dict[str, object]:
    shape = {"type": "array", "items": {"type": "object"}}
    content = {"application/json": {"schema": shape}, "text/csv": {"schema": {"type": "string"}}}
    return {"requestBody": {"required": True, "content": content}}
