"""`foveal ingest`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foveal.cli.jobs import job_json, job_line
from foveal.cli.session import OK, PARTIAL, print_json, session

if TYPE_CHECKING:
    from rich.console import Console

    from foveal.types.ingestions import IngestionPlan, IngestionProgress


def ingest(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="Folders or files.", exists=True)],
    index: Annotated[str | None, typer.Option(help="Index to put them in.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done and what it costs.")] = False,
    describe: Annotated[
        Path | None, typer.Option(help="JSON or CSV with your own words on the images.", exists=True, dir_okay=False)
    ] = None,
    group: Annotated[list[str] | None, typer.Option(help="Only this group may see them; may be repeated.")] = None,
    processes: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that share the work, this one among them.")
    ] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Read folders of images and texts into an index; run again, it does only what changed."""
    from foveal.cli.processes import Helpers
    from foveal.cli.progress import IngestBar

    here = session(context)
    groups = tuple(group or ())
    if processes > 1 and not here.settings.workers:
        from foveal.settings import available_cores

        here.share_cores(available_cores() // processes)
    with here.open() as foveal:
        name = index or here.settings.index
        if dry_run:
            plans = foveal.plan(paths, index=name, descriptions=describe, groups=groups)
            if as_json:
                print_json([plan_json(p) for p in plans])
            else:
                for plan in plans:
                    print_plan(here.console, plan)
            return
        if here.settings.understanding.objects and foveal.models.objects is None:
            here.notes.print("Objects are not detected: `foveal doctor` says why and what to do.", markup=False)
        with IngestBar(here.notes) as bar, Helpers(here, foveal, processes - 1) as helpers:

            def observe(progress: IngestionProgress) -> None:
                bar(progress)
                helpers(progress)

            jobs = foveal.ingest(paths, index=name, descriptions=describe, groups=groups, observe=observe)
        warned = len(foveal.warned(name))
    if as_json:
        print_json([job_json(j) for j in jobs])
    else:
        for job in jobs:
            here.console.print(job_line(job), markup=False)
        if warned:
            here.console.print(f"  {warned} with a warning: foveal status --index {name} --failures", markup=False)
    raise typer.Exit(PARTIAL if any(j.state == "partially_succeeded" for j in jobs) else OK)


def plan_json(plan: IngestionPlan) -> dict[str, object]:
    """A plan as JSON values."""
    from dataclasses import asdict

    return asdict(plan)


MOST_SHOWN = 20
"""Files of a plan named one by one that will not be used."""


def print_plan(console: Console, plan: IngestionPlan) -> None:
    """A plan for people."""
    from rich.table import Table

    counts = plan.counts
    console.print(
        f"{plan.source} → index {plan.index}: {counts.found} files, {counts.added} new, {counts.changed} changed, "
        f"{counts.deleted} to delete, {counts.unchanged} unchanged",
        markup=False,
    )
    for media_type, number in plan.by_media_type:
        console.print(f"  {number:>7} {media_type}", markup=False)
    if plan.work:
        table = Table("role", "model", "calls", "tokens", "cost", "seconds", box=None)
        for work in plan.work:
            cost = "no price set" if work.cost is None else f"{work.cost:.2f}"
            tokens = work.prompt_tokens + work.completion_tokens
            table.add_row(work.role, work.model, str(work.calls), str(tokens or "–"), cost, f"{work.seconds:.0f}")
        console.print(table)
    for unused in plan.unused[:MOST_SHOWN]:
        console.print(f"  not used: {unused.path}: {unused.reason} {unused.remedy}".rstrip(), markup=False)
    left = counts.skipped + counts.failed - MOST_SHOWN
    if left > 0:
        console.print(f"  not used: {left} more", markup=False)
    how = "as quick as the last time" if plan.measured else "by a guess: nothing was measured here yet"
    console.print(f"About {plan.seconds:.0f} s, {how}.", markup=False)
