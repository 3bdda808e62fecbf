"""Jobs in a SQL database, and the lease that lets one job at a time write to an index.

A lease is free when its process is gone (see `foveal.stores.process_leases`). Whoever lost a lease that way (a laptop
that slept) is told at its next `update`.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, Select, delete, func, insert, select, update
from sqlalchemy.engine import Connection, Row

from foveal.errors import ConflictError, NotFoundError
from foveal.stores.catalog_tables import ingestions, job_failures, job_workers, leases
from foveal.stores.job_rows import failure_of, failure_row, job_of, new_row, order_row
from foveal.stores.process_leases import holder_lives, host_name
from foveal.stores.sql_engine import reading, writing
from foveal.types.ingestions import (
    AssetFailure,
    Ingestion,
    IngestionCounts,
    IngestionId,
    IngestionState,
    JobOrder,
    JobProgress,
)

_WHAT = "The ingestion log"
_QUEUED, _RUNNING = IngestionState.QUEUED, IngestionState.RUNNING


class SqlIngestionLog:
    """`foveal.ports.IngestionLog` over an engine made by `foveal.stores.catalog.open_engine`."""

    def __init__(self, engine: Engine, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._engine = engine
        self._now = now

    def enqueue(self, order: JobOrder) -> Ingestion:
        """Have whichever process runs queued jobs do this."""
        same = [ingestions.c[name] == value for name, value in order_row(order).items()]
        waiting = select(ingestions).where(ingestions.c.state == _QUEUED.value, *same)
        with writing(self._engine, _WHAT) as connection:
            row = connection.execute(waiting).first()
            if row is None:
                row = self._insert(connection, order, _QUEUED)
            return job_of(row, _QUEUED)

    def start(self, order: JobOrder) -> Ingestion:
        """Take the index's lease and open a job."""
        with writing(self._engine, _WHAT) as connection:
            holder = self._holder(connection, order.index)
            if holder is not None:
                raise ConflictError(
                    f"Another process ({holder.pid} on {holder.host}) is ingesting into the index {order.index!r}.",
                    remedy="Wait for it, or cancel it.",
                )
            row = self._insert(connection, order, _RUNNING)
            self._take(connection, order.index, IngestionId(row.ingestion_id))
            return job_of(row, _RUNNING)

    def claim(self, only: IngestionId | None = None) -> Ingestion | None:
        """Take a job that waits, or whose process is gone, and its lease."""
        open_ones = _with_lease().where(ingestions.c.state.in_([_QUEUED.value, _RUNNING.value]))
        open_ones = open_ones.order_by(ingestions.c.number)
        if only is not None:
            open_ones = open_ones.where(ingestions.c.ingestion_id == only)
        with reading(self._engine, _WHAT) as connection:  # a look costs no write lock while nothing waits
            if not any(self._waits(row) for row in connection.execute(open_ones)):
                return None
        with writing(self._engine, _WHAT) as connection:
            for row in connection.execute(open_ones).all():
                if self._waits(row) and self._holder(connection, row.index_name) is None:
                    return self._run(connection, row)
        return None

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
        """Record progress and renew the lease; a final state releases it."""
        now = self._now()
        mine = (leases.c.host == host_name()) & (leases.c.pid == os.getpid())  # another process may go on with the job
        own = (leases.c.ingestion_id == ingestion_id) & mine
        final = state is not _RUNNING
        values: dict[str, object] = {"state": state.value, "message": message, "updated_at": now}
        values |= (asdict(counts) if counts else {}) | (asdict(progress) if progress else {})
        with writing(self._engine, _WHAT) as connection:
            job = _job_row(connection, ingestion_id)
            renewed = connection.execute(
                delete(leases).where(own) if final else update(leases).where(own).values(heartbeat_at=now)
            )
            if not renewed.rowcount:
                raise ConflictError(
                    f"Another process has taken over ingesting into the index {job.index_name!r}.",
                    remedy="Leave it to that process.",
                )
            if stage is not None and stage != job.stage:
                values |= {"stage": stage, "stage_at": now}
            this = ingestions.c.ingestion_id == ingestion_id
            connection.execute(update(ingestions).where(this).values(finished_at=now if final else None, **values))

    def add_failures(self, ingestion_id: IngestionId, failures: Sequence[AssetFailure]) -> None:
        """Keep what could not be used."""
        if not failures:
            return
        with writing(self._engine, _WHAT) as connection:
            _job_row(connection, ingestion_id)
            connection.execute(insert(job_failures), [failure_row(ingestion_id, failure) for failure in failures])

    def failures(self, ingestion_id: IngestionId, *, after: int = 0, limit: int = 1000) -> list[AssetFailure]:
        """What could not be used, oldest first."""
        its = select(job_failures).where(job_failures.c.ingestion_id == ingestion_id)
        with reading(self._engine, _WHAT) as connection:
            rows = connection.execute(its.order_by(job_failures.c.number).offset(after).limit(limit))
            return [failure_of(row) for row in rows]

    def get(self, ingestion_id: IngestionId) -> Ingestion:
        """One job."""
        with reading(self._engine, _WHAT) as connection:
            row = connection.execute(_with_lease().where(ingestions.c.ingestion_id == ingestion_id)).first()
        if row is None:
            raise _unknown(ingestion_id)
        return self._job(row)

    def cancel(self, ingestion_id: IngestionId) -> None:
        """Ask a job to stop; one that nobody works on is cancelled at once."""
        now = self._now()
        values: dict[str, object] = {"cancel_asked": True}
        with writing(self._engine, _WHAT) as connection:
            job = _job_row(connection, ingestion_id)
            if job.finished_at is not None:
                return
            holder = connection.execute(select(leases).where(leases.c.ingestion_id == ingestion_id)).first()
            if holder is None or not self._lives(holder):
                connection.execute(delete(leases).where(leases.c.ingestion_id == ingestion_id))
                values |= {"state": IngestionState.CANCELLED.value, "updated_at": now, "finished_at": now}
            connection.execute(update(ingestions).where(ingestions.c.number == job.number).values(**values))

    def cancelled(self, ingestion_id: IngestionId) -> bool:
        """Whether somebody asked it to stop."""
        with reading(self._engine, _WHAT) as connection:
            return bool(_job_row(connection, ingestion_id).cancel_asked)

    def recent(self, index: str | None = None, *, limit: int = 20) -> list[Ingestion]:
        """Newest first; a running job whose process is gone is shown as interrupted."""
        query = _with_lease()
        if index is not None:
            query = query.where(ingestions.c.index_name == index)
        query = query.order_by(ingestions.c.number.desc()).limit(limit)
        with reading(self._engine, _WHAT) as connection:
            return [self._job(row) for row in connection.execute(query)]

    def _insert(self, connection: Connection, order: JobOrder, state: IngestionState) -> Row[Any]:
        values = new_row(order, IngestionId(uuid.uuid4().hex), state, self._now())
        return connection.execute(insert(ingestions).values(**values).returning(ingestions)).one()

    def _run(self, connection: Connection, row: Row[Any]) -> Ingestion:
        self._take(connection, row.index_name, IngestionId(row.ingestion_id))
        now = self._now()
        run = update(ingestions).where(ingestions.c.number == row.number)
        started = now if row.state == _QUEUED.value else row.started_at
        run = run.values(state=_RUNNING.value, started_at=started, updated_at=now)
        return job_of(connection.execute(run.returning(ingestions)).one(), _RUNNING)

    def _take(self, connection: Connection, index: str, ingestion_id: IngestionId) -> None:
        """The lease was free, so whatever else still says it runs does not."""
        now = self._now()
        others = (ingestions.c.index_name == index) & (ingestions.c.ingestion_id != ingestion_id)
        gone = {"state": IngestionState.INTERRUPTED.value, "finished_at": now, "message": "Its process is gone."}
        connection.execute(update(ingestions).where(others, ingestions.c.state == _RUNNING.value).values(**gone))
        connection.execute(delete(leases).where(leases.c.index_name == index))
        own = {"index_name": index, "ingestion_id": ingestion_id, "host": host_name(), "pid": os.getpid()}
        connection.execute(insert(leases).values(heartbeat_at=now, **own))

    def _waits(self, row: Row[Any]) -> bool:
        return row.state == _QUEUED.value or row.pid is None or not self._lives(row)

    def _holder(self, connection: Connection, index: str) -> Row[Any] | None:
        holder = connection.execute(select(leases).where(leases.c.index_name == index)).first()
        return holder if holder is not None and self._lives(holder) else None

    def _job(self, row: Row[Any]) -> Ingestion:
        state = IngestionState(row.state)
        if state is _RUNNING and not (row.pid is not None and self._lives(row)):
            state = IngestionState.INTERRUPTED
        return job_of(row, state, ready=int(row.ready))

    def _lives(self, holder: Row[Any]) -> bool:
        return holder_lives(holder.host, holder.pid, holder.heartbeat_at, self._now())


def _with_lease() -> Select[Any]:
    own = job_workers.c.ingestion_id == ingestions.c.ingestion_id
    ready = select(func.coalesce(func.sum(job_workers.c.ready), 0)).where(own).scalar_subquery()
    columns = (ingestions, leases.c.host, leases.c.pid, leases.c.heartbeat_at, ready.label("ready"))
    return select(*columns).outerjoin(leases, leases.c.ingestion_id == ingestions.c.ingestion_id)


def _job_row(connection: Connection, ingestion_id: IngestionId) -> Row[Any]:
    row = connection.execute(select(ingestions).where(ingestions.c.ingestion_id == ingestion_id)).first()
    if row is None:
        raise _unknown(ingestion_id)
    return row


def _unknown(ingestion_id: IngestionId) -> NotFoundError:
    return NotFoundError(f"There is no job {ingestion_id!r}.", remedy="`foveal jobs` shows them.")
