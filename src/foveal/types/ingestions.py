"""Ingestions: jobs, what they did to each document, and the plan shown before one starts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from foveal.types.assets import AssetId, DocumentId, SourceItem

IngestionId = NewType("IngestionId", str)


class IngestionState(StrEnum):
    """State of a job."""

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
class Ingestion:
    """One job."""

    ingestion_id: IngestionId
    index: str
    source: str
    state: IngestionState
    counts: IngestionCounts
    started_at: datetime
    updated_at: datetime
    finished_at: datetime | None = None
    message: str = ""


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
    """What an ingest would do: the review before start."""

    index: str
    source: str
    counts: IngestionCounts
    by_media_type: tuple[tuple[str, int], ...]
    work: tuple[ModelWork, ...]
    seconds: float


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
