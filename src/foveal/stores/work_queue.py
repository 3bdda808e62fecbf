"""Shared work in a SQL database: `foveal.ports.WorkQueue`.

Taking items is the one thing that many workers do all the time: on PostgreSQL they lock only the rows they take and
skip those of others (`FOR UPDATE SKIP LOCKED`); on SQLite each takes the file's write lock for a millisecond.
"""

from __future__ import annotations

import json
import os
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import Engine, delete, func, insert, select, update
from sqlalchemy.engine import Connection, Row

from foveal.errors import ConflictError
from foveal.stores.catalog_tables import ingestions, job_failures, job_workers, work_items
from foveal.stores.job_rows import failure_row
from foveal.stores.process_leases import holder_lives, host_name
from foveal.stores.sql_engine import reading, sharing, writing
from foveal.types.assets import AssetId, DocumentId, SourceItem
from foveal.types.ingestions import IngestionId, IngestionState
from foveal.types.work import Finished, GoneDocument, Outcome, WorkerId, WorkItem

_WHAT = "The work queue"
_BATCH = 500
_WAITING, _TAKEN, _SETTLED, _GONE, _MOVED = "waiting", "taken", "settled", "gone", "moved"
_items = work_items.c


class SqlWorkQueue:
    """`foveal.ports.WorkQueue` over an engine made by `foveal.stores.catalog.open_engine`."""

    def __init__(self, engine: Engine, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._engine = engine
        self._now = now

    def fill(self, job: IngestionId, items: Iterable[WorkItem], gone: Iterable[GoneDocument] = ()) -> None:
        """What is to be done for a job."""
        running = select(ingestions.c.ingestion_id).where(ingestions.c.state == IngestionState.RUNNING.value)
        with writing(self._engine, _WHAT) as connection:
            _forget(connection, job)
            connection.execute(delete(work_items).where(_items.ingestion_id.not_in(running)))  # of killed processes
            ordinal = -1
            for batch in _batches(items):
                connection.execute(insert(work_items), [_item_row(job, item) for item in batch])
                ordinal = batch[-1].ordinal
            for number, some in enumerate(_batches(gone)):
                first = ordinal + 1 + number * _BATCH
                rows = [_gone_row(job, first + n, document) for n, document in enumerate(some)]
                connection.execute(insert(work_items), rows)

    def clear(self, job: IngestionId) -> None:
        """Forget everything of a job."""
        with writing(self._engine, _WHAT) as connection:
            _forget(connection, job)

    def join(self, job: IngestionId) -> WorkerId:
        """Become a worker."""
        worker = WorkerId(uuid.uuid4().hex)
        row = {"worker_id": worker, "ingestion_id": job, "host": host_name(), "pid": os.getpid(), "ready": 0}
        with writing(self._engine, _WHAT) as connection:
            connection.execute(insert(job_workers).values(committing=False, heartbeat_at=self._now(), **row))
        return worker

    def beat(self, worker: WorkerId, ready: int) -> None:
        """Renew the lease."""
        this = update(job_workers).where(job_workers.c.worker_id == worker)
        with sharing(self._engine, _WHAT) as connection:
            if not connection.execute(this.values(heartbeat_at=self._now(), ready=ready)).rowcount:
                raise _lost()

    def leave(self, worker: WorkerId) -> None:
        """Be no worker any more."""
        with writing(self._engine, _WHAT) as connection:
            _give_back(connection, [worker], attempted=False)

    def take(self, worker: WorkerId, limit: int) -> list[WorkItem]:
        """Some items that nobody has."""
        with sharing(self._engine, _WHAT) as connection:
            job = self._job_of(connection, worker)
            found = self._take(connection, job, worker, limit)
        if found:
            return found
        with writing(self._engine, _WHAT) as connection:
            lost = [row.worker_id for row in self._workers(connection, job) if not self._lives(row)]
            if not lost:
                return []
            _give_back(connection, lost, attempted=True)
            return self._take(connection, job, worker, limit)

    def propose(self, worker: WorkerId, finished: Sequence[Finished]) -> bool:
        """Ask for the right to commit."""
        with writing(self._engine, _WHAT) as connection:
            job = self._job_of(connection, worker)
            others = (row for row in self._workers(connection, job) if row.worker_id != worker)
            if any(row.committing and self._lives(row) for row in others):
                return False
            for outcome in Outcome:
                some = [one.ordinal for one in finished if one.outcome is outcome]
                _mark(connection, job, worker, some, outcome=outcome.value)
            connection.execute(update(job_workers).where(job_workers.c.worker_id == worker).values(committing=True))
        return True

    def settle(self, worker: WorkerId, finished: Sequence[Finished]) -> None:
        """Count what is committed."""
        with writing(self._engine, _WHAT) as connection:
            job = self._job_of(connection, worker)
            _mark(connection, job, worker, [one.ordinal for one in finished], state=_SETTLED)
            counts: Counter[str] = Counter(one.outcome.value for one in finished)
            moved = _moved(connection, job, [o.asset_id for o in finished if o.outcome is Outcome.ADDED])
            counts["added"] -= moved
            counts["moved"] += moved
            more = {name: ingestions.c[name] + number for name, number in counts.items() if number}
            more |= {
                "done": ingestions.c.done + len(finished),
                "bytes_done": ingestions.c.bytes_done + sum(one.size_bytes for one in finished),
            }
            this = ingestions.c.ingestion_id == job
            connection.execute(update(ingestions).where(this).values(updated_at=self._now(), **more))
            failures = [failure_row(job, one.failure) for one in finished if one.failure]
            if failures:
                connection.execute(insert(job_failures), failures)
            own = update(job_workers).where(job_workers.c.worker_id == worker)
            connection.execute(own.values(committing=False, ready=0, heartbeat_at=self._now()))

    def open_items(self, job: IngestionId) -> int:
        """Items that are not settled."""
        open_ones = (_items.ingestion_id == job) & _items.state.in_([_WAITING, _TAKEN])
        with reading(self._engine, _WHAT) as connection:
            return connection.execute(select(func.count()).select_from(work_items).where(open_ones)).scalar_one()

    def others(self, worker: WorkerId) -> int:
        """Live workers beside this one."""
        with reading(self._engine, _WHAT) as connection:
            rows = self._workers(connection, self._job_of(connection, worker))
            return sum(row.worker_id != worker and self._lives(row) for row in rows)

    def gone(self, job: IngestionId) -> list[GoneDocument]:
        """Documents to delete."""
        its = select(work_items).where(_items.ingestion_id == job, _items.state.in_([_GONE, _MOVED]))
        with reading(self._engine, _WHAT) as connection:
            return [
                GoneDocument(document_id=DocumentId(row.document_id), path=row.path, asset_id=AssetId(row.asset_id))
                for row in connection.execute(its.order_by(_items.ordinal))
            ]

    def _job_of(self, connection: Connection, worker: WorkerId) -> IngestionId:
        running = select(job_workers.c.ingestion_id).join(
            ingestions, ingestions.c.ingestion_id == job_workers.c.ingestion_id
        )
        running = running.where(ingestions.c.state == IngestionState.RUNNING.value)
        row = connection.execute(running.where(job_workers.c.worker_id == worker)).first()
        if row is None:
            raise _lost()
        return IngestionId(row.ingestion_id)

    def _workers(self, connection: Connection, job: IngestionId) -> Sequence[Row[Any]]:
        return connection.execute(select(job_workers).where(job_workers.c.ingestion_id == job)).all()

    def _take(self, connection: Connection, job: IngestionId, worker: WorkerId, limit: int) -> list[WorkItem]:
        waiting = select(work_items).where(_items.ingestion_id == job, _items.state == _WAITING)
        waiting = waiting.order_by(_items.attempts, _items.ordinal).limit(limit)
        rows = connection.execute(waiting.with_for_update(skip_locked=True)).all()
        if rows and rows[0].attempts:  # one of them may be what ended its worker: not together
            rows = rows[:1]
        fresh = [row for row in rows if row.attempts == rows[0].attempts]
        mine = (_items.ingestion_id == job) & _items.ordinal.in_([row.ordinal for row in fresh])
        if fresh:
            connection.execute(update(work_items).where(mine).values(state=_TAKEN, worker_id=worker))
        return [_work_item(row) for row in fresh]

    def _lives(self, row: Row[Any]) -> bool:
        return holder_lives(row.host, row.pid, row.heartbeat_at, self._now())


def _give_back(connection: Connection, workers: list[WorkerId], *, attempted: bool) -> None:
    theirs = _items.worker_id.in_(workers) & (_items.state == _TAKEN)
    values = {"state": _WAITING, "worker_id": None, "attempts": _items.attempts + (1 if attempted else 0)}
    connection.execute(update(work_items).where(theirs).values(**values))
    connection.execute(delete(job_workers).where(job_workers.c.worker_id.in_(workers)))


def _mark(connection: Connection, job: IngestionId, worker: WorkerId, ordinals: list[int], **values: str) -> None:
    """Change items that are still this worker's.

    Raises:
        ConflictError: Some are not.
    """
    for start in range(0, len(ordinals), _BATCH):
        some = ordinals[start : start + _BATCH]
        own = (_items.ingestion_id == job) & _items.ordinal.in_(some) & (_items.worker_id == worker)
        changed = connection.execute(update(work_items).where(own, _items.state == _TAKEN).values(**values))
        if changed.rowcount != len(some):
            raise _lost()


def _moved(connection: Connection, job: IngestionId, added: list[AssetId]) -> int:
    """How many of these bytes are those of documents that are gone, each of which is found again once."""
    moved = 0
    wanted = Counter(asset_id for asset_id in added if asset_id)
    for start in range(0, len(wanted), _BATCH):
        some = list(wanted)[start : start + _BATCH]
        same = (_items.ingestion_id == job) & (_items.state == _GONE) & _items.asset_id.in_(some)
        for row in connection.execute(select(_items.ordinal, _items.asset_id).where(same)).all():
            if wanted[row.asset_id]:
                wanted[row.asset_id] -= 1
                moved += 1
                this = (_items.ingestion_id == job) & (_items.ordinal == row.ordinal)
                connection.execute(update(work_items).where(this).values(state=_MOVED))
    return moved


def _forget(connection: Connection, job: IngestionId) -> None:
    connection.execute(delete(work_items).where(_items.ingestion_id == job))
    connection.execute(delete(job_workers).where(job_workers.c.ingestion_id == job))


def _batches(values: Iterable[Any]) -> Iterator[list[Any]]:
    iterator = iter(values)
    while batch := list(islice(iterator, _BATCH)):
        yield batch


def _item_row(job: IngestionId, work: WorkItem) -> dict[str, object]:
    return {
        "ingestion_id": job,
        "ordinal": work.ordinal,
        "state": _WAITING,
        "path": work.item.path,
        "size_bytes": work.item.size_bytes,
        "version": work.item.version,
        "modified_at": work.item.modified_at,
        "description": work.description.encode("utf-8", "surrogatepass"),
        "subtitles": None if work.subtitles is None else _item_text(work.subtitles),
        "document_id": "",
        "asset_id": "",
        "attempts": 0,
    }


def _gone_row(job: IngestionId, ordinal: int, document: GoneDocument) -> dict[str, object]:
    return {
        "ingestion_id": job,
        "ordinal": ordinal,
        "state": _GONE,
        "path": document.path,
        "size_bytes": 0,
        "version": "",
        "description": b"",
        "subtitles": None,
        "document_id": document.document_id,
        "asset_id": document.asset_id,
        "attempts": 0,
    }


def _work_item(row: Row[Any]) -> WorkItem:
    return WorkItem(
        ordinal=row.ordinal,
        item=SourceItem(path=row.path, size_bytes=row.size_bytes, version=row.version, modified_at=row.modified_at),
        description=bytes(row.description).decode("utf-8", "surrogatepass"),
        subtitles=None if row.subtitles is None else _item_of(row.subtitles),
        attempts=row.attempts,
        outcome=None if row.outcome is None else Outcome(row.outcome),
    )


def _item_text(item: SourceItem) -> str:
    return json.dumps(asdict(item) | {"modified_at": item.modified_at and item.modified_at.isoformat()})


def _item_of(text: str) -> SourceItem:
    values = json.loads(text)
    modified = values["modified_at"]
    return SourceItem(**values | {"modified_at": modified and datetime.fromisoformat(modified)})


def _lost() -> ConflictError:
    return ConflictError(
        "Another process has taken over the items of this one, or the job has ended.",
        remedy="Leave it to that process.",
    )
