"""`foveal status`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from foveal.cli.session import print_json, session

if TYPE_CHECKING:
    from foveal.types.status import IndexStatus


def status(
    context: typer.Context,
    index: Annotated[str | None, typer.Option(help="Only this index.")] = None,
    failures: Annotated[
        bool, typer.Option("--failures", help="List the files that could not be used, or only in part.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what is indexed and how well it can be searched."""
    from dataclasses import asdict

    here = session(context)
    with here.open() as foveal:
        names = [index] if index else foveal.index_names()
        statuses = [foveal.index_status(name) for name in names]
        failed = {name: foveal.failures(name) for name in names} if failures or as_json else {}
        warned = {name: foveal.warned(name) for name in names} if failures or as_json else {}
        running = [job for job in foveal.jobs.recent(index) if not job.final]
    if as_json:
        shown = [
            asdict(s)
            | {"failures": [asdict(f) for f in failed.get(s.name, ())]}
            | {"warnings": [{"path": d.item.path, "warnings": d.warnings} for d in warned.get(s.name, ())]}
            for s in statuses
        ]
        print_json({"indexes": shown, "open_jobs": [job.ingestion_id for job in running]})
        return
    if not statuses:
        here.console.print("Nothing is indexed yet. Begin with: foveal ingest FOLDER")
    for one in statuses:
        here.console.print(status_text(one), markup=False)
        for failure in failed.get(one.name, ()):
            here.console.print(f"    {failure.path}: {failure.stage}: {failure.reason} {failure.remedy}", markup=False)
        for document in warned.get(one.name, ()):
            here.console.print(f"    {document.item.path}: warning: {' '.join(document.warnings)}", markup=False)
    if running:
        here.console.print(f"{len(running)} running or queued: foveal jobs")


def status_text(status: IndexStatus) -> str:
    """One index in a few lines."""
    if status.problem:
        return f"{status.name}: {status.documents} files. {status.problem}"
    lines = [
        f"{status.name}: {status.documents} files, {status.chunks} chunks, {status.images} images "
        f"({status.described} with words of a person or a model), {status.failed} failed, "
        f"generation {status.generation}",
        f"  text model {status.text_model}, image model {status.image_model}",
    ]
    if status.adapter_recall_at_1 is None or status.adapter_recall_at_10 is None:
        if status.images:
            lines.append("  few images are described: they are found by what is recognised (describe 25 to do better)")
    else:
        lines.append(
            f"  adapter learnt from {status.adapter_described} described images; among {status.adapter_candidates} it"
            f" had not seen, words found their image first {status.adapter_recall_at_1:.0%} of the time, "
            f"in the first ten {status.adapter_recall_at_10:.0%}"
        )
    return "\n".join(lines)
