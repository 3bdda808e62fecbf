"""Further processes that do shares of a job, started and ended with the command that runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from foveal.cli.session import Session
    from foveal.runtime import Foveal
    from foveal.types.ingestions import IngestionProgress

FEWEST_ITEMS = 16
"""A job with fewer items is done before another process has opened its models."""
LEAVING_S = 30.0
"""Longest time that a helper takes to commit what it has, when the command ends early."""


class Helpers:
    """Observes the jobs of this process, and has so many other processes help with each.

    Args:
        here: Whose settings they get.
        foveal: The open home.
        count: How many.
    """

    def __init__(self, here: Session, foveal: Foveal, count: int) -> None:
        self._here = here
        self._foveal = foveal
        self._count = count
        self._helped: set[str] = set()
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Helpers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._running:
            try:
                process.wait(LEAVING_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def __call__(self, progress: IngestionProgress) -> None:
        """Start them once a job has handed its items out."""
        if not self._count or progress.stage != "understand" or progress.todo < FEWEST_ITEMS:
            return
        mine = (j for j in self._foveal.jobs.recent() if not j.final and j.ingestion_id not in self._helped)
        job = next(mine, None) if progress.done == 0 else None
        if job is not None:
            self._helped.add(job.ingestion_id)
            command = [sys.executable, "-m", "foveal", "work", "--job", job.ingestion_id]
            environment = {**os.environ, **environment_of(self._here)}
            for _ in range(self._count):
                started = subprocess.Popen(command, env=environment)  # noqa: S603 - our own program
                self._running.append(started)


def environment_of(here: Session) -> dict[str, str]:
    """The flags of a command as variables, for a process that has none."""
    given = {f"FOVEAL_{name.replace('.', '_').upper()}": str(value) for name, value in here.flags.items()}
    return given | ({"FOVEAL_CONFIG": str(here.config)} if here.config else {})
