"""Ingestions: jobs, what they did to each document, and the plan shown before one starts."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import NewType

from foveal.types.assets import AssetId, DocumentId, SourceItem

IngestionId = NewType("IngestionId", str)
NO_JOB = IngestionId("")


class JobKind(StrEnum):
    """What a job does."""

    INGEST = "ingest"
    """Bring an index in line with a folder or file."""
    REFRESH = "refresh"
    """The same with a saved source."""
    REMOVE = "remove"
    """Delete what came from a saved source."""
    IMPORT = "import"
    """Copy an index of another service."""
    REEMBED = "reembed"
    """Make the vectors of an index anew, with another model."""
    VIDEOS = "videos"
    """Add, change or remove documents of a video index."""


class IngestionState(StrEnum):
    """State of a job."""

    QUEUED = "queued"
    """Waits for a process that runs queued jobs, or for its index to be free."""
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    """Its process is gone, or was asked to stop by Ctrl-C; running the same ingest again goes on from there."""
    CANCELLED = "cancelled"
    SUCCEEDED = "succeeded"
    PARTIAL = "partially_succeeded"
    """Done, with files that could not be used."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestionCounts:
    """Files by outcome. When done, `found` is the sum of added, changed, moved, unchanged, failed and skipped."""

    found: int = 0
    added: int = 0
    changed: int = 0
    moved: int = 0
    deleted: int = 0
    unchanged: int = 0
    failed: int = 0
    skipped: int = 0
    """Files whose type Foveal does not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetFailure:
    """Why one file is not searchable."""

    path: str
    stage: str
    code: str
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOrder:
    """What a job is to do, so that any process can do it. Nothing in it is secret.

    Attributes:
        index: It writes to.
        source: `foveal.ports.Source.name` of what it reads, or what stands for it.
        saved_source: Name of a saved source; empty: `source` says it all.
        descriptions: File with a person's words on images; empty: only the source's own.
        groups: Groups that may see what comes of it, and the job; empty: everybody.
        options: What its kind needs beside, by name.
        retries: The job whose failed items this one tries again, and no others; empty: everything.
    """

    kind: JobKind = JobKind.INGEST
    index: str
    source: str
    saved_source: str = ""
    descriptions: str = ""
    groups: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    retries: IngestionId = NO_JOB

    def option(self, name: str, default: str = "") -> str:
        """One of `options`."""
        return dict(self.options).get(name, default)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """How far a job is in its present stage.

    Attributes:
        todo: Items that need work, in all; 0 while that is not known.
        done: Of these, how many are through, well or not.
        bytes_done: Their size, where they have one.
    """

    todo: int = 0
    done: int = 0
    bytes_done: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingestion(JobOrder):
    """One job: an order, and what became of it.

    Attributes:
        stage: What it does now: `list`, `understand`, `finish`, or a word of its kind's own; empty before it began.
        started_at: When it was queued, as long as it waits.
        stage_at: When its present stage began; None before the first.
        message: Why it did not succeed, or what there is to say.
        cancel_asked: Somebody asked it to stop.
    """

    ingestion_id: IngestionId
    state: IngestionState
    counts: IngestionCounts
    stage: str = ""
    progress: JobProgress = JobProgress()
    started_at: datetime
    updated_at: datetime
    stage_at: datetime | None = None
    finished_at: datetime | None = None
    message: str = ""
    cancel_asked: bool = False

    @property
    def order(self) -> JobOrder:
        """What was asked for."""
        return JobOrder(**{f.name: getattr(self, f.name) for f in fields(JobOrder)})

    @property
    def final(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state not in {IngestionState.QUEUED, IngestionState.RUNNING}

    @property
    def items_per_second(self) -> float | None:
        """Rate, of the present stage as long as it has items left; None while it is not known."""
        under_way = not self.final and self.progress.done < self.progress.todo
        began = self.stage_at if under_way else self.started_at
        seconds = ((self.finished_at or self.updated_at) - began).total_seconds() if began else 0.0
        return self.progress.done / seconds if self.progress.done and seconds > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """Until its items are through, at the present rate; None while it is not known, or when it has ended."""
        rate = self.items_per_second
        if self.final or rate is None:
            return None
        return (self.progress.todo - self.progress.done) / rate


class DocumentState(StrEnum):
    """State of one document in the catalog."""

    INDEXED = "indexed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRecord:
    """What the catalog knows of one document.

    Attributes:
        recipe: Fingerprint of everything that made its chunks (models, prompts, description, options).
        failure: Set when `state` is failed or skipped.
    """

    document_id: DocumentId
    source: str
    item: SourceItem
    asset_id: AssetId
    recipe: str
    state: DocumentState
    media_type: str = ""
    chunk_count: int = 0
    failure: AssetFailure | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelWork:
    """Calls a plan expects of one model.

    Attributes:
        prompt_tokens: Estimate; 0 for local models.
        cost: In the deployment's currency; None when no price is set; 0 for local models.
    """

    role: str
    model: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestionPlan:
    """What an ingest would do: the review before start.

    Attributes:
        measured: Whether the seconds rest on an earlier job of this machine, not on assumptions.
        unused: What will not be used, and why; the first hundred.
    """

    index: str
    source: str
    counts: IngestionCounts
    by_media_type: tuple[tuple[str, int], ...]
    work: tuple[ModelWork, ...]
    seconds: float
    measured: bool = False
    unused: tuple[AssetFailure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestionProgress:
    """What an observer of a running ingestion is told.

    Attributes:
        todo: Files that need work, in all.
        done: Of these, how many are through, well or not.
        bytes_done: Their size.
        failures: Files that could not be used since the last report.
    """

    counts: IngestionCounts
    stage: str
    todo: int
    done: int
    bytes_done: int
    failures: tuple[AssetFailure, ...] = ()
