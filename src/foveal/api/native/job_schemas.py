"""Bodies of `/v1/jobs`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from foveal.types.ingestions import AssetFailure, Ingestion, IngestionState, JobKind


class JobCounts(BaseModel):
    """Items by what became of them."""

    found: int
    added: int
    changed: int
    moved: int
    deleted: int
    unchanged: int
    failed: int
    skipped: int


class JobOut(BaseModel):
    """A job: what it is to do, and how far it is."""

    id: str
    kind: JobKind
    state: IngestionState
    index: str
    source: str = Field(description="What it reads.")
    saved_source: str = Field(description="Name of the saved source; empty: it reads none.")
    groups: list[str] = Field(description="Groups that may see what comes of it; empty: everybody.")
    options: dict[str, str] = Field(description="What its kind needs beside.")
    retries: str = Field(description="The job whose failed items it tries again.")
    counts: JobCounts
    stage: str = Field(description="`list`, `understand`, `finish`, or a word of its kind's own.")
    todo: int = Field(description="Items that need work, in all.")
    done: int = Field(description="Of these, those that are through, well or not.")
    bytes_done: int
    items_per_second: float | None
    seconds_left: float | None = Field(description="At the present rate.")
    started_at: datetime = Field(description="When it was queued, as long as it waits.")
    updated_at: datetime
    finished_at: datetime | None
    message: str = Field(description="Why it did not succeed.")
    cancel_asked: bool


class JobList(BaseModel):
    """Jobs, newest first."""

    jobs: list[JobOut]


class JobFailureOut(BaseModel):
    """An item that could not be used."""

    path: str
    stage: str
    code: str
    reason: str
    remedy: str


class JobDetails(JobOut):
    """A job with what it could not use."""

    failures: list[JobFailureOut] = Field(description="The first thousand, oldest first.")


def job_out(job: Ingestion) -> JobOut:
    """A job as it is sent."""
    return JobOut(**_values(job))


def details_out(job: Ingestion, failures: list[AssetFailure]) -> JobDetails:
    """A job with its failures as it is sent."""
    shown = [JobFailureOut(**asdict(failure)) for failure in failures]
    return JobDetails(**_values(job), failures=shown)


def _values(job: Ingestion) -> dict[str, Any]:
    return {
        "id": job.ingestion_id,
        "kind": job.kind,
        "state": job.state,
        "index": job.index,
        "source": job.source,
        "saved_source": job.saved_source,
        "groups": list(job.groups),
        "options": dict(job.options),
        "retries": job.retries,
        "counts": JobCounts(**asdict(job.counts)),
        "stage": job.stage,
        **asdict(job.progress),
        "items_per_second": job.items_per_second,
        "seconds_left": job.seconds_left,
        "started_at": job.started_at,
        "updated_at": job.updated_at,
        "finished_at": job.finished_at,
        "message": job.message,
        "cancel_asked": job.cancel_asked,
    }
