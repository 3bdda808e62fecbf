"""Values of video retrieval as JSON, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from foveal.types.sources import Secret
from foveal.types.videos import (
    IndexFeature,
    MetadataField,
    TaskResult,
    VideoDocument,
    VideoIndex,
    VideoIngestion,
    VideoIngestionState,
    VideoMode,
    VideoTask,
)


def index_json(index: VideoIndex) -> str:
    """A JSON object."""
    return _dumped(asdict(index))


def read_index(text: str) -> VideoIndex:
    """Of `index_json`."""
    value = _dated(json.loads(text))
    value["fields"] = tuple(MetadataField(**one) for one in value["fields"])
    value["features"] = tuple(IndexFeature(**one) for one in value["features"])
    value["groups"] = tuple(value["groups"])
    return VideoIndex(**value)


def document_json(document: VideoDocument) -> str:
    """A JSON object."""
    return _dumped(asdict(document))


def read_document(text: str) -> VideoDocument:
    """Of `document_json`."""
    return VideoDocument(**_dated(json.loads(text)))


def ingestion_json(ingestion: VideoIngestion) -> str:
    """A JSON object."""
    return _dumped(asdict(ingestion))


def read_ingestion(text: str) -> VideoIngestion:
    """Of `ingestion_json`."""
    value = _dated(json.loads(text))
    value["state"] = VideoIngestionState(value["state"])
    value["results"] = tuple(TaskResult(**{**one, "at": _moment(one["at"])}) for one in value["results"])
    return VideoIngestion(**value)


def tasks_json(tasks: Sequence[VideoTask]) -> str:
    """A JSON array, addresses as they are: to be encrypted."""
    return _dumped(
        [
            {
                "mode": task.mode.value,
                "document_id": task.document_id,
                "url": task.url.reveal,
                "metadata": dict(task.metadata),
                "user_data": dict(task.user_data),
            }
            for task in tasks
        ]
    )


def read_tasks(text: str) -> tuple[VideoTask, ...]:
    """Of `tasks_json`."""
    return tuple(
        VideoTask(**{**one, "mode": VideoMode(one["mode"]), "url": Secret(one["url"])}) for one in json.loads(text)
    )


def _dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no value of JSON")


def _dated(value: dict[str, Any]) -> dict[str, Any]:
    return {**value, "created_at": _moment(value["created_at"]), "modified_at": _moment(value["modified_at"])}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
