"""Saved sources in memory, of one process. For tests: credentials are not encrypted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from threading import RLock

from foveal.errors import ConflictError, NotFoundError
from foveal.pipeline.ingest import IngestRequest
from foveal.pipeline.job_run import JobRun, Observer
from foveal.pipeline.saved_sources import SavedSources
from foveal.ports.ingestions import IngestionLog
from foveal.ports.sources import SourceRegistry
from foveal.ports.uploads import UploadStore
from foveal.readers.sniffing import sniff
from foveal.runtime.sources import opening
from foveal.testing.fakes_uploads import InMemoryUploadStore
from foveal.types.ingestions import Ingestion, IngestionCounts, IngestionPlan, JobOrder
from foveal.types.live_settings import LiveSettings
from foveal.types.sources import Credential, SavedSource, Schedule, SourceRun, SourceSettings, SourceState


class InMemorySourceRegistry:
    """`foveal.ports.SourceRegistry` over dictionaries; a run's id is `run-` and a number."""

    def __init__(self, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._saved: dict[str, SavedSource] = {}
        self._credentials: dict[str, Credential | None] = {}
        self._runs: dict[str, str] = {}
        self._count = 0
        self._lock = RLock()

    def add(
        self, settings: SourceSettings, credential: Credential | None, *, next_run_at: datetime | None = None
    ) -> SavedSource:
        """Keep a new source."""
        place = (settings.location, settings.index)
        with self._lock:
            if settings.name in self._saved:
                raise ConflictError(f"There is a source {settings.name!r} already.")
            if any((s.settings.location, s.settings.index) == place for s in self._saved.values()):
                raise ConflictError(f"{settings.location} is read into the index {settings.index} already.")
            kind = credential.kind if credential else None
            saved = SavedSource(settings=settings, credential=kind, created_at=self._now(), next_run_at=next_run_at)
            self._saved[settings.name], self._credentials[settings.name] = saved, credential
            return saved

    def all(self) -> list[SavedSource]:
        """Every one, by name."""
        with self._lock:
            return [self._saved[name] for name in sorted(self._saved)]

    def get(self, name: str) -> SavedSource:
        """One."""
        with self._lock:
            if name not in self._saved:
                raise NotFoundError(f"There is no source {name!r}.")
            return self._saved[name]

    def credential(self, name: str) -> Credential | None:
        """What opens it."""
        with self._lock:
            self.get(name)
            return self._credentials[name]

    def set_credential(self, name: str, credential: Credential | None) -> None:
        """Keep another credential."""
        with self._lock:
            self._saved[name] = replace(self.get(name), credential=credential.kind if credential else None)
            self._credentials[name] = credential

    def set_live(self, name: str, live: LiveSettings) -> None:
        """Keep other settings of a live index."""
        with self._lock:
            saved = self.get(name)
            self._saved[name] = replace(saved, settings=replace(saved.settings, live=live))

    def set_schedule(self, name: str, schedule: Schedule, *, next_run_at: datetime | None) -> None:
        """Keep another schedule."""
        with self._lock:
            saved = self.get(name)
            settings = replace(saved.settings, schedule=schedule)
            self._saved[name] = replace(saved, settings=settings, next_run_at=next_run_at)

    def remove(self, name: str) -> None:
        """Forget a source."""
        with self._lock:
            self.get(name)
            del self._saved[name], self._credentials[name]
            self._runs = {run_id: running for run_id, running in self._runs.items() if running != name}

    def begin(self, name: str) -> SourceRun:
        """Take the right to run one source."""
        with self._lock:
            saved = self.get(name)
            if name in self._runs.values():
                raise ConflictError(f"The source {name} is running.")
            self._count += 1
            run_id, now = f"run-{self._count}", self._now()
            due = min(saved.next_run_at or now, now)
            self._saved[name] = replace(
                saved, state=SourceState.RUNNING, message="", last_started_at=now, next_run_at=due
            )
            self._runs[run_id] = name
            return SourceRun(run_id=run_id, source=self._saved[name])

    def claim(self) -> SourceRun | None:
        """Take the right to run the source that is longest due."""
        with self._lock:
            now, running = self._now(), set(self._runs.values())
            waiting = [(s.next_run_at, name) for name, s in self._saved.items() if name not in running]
            due = sorted((at, name) for at, name in waiting if at and at <= now)
            return self.begin(due[0][1]) if due else None

    def renew(self, run_id: str) -> None:
        """Say that a run lives."""
        with self._lock:
            if run_id not in self._runs:
                raise ConflictError("Another process has taken over that source, or it was removed.")

    def end(self, run_id: str, state: SourceState, *, message: str = "", next_run_at: datetime | None = None) -> None:
        """Record how a run went."""
        with self._lock:
            name = self._runs.pop(run_id, None)
            if name is not None:
                saved = self._saved[name]
                due, started = saved.next_run_at, saved.last_started_at
                if due and started and due > started:  # asked for meanwhile
                    next_run_at = due
                self._saved[name] = replace(
                    saved,
                    state=state,
                    message=message,
                    last_finished_at=self._now(),
                    next_run_at=next_run_at,
                )


def counting_sources(
    registry: SourceRegistry,
    log: IngestionLog,
    uploads: UploadStore | None = None,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> SavedSources:
    """Saved sources of every kind of the product, whose ingestions count the files and keep nothing."""

    def counts(request: IngestRequest) -> IngestionCounts:
        found = sum(item.path not in request.ignore for item in request.source.items())
        return IngestionCounts(found=found, added=found)

    def ingest(
        order: JobOrder,
        request: Callable[[], IngestRequest],
        observe: Observer = lambda _: None,
        *,
        job: Ingestion | None = None,
    ) -> Ingestion:
        with JobRun(log, job or log.start(order), observe) as run:
            run.counts = counts(request())
        return run.job

    def plan(request: IngestRequest) -> IngestionPlan:
        return IngestionPlan(
            index=request.index,
            source=request.source.name,
            counts=counts(request),
            by_media_type=(),
            work=(),
            seconds=0.0,
        )

    store = uploads or InMemoryUploadStore()
    return SavedSources(
        registry,
        opening(lambda: store),
        ingest=ingest,
        enqueue=log.enqueue,
        plan=plan,
        sniff=sniff,
        has_index=lambda _: True,
        now=now,
    )
