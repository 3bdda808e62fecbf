"""`foveal upload`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foveal.cli.session import ERROR, OK, PARTIAL, print_json, session

if TYPE_CHECKING:
    from rich.console import Console

    from foveal.pipeline.uploads import Uploads
    from foveal.runtime import Foveal
    from foveal.types.ingestions import Ingestion
    from foveal.types.uploads import Received, UploadDraft

BLOCK_BYTES = 2**20


def upload(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Files.", exists=True, dir_okay=False)],
    index: Annotated[str | None, typer.Option(help="Index to read them into.")] = None,
    description: Annotated[str, typer.Option(help="Your own words on them.")] = "",
    describe: Annotated[
        Path | None, typer.Option(help="JSON or CSV with your own words on each.", exists=True, dir_okay=False)
    ] = None,
    group: Annotated[list[str] | None, typer.Option(help="Only this group may see them; may be repeated.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Take the place of files of the same name.")] = False,
    no_start: Annotated[bool, typer.Option("--no-start", help="Keep them; read them into the index later.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Copy files into the home and read them into an index; they may be deleted where they were."""
    from foveal.errors import AssetError, RequestError
    from foveal.types.uploads import UploadDraft

    here = session(context)
    with here.open() as foveal:
        saved = foveal.uploads.place(index or here.settings.index, tuple(group or ()))
        name = saved.settings.name
        told: list[dict[str, object]] = []
        for file in files:
            draft = UploadDraft(
                path=file.name,
                source=name,
                size_bytes=file.stat().st_size,
                description=description,
                replace=replace,
            )
            try:
                told.append(_received_json(file, _send(foveal.uploads, file, draft)))
            except (RequestError, AssetError) as error:
                told.append({"sent": str(file), "outcome": "refused", "reason": str(error)})
        if describe is not None:
            for failure in foveal.uploads.import_words(name, describe.name, describe.read_bytes()).failures:
                here.notes.print(f"  {failure.path}: {failure.reason} {failure.remedy}".rstrip(), markup=False)
        kept = any(one["outcome"] != "refused" for one in told)
        job = _read(here.notes, foveal, name) if kept and not no_start else None
    _tell(context, told, job, as_json=as_json)
    refused = sum(one["outcome"] == "refused" for one in told)
    partial = refused or (job is not None and job.state == "partially_succeeded")
    raise typer.Exit(ERROR if refused == len(told) else PARTIAL if partial else OK)


def _send(uploads: Uploads, file: Path, draft: UploadDraft) -> Received:
    receiving = uploads.receive(uploads.begin(draft))
    with file.open("rb") as opened:
        while block := opened.read(BLOCK_BYTES):
            receiving.write(block)
    return receiving.end()


def _read(console: Console, foveal: Foveal, source: str) -> Ingestion | None:
    """Read what was sent, here and now; where a server is at it, that does it."""
    from foveal.cli.progress import IngestBar
    from foveal.errors import ConflictError

    try:
        with IngestBar(console) as bar:
            return foveal.sources.refresh(source, bar)
    except ConflictError:
        foveal.uploads.start(source)
        console.print("The index is being written to; a running server reads the files after that.", markup=False)
        return None


def _tell(context: typer.Context, told: list[dict[str, object]], job: Ingestion | None, *, as_json: bool) -> None:
    from foveal.cli.jobs import job_json, job_line

    here = session(context)
    if as_json:
        print_json({"files": told, "job": job_json(job) if job else None})
        return
    for one in told:
        if one["outcome"] == "refused":
            here.notes.print(f"{one['sent']}: {one['reason']}", markup=False)
        else:
            here.console.print(f"{one['sent']} → {one['name']} ({one['outcome']}), id {one['file_id']}", markup=False)
    if job is not None:
        here.console.print(job_line(job), markup=False)


def _received_json(file: Path, received: Received) -> dict[str, object]:
    kept = received.file
    return {
        "sent": str(file),
        "outcome": received.fate.value,
        "file_id": kept.file_id,
        "name": kept.path,
        "media_type": kept.media_type,
        "description": kept.description,
    }
