"""`foveal jobs [list|show|watch|cancel|retry]`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from foveal.cli.session import ERROR, OK, PARTIAL, print_json, session

if TYPE_CHECKING:
    from rich.console import Console

    from foveal.cli.session import Session
    from foveal.types.ingestions import AssetFailure, Ingestion

app = typer.Typer(help="Jobs: ingestions, refreshes, imports; running, queued and done.")

WATCH_EVERY_S = 0.5
SHOWN_FAILURES = 1000

Id = Annotated[str, typer.Argument(metavar="ID", help="Of the job, or how it begins.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Index = Annotated[str | None, typer.Option(help="Only jobs of this index.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="Most jobs shown.")]


@app.callback(invoke_without_command=True)
def jobs(context: typer.Context) -> None:
    """Jobs: ingestions, refreshes, imports; running, queued and done."""
    if context.invoked_subcommand is None:
        list_(context)


@app.command("list")
def list_(context: typer.Context, index: Index = None, limit: Limit = 20, as_json: Json = False) -> None:
    """List the latest jobs, newest first."""
    here = session(context)
    with here.open() as foveal:
        found = foveal.jobs.recent(index, limit=limit)
    if as_json:
        print_json([job_json(job) for job in found])
        return
    for job in found:
        here.console.print(f"{job.ingestion_id[:8]}  {job.started_at:%Y-%m-%d %H:%M}  {job_line(job)}", markup=False)
    if not found:
        here.console.print("There was no job yet. Begin with: foveal ingest FOLDER")


@app.command()
def show(context: typer.Context, job_id: Id, as_json: Json = False) -> None:
    """Show one job, how far it is, and what it could not use."""
    here = session(context)
    with here.open() as foveal:
        job = foveal.jobs.get(_whole(foveal.jobs.recent(limit=1000), job_id))
        failed = foveal.jobs.failures(job.ingestion_id, limit=SHOWN_FAILURES)
    if as_json:
        print_json(job_json(job, failed))
        return
    here.console.print(f"{job.ingestion_id}  {job.kind.value}  {job_line(job)}", markup=False)
    here.console.print(f"  {progress_line(job)}", markup=False)
    if job.message:
        here.console.print(f"  {job.message}", markup=False)
    _print_failures(here.console, failed)


@app.command()
def watch(context: typer.Context, job_id: Id) -> None:
    """Follow a job, of whatever process, to its end."""
    from foveal.cli.progress import IngestBar
    from foveal.types.ingestions import IngestionProgress

    here = session(context)
    told = 0
    with here.open() as foveal, IngestBar(here.notes) as bar:
        whole = _whole(foveal.jobs.recent(limit=1000), job_id)
        while True:
            job = foveal.jobs.get(whole)
            failed = foveal.jobs.failures(whole, after=told)
            told += len(failed)
            progress = job.progress
            bar(
                IngestionProgress(
                    counts=job.counts,
                    stage=job.stage,
                    todo=progress.todo,
                    done=progress.done,
                    bytes_done=progress.bytes_done,
                    failures=tuple(failed),
                )
            )
            if job.final:
                break
            time.sleep(WATCH_EVERY_S)
    _end(here, job)


@app.command()
def cancel(context: typer.Context, job_id: Id) -> None:
    """Ask a job, of whatever process, to stop; what it has done is kept."""
    here = session(context)
    with here.open() as foveal:
        job = foveal.jobs.cancel(_whole(foveal.jobs.recent(limit=1000), job_id))
    here.console.print(f"{job.ingestion_id[:8]}  {job_line(job)}", markup=False)


@app.command()
def retry(
    context: typer.Context,
    job_id: Id,
    queue: Annotated[bool, typer.Option("--queue", help="Leave it to `foveal work` or a server.")] = False,
) -> None:
    """Try again what failed in a job: its failed files, or where it ended before its end, the rest of it."""
    from foveal.cli.progress import IngestBar

    here = session(context)
    with here.open() as foveal, IngestBar(here.notes) as bar:
        job = foveal.jobs.retry(_whole(foveal.jobs.recent(limit=1000), job_id))
        if not queue:
            job = foveal.jobs.run_next(bar, only=job.ingestion_id) or foveal.jobs.get(job.ingestion_id)
    _end(here, job)


def job_line(job: Ingestion) -> str:
    """One job in a sentence."""
    counts = job.counts
    parts = [
        f"{number} {word}"
        for number, word in (
            (counts.added, "added"),
            (counts.changed, "changed"),
            (counts.moved, "moved"),
            (counts.deleted, "deleted"),
            (counts.unchanged, "unchanged"),
            (counts.skipped, "of other types"),
            (counts.failed, "could not be used"),
        )
        if number
    ]
    seconds = ((job.finished_at or job.updated_at) - job.started_at).total_seconds()
    what = ", ".join(parts) or ("nothing yet" if not job.final else "nothing found")
    state = job.state.value.replace("_", " ")
    return f"{job.source} → index {job.index}: {what} ({state}, {seconds:.1f} s)"


def progress_line(job: Ingestion) -> str:
    """How far it is."""
    progress, rate, left = job.progress, job.items_per_second, job.seconds_left
    parts = [job.stage or "not begun", f"{progress.done} of {progress.todo}"]
    if rate is not None:
        parts.append(f"{rate:.1f}/s")
    if left is not None:
        parts.append(f"{left:.0f} s left")
    if job.cancel_asked and not job.final:
        parts.append("asked to stop")
    return ", ".join(parts)


def job_json(job: Ingestion, failed: list[AssetFailure] | None = None) -> dict[str, object]:
    """One job as JSON values."""
    from dataclasses import asdict

    values = asdict(job) | {"options": dict(job.options), "items_per_second": job.items_per_second}
    values["seconds_left"] = job.seconds_left
    return values if failed is None else values | {"failures": [asdict(failure) for failure in failed]}


def _whole(known: list[Ingestion], job_id: str) -> str:
    """The job whose id begins so; the text itself where there is none, or more than one."""
    found = [job.ingestion_id for job in known if job.ingestion_id.startswith(job_id)]
    return found[0] if len(found) == 1 else job_id


def _print_failures(console: Console, failed: list[AssetFailure]) -> None:
    for failure in failed:
        line = f"  {failure.path}: {failure.stage}: {failure.reason} {failure.remedy}".rstrip()
        console.print(line, markup=False)


def _end(here: Session, job: Ingestion) -> None:
    here.console.print(f"{job.ingestion_id[:8]}  {job_line(job)}", markup=False)
    if job.message:
        here.notes.print(job.message, markup=False)
    status = {"partially_succeeded": PARTIAL, "failed": ERROR}.get(job.state.value, OK)
    raise typer.Exit(status)
