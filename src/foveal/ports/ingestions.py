"""What became of each file and each run. See `foveal.ports` for the rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from foveal.types.ingestions import (
    AssetFailure,
    Ingestion,
    IngestionCounts,
    IngestionId,
    IngestionState,
    JobOrder,
    JobProgress,
)


class IngestionLog(Protocol):
    """Jobs. A lease with a heartbeat makes sure that one job at a time writes to an index."""

    def enqueue(self, order: JobOrder) -> Ingestion:
        """Have whichever process runs queued jobs do this; an equal order that still waits is given back instead."""

    def start(self, order: JobOrder) -> Ingestion:
        """Take the index's lease and open a running job; earlier jobs whose process is gone become `interrupted`.

        Raises:
            ConflictError: Another live process is ingesting into that index; names it.
        """

    def claim(self, only: IngestionId | None = None) -> Ingestion | None:
        """Take the oldest job that is queued, or whose process is gone, or the one named, if its index is free; with
        its lease. It is running then. None when there is none.
        """

    def update(
        self,
        ingestion_id: IngestionId,
        counts: IngestionCounts | None = None,
        *,
        stage: str | None = None,
        progress: JobProgress | None = None,
        state: IngestionState = IngestionState.RUNNING,
        message: str = "",
    ) -> None:
        """Record what is given, and renew the lease; a final state releases it.

        Raises:
            ConflictError: Another process took the lease over because this one looked dead. Nothing was recorded.
        """

    def add_failures(self, ingestion_id: IngestionId, failures: Sequence[AssetFailure]) -> None:
        """Keep what could not be used, with the job."""

    def failures(self, ingestion_id: IngestionId, *, after: int = 0, limit: int = 1000) -> list[AssetFailure]:
        """What could not be used, oldest first, without the first `after`."""

    def get(self, ingestion_id: IngestionId) -> Ingestion:
        """One job.

        Raises:
            NotFoundError: There is none.
        """

    def cancel(self, ingestion_id: IngestionId) -> None:
        """Ask a job to stop; its writer sees it at the next `cancelled`. One that is queued, or whose process is gone,
        is cancelled at once; one that ended stays as it is.

        Raises:
            NotFoundError: There is none.
        """

    def cancelled(self, ingestion_id: IngestionId) -> bool:
        """Whether somebody asked it to stop."""

    def recent(self, index: str | None = None, *, limit: int = 20) -> list[Ingestion]:
        """Newest first; a running job whose process is gone is shown as interrupted."""
