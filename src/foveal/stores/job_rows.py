"""Jobs as rows of the table `ingestions`."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Row

from foveal.stores.catalog_tables import COUNTS
from foveal.types.ingestions import (
    AssetFailure,
    Ingestion,
    IngestionCounts,
    IngestionId,
    IngestionState,
    JobKind,
    JobOrder,
    JobProgress,
)


def order_row(order: JobOrder) -> dict[str, object]:
    """The columns of what is to be done."""
    return {
        "kind": order.kind.value,
        "index_name": order.index,
        "source": order.source,
        "saved_source": order.saved_source,
        "descriptions": order.descriptions,
        "groups": json.dumps(list(order.groups)),
        "options": json.dumps([list(pair) for pair in order.options]),
        "retries": order.retries,
    }


def new_row(order: JobOrder, ingestion_id: IngestionId, state: IngestionState, now: datetime) -> dict[str, object]:
    """A whole row, of a job that has done nothing yet."""
    return {
        **order_row(order),
        "ingestion_id": ingestion_id,
        "state": state.value,
        **asdict(IngestionCounts()),
        **asdict(JobProgress()),
        "stage": "",
        "started_at": now,
        "updated_at": now,
        "message": "",
        "cancel_asked": False,
    }


def job_of(row: Row[Any], state: IngestionState, *, ready: int = 0) -> Ingestion:
    """The job of a row, in the state it is really in; items that are ready but not committed are through as well."""
    return Ingestion(
        kind=JobKind(row.kind),
        index=row.index_name,
        source=row.source,
        saved_source=row.saved_source,
        descriptions=row.descriptions,
        groups=tuple(json.loads(row.groups)),
        options=tuple((name, value) for name, value in json.loads(row.options)),
        retries=IngestionId(row.retries),
        ingestion_id=IngestionId(row.ingestion_id),
        state=state,
        counts=IngestionCounts(**{name: getattr(row, name) for name in COUNTS}),
        stage=row.stage,
        progress=JobProgress(todo=row.todo, done=row.done + ready, bytes_done=row.bytes_done),
        started_at=row.started_at,
        updated_at=row.updated_at,
        stage_at=row.stage_at,
        finished_at=row.finished_at,
        message=row.message,
        cancel_asked=row.cancel_asked,
    )


def failure_row(ingestion_id: IngestionId, failure: AssetFailure) -> dict[str, str]:
    """One thing that could not be used. Words of libraries may hold a NUL, which not every database keeps."""
    return {"ingestion_id": ingestion_id, **{k: v.replace("\0", "\ufffd") for k, v in asdict(failure).items()}}


def failure_of(row: Row[Any]) -> AssetFailure:
    """The failure of a row."""
    return AssetFailure(path=row.path, stage=row.stage, code=row.code, reason=row.reason, remedy=row.remedy)
