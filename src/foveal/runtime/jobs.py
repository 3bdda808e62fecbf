"""What does the jobs of each kind, in any process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from foveal.pipeline.jobs import Handler, Helper, Jobs
from foveal.runtime.importing import resume_import
from foveal.types.ingestions import Ingestion, JobKind, JobOrder

if TYPE_CHECKING:
    from foveal.pipeline.ingest import IngestRequest
    from foveal.pipeline.job_run import Observer
    from foveal.runtime.parts import Parts


def jobs_of(parts: Parts) -> Jobs:
    """The jobs of a home, and how each kind is done. Nothing is opened before one is run."""

    def ingest(job: Ingestion, observe: Observer) -> Ingestion:
        return parts.of(job.index).ingester.run_job(job.order, lambda: request_of(job.order), observe, job=job)

    def refresh(job: Ingestion, observe: Observer) -> Ingestion:
        return parts.sources.refresh(job.saved_source, observe, job=job)

    def remove(job: Ingestion, observe: Observer) -> Ingestion:
        return parts.sources.empty(job, observe)

    def reembed(job: Ingestion, observe: Observer) -> Ingestion:
        return parts.with_text(job.option("text_model")).reembedder.run(job.order, observe, job=job)

    def copy(job: Ingestion, observe: Observer) -> Ingestion:
        return resume_import(parts, job, observe)

    def videos(job: Ingestion, observe: Observer) -> Ingestion:
        return parts.video_retrieval.ingesting.run(job, observe)

    handlers: dict[JobKind, Handler] = {
        JobKind.INGEST: ingest,
        JobKind.REFRESH: refresh,
        JobKind.REMOVE: remove,
        JobKind.REEMBED: reembed,
        JobKind.IMPORT: copy,
        JobKind.VIDEOS: videos,
    }

    def help_ingest(job: Ingestion, observe: Observer) -> int:
        return parts.of(job.index).ingester.help(job, observe)

    helpers: dict[JobKind, Helper] = dict.fromkeys((JobKind.INGEST, JobKind.REFRESH, JobKind.VIDEOS), help_ingest)
    return Jobs(parts.log, handlers, helpers)


def reembed_order(index: str, text_model: str) -> JobOrder:
    """An order to make the vectors of an index anew."""
    called = text_model or "the home's own model"
    return JobOrder(kind=JobKind.REEMBED, index=index, source=called, options=(("text_model", text_model),))


def ingest_order(path: Path, index: str, descriptions: Path | None, groups: tuple[str, ...]) -> JobOrder:
    """An order to ingest a folder or file of this machine."""
    return JobOrder(
        index=index,
        source=str(path.resolve()),
        descriptions=str(descriptions.resolve()) if descriptions else "",
        groups=groups,
    )


def request_of(order: JobOrder) -> IngestRequest:
    """What an order to ingest comes to: its folder listed, with the words on its images.

    Raises:
        InvalidRequestError: The folder cannot be listed, or the file of descriptions cannot be read.
    """
    from foveal.runtime.sources import ingest_request
    from foveal.sources.folder import FolderSource

    words = Path(order.descriptions) if order.descriptions else None
    return ingest_request(FolderSource(Path(order.source)), order.index, words, order.groups)
