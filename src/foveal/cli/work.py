"""`foveal work`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from foveal.cli.session import session

if TYPE_CHECKING:
    from foveal.cli.session import Session
    from foveal.pipeline.saved_sources import Refreshed


def work(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="End when there is nothing left to do.")] = False,
    job: Annotated[
        str | None, typer.Option(metavar="ID", help="Only help with this job, which another process runs.")
    ] = None,
) -> None:
    """Help with running jobs, run queued ones and due sources, until stopped. Any number of these may work at once."""
    from foveal.cli.progress import IngestBar
    from foveal.runtime.scheduler import Worker

    here = session(context)
    if job is not None:
        with here.open() as foveal:
            while foveal.jobs.help_one(only=job):
                pass
            foveal.jobs.run_next(only=job)  # finishes it where the process that started it is gone
        return
    with here.open() as foveal, IngestBar(here.notes) as bar:
        worker = Worker(foveal.sources, foveal.jobs, helps=True, tell=lambda done: tell(here, done), observe=bar)
        if not once:
            here.notes.print("Waiting for jobs (Ctrl-C stops).")
        worker.run_waiting()
        if not once:
            worker.run()


def tell(here: Session, done: Refreshed) -> None:
    """What became of one."""
    from foveal.cli.jobs import job_line

    line = job_line(done.job) if done.job else f"The source {done.name} was not refreshed: {done.error}"
    if done.job and done.job.message:
        line += f" {done.job.message}"
    here.notes.print(line, markup=False, soft_wrap=True)
