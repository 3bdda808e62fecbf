"""Progress bars on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING

from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

if TYPE_CHECKING:
    from rich.console import Console

    from foveal.types.ingestions import IngestionProgress

PLAIN_EVERY_S = 5.0
STAGES = {"finish": "Building the index", "embed": "Embedding", "copy": "Copying"}


class PullBar:
    """Shows model files being fetched; call it with (card, file, bytes done, bytes total)."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> PullBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __call__(self, card: str, file: str, done_bytes: int, total_bytes: int) -> None:
        """Report bytes of one file."""
        if not self._console.is_terminal:
            if file not in self._tasks:
                self._tasks[file] = TaskID(0)
                self._console.print(f"Fetching model {card}: {file} ({total_bytes / 1e6:.0f} MB)")
            return
        if self._bar is None:
            columns = (TextColumn("Fetching {task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=self._console, transient=True)
            self._bar.start()
        if file not in self._tasks:
            self._tasks[file] = self._bar.add_task(f"{card}: {file}", total=total_bytes)
        self._bar.update(self._tasks[file], completed=done_bytes)
        if all(task.finished for task in self._bar.tasks):
            self.stop()

    def stop(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar, self._tasks = None, {}


class IngestBar:
    """Shows an ingestion: rate, time left, and failures as they come."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = time.monotonic()
        self._last = 0.0
        self._task: TaskID | None = None
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> IngestBar:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def __call__(self, progress: IngestionProgress) -> None:
        """Observe an ingestion."""
        for failure in progress.failures:
            self._bar.console.print(f"  {failure.path}: {failure.reason} {failure.remedy}".rstrip(), markup=False)
        if not progress.todo:
            return
        elapsed = max(time.monotonic() - self._started, 1e-3)
        rate = f"{progress.done / elapsed:.1f} {'documents' if progress.stage == 'copy' else 'files'}/s"
        rate = rate.replace("files", "chunks") if progress.stage == "embed" else rate
        stage = STAGES.get(progress.stage, "Reading and looking")
        if self._task is None:
            self._task = self._bar.add_task(stage, total=progress.todo, rate=rate)
        self._bar.update(self._task, description=stage, completed=progress.done, total=progress.todo, rate=rate)
        if not self._console.is_terminal and time.monotonic() - self._last > PLAIN_EVERY_S and self._last:
            self._console.print(f"{stage}: {progress.done} of {progress.todo}, {rate}")
        if time.monotonic() - self._last > PLAIN_EVERY_S:
            self._last = time.monotonic()
