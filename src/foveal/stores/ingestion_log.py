"""Jobs in a SQL database, and the lease that lets one process at a time write to an index.

A lease is free when its process is gone (see `foveal.stores.process_leases`). Whoever lost a lease that way (a laptop
that slept) is told at its next `update`.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.engine import Connection, Row

from foveal.errors import ConflictError, NotFoundError
from foveal.stores.catalog_tables import COUNTS, ingestions, leases
from foveal.stores.process_leases import holder_lives, host_name
from foveal.stores.sql_engine import reading, writing
from foveal.types.ingestions import Ingestion, IngestionCounts, IngestionId, IngestionState

_WHAT = "The ingestion log"


class SqlIngestionLog:
    """`foveal.ports.IngestionLog` over an engine made by `foveal.stores.catalog.open_engine`."""

    def __init__(self, engine: Engine, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._engine = engine
        self._now = now

    def start(self, index: str, source: str) -> Ingestion:
        """Take the index's write lease and open a job."""
        now = self._now()
        job = Ingestion(
            ingestion_id=IngestionId(uuid.uuid4().hex),
            index=index,
            source=source,
            state=IngestionState.RUNNING,
            counts=IngestionCounts(),
            started_at=now,
            updated_at=now,
        )
        with writing(self._engine, _WHAT) as connection:
            holder = connection.execute(select(leases).where(leases.c.index_name == index)).first()
            if holder is not None and self._lives(holder):
                raise ConflictError(
                    f"Another process ({holder.pid} on {holder.host}) is ingesting into the index {index!r}.",
                    remedy="Wait for it, or cancel it.",
                )
            _interrupt(connection, index, now)
            connection.execute(delete(leases).where(leases.c.index_name == index))
            connection.execute(
                insert(leases).values(
                    index_name=index, ingestion_id=job.ingestion_id, host=host_name(), pid=os.getpid(), heartbeat_at=now
                )
            )
            connection.execute(insert(ingestions).values(**_row(job)))
        return job

    def update(
        self,
        ingestion_id: IngestionId,
        counts: IngestionCounts,
        *,
        state: IngestionState = IngestionState.RUNNING,
        message: str = "",
    ) -> None:
        """Record progress and renew the lease; a final state releases it.

        Raises:
            ConflictError: Another process took the lease over because this one looked dead. Nothing was recorded.
        """
        now = self._now()
        own = leases.c.ingestion_id == ingestion_id
        final = state is not IngestionState.RUNNING
        with writing(self._engine, _WHAT) as connection:
            job = _job_row(connection, ingestion_id)
            renewed = connection.execute(
                delete(leases).where(own) if final else update(leases).where(own).values(heartbeat_at=now)
            )
            if job.state == IngestionState.INTERRUPTED and not renewed.rowcount:
                raise ConflictError(
                    f"Another process has taken over ingesting into the index {job.index_name!r}.",
                    remedy="Leave it to that process.",
                )
            values = {"state": state.value, "message": message, "updated_at": now, **asdict(counts)}
            this = ingestions.c.ingestion_id == ingestion_id
            connection.execute(update(ingestions).where(this).values(finished_at=now if final else None, **values))

    def cancel(self, ingestion_id: IngestionId) -> None:
        """Ask a job to stop."""
        with writing(self._engine, _WHAT) as connection:
            _job_row(connection, ingestion_id)
            asked = update(ingestions).where(ingestions.c.ingestion_id == ingestion_id).values(cancel_asked=True)
            connection.execute(asked)

    def cancelled(self, ingestion_id: IngestionId) -> bool:
        """Whether somebody asked it to stop."""
        with reading(self._engine, _WHAT) as connection:
            return bool(_job_row(connection, ingestion_id).cancel_asked)

    def recent(self, index: str | None = None, *, limit: int = 20) -> list[Ingestion]:
        """Newest first; a running job whose process is gone is shown as interrupted."""
        query = select(ingestions, leases.c.host, leases.c.pid, leases.c.heartbeat_at).outerjoin(
            leases, leases.c.ingestion_id == ingestions.c.ingestion_id
        )
        if index is not None:
            query = query.where(ingestions.c.index_name == index)
        query = query.order_by(ingestions.c.number.desc()).limit(limit)
        with reading(self._engine, _WHAT) as connection:
            return [self._job(row) for row in connection.execute(query)]

    def _job(self, row: Row[Any]) -> Ingestion:
        state = IngestionState(row.state)
        if state is IngestionState.RUNNING and not (row.pid is not None and self._lives(row)):
            state = IngestionState.INTERRUPTED
        return Ingestion(
            ingestion_id=IngestionId(row.ingestion_id),
            index=row.index_name,
            source=row.source,
            state=state,
            counts=IngestionCounts(**{name: getattr(row, name) for name in COUNTS}),
            started_at=row.started_at,
            updated_at=row.updated_at,
            finished_at=row.finished_at,
            message=row.message,
        )

    def _lives(self, holder: Row[Any]) -> bool:
        return holder_lives(holder.host, holder.pid, holder.heartbeat_at, self._now())


def _interrupt(connection: Connection, index: str, now: datetime) -> None:
    """The lease was free, so whatever still says it runs does not."""
    running = (ingestions.c.index_name == index) & (ingestions.c.state == IngestionState.RUNNING.value)
    gone = {"state": IngestionState.INTERRUPTED.value, "finished_at": now, "message": "Its process is gone."}
    connection.execute(update(ingestions).where(running).values(**gone))


def _job_row(connection: Connection, ingestion_id: IngestionId) -> Row[Any]:
    row = connection.execute(select(ingestions).where(ingestions.c.ingestion_id == ingestion_id)).first()
    if row is None:
        raise NotFoundError(f"There is no ingestion {ingestion_id!r}.")
    return row


def _row(job: Ingestion) -> dict[str, object]:
    return {
        "ingestion_id": job.ingestion_id,
        "index_name": job.index,
        "source": job.source,
        "state": job.state.value,
        **asdict(job.counts),
        "started_at": job.started_at,
        "updated_at": job.updated_at,
        "finished_at": job.finished_at,
        "message": job.message,
        "cancel_asked": False,
    }
