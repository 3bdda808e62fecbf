"""Video indexes as Azure AI Vision's video retrieval has them: their definition, their documents, what brings these in.

What is searched is an ordinary index of the same name. The words are those of the interface ("Video Retrieval API",
2023-05-01-preview; contract notes, section 5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from foveal.types.documents import Json
from foveal.types.sources import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataField:
    """A field that callers give documents.

    Attributes:
        name: In lower case, as replies have it; filters name it in any case.
    """

    name: str
    type: Literal["string", "datetime"] = "string"
    searchable: bool = False
    filterable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexFeature:
    """What is looked for in an index.

    Attributes:
        domain: `generic` or `surveillance`; kept and told again.
    """

    name: Literal["vision", "speech"]
    model_version: str = ""
    domain: str = "generic"


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoIndex:
    """A video index.

    Attributes:
        language: Of the metadata.
        features: At least one.
        user_data: Kept for the caller.
        groups: Groups that may see it, empty: everybody; those of whoever made it.
        etag: Changes with every change.
    """

    name: str
    fields: tuple[MetadataField, ...] = ()
    language: str = "en"
    features: tuple[IndexFeature, ...] = (IndexFeature(name="vision"),)
    user_data: Mapping[str, Json] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    etag: str
    created_at: datetime
    modified_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoDocument:
    """A video of an index.

    Attributes:
        document_id: What the caller calls it.
        url: Where it came from, without query: that may hold a signature.
        path: Of its file in the index's folder.
        metadata: By name in lower case.
        user_data: Kept for the caller.
    """

    document_id: str
    url: str
    path: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    user_data: Mapping[str, Json] = field(default_factory=dict)
    created_at: datetime
    modified_at: datetime


class VideoMode(StrEnum):
    """What an ingestion does with a document."""

    ADD = "add"
    UPDATE = "update"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoTask:
    """One document of an ingestion.

    Attributes:
        document_id: Empty where only the address says which one.
        url: Its address with everything, a signature too.
    """

    mode: VideoMode
    document_id: str = ""
    url: Secret = field(default_factory=lambda: Secret(""))
    metadata: Mapping[str, str] = field(default_factory=dict)
    user_data: Mapping[str, Json] = field(default_factory=dict)


class VideoIngestionState(StrEnum):
    """How far an ingestion is, in the words and the case of the wire."""

    NOT_STARTED = "NotStarted"
    RUNNING = "Running"
    COMPLETED = "Completed"
    FAILED = "Failed"
    PARTIAL = "PartiallySucceeded"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be done."""
        return self not in {VideoIngestionState.NOT_STARTED, VideoIngestionState.RUNNING}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """What became of one document.

    Attributes:
        number: Of its task, from 0.
        code: Of the failure; empty where it succeeded.
    """

    number: int = 0
    document_id: str
    url: str
    at: datetime
    code: str = ""
    message: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether it did."""
        return not self.code


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoIngestion:
    """An ingestion as callers see it.

    Attributes:
        batch: Id of the job that does it.
        results: Of the documents that are through, in order.
        message: Why it failed as a whole.
    """

    index: str
    name: str
    state: VideoIngestionState
    batch: str
    created_at: datetime
    modified_at: datetime
    results: tuple[TaskResult, ...] = ()
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DateRange:
    """Times of a metadata field, both included; None is open."""

    field: str
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoQuery:
    """What to look for in video indexes.

    Attributes:
        values: For each metadata field, values one of which a document must have.
        features: Kinds of moments; empty: all that the index has.
        least: Least relevance of a hit.
        dedup: Whether of hits of one kind that overlap in time only the best is given.
        metadata: Whether documents are also found by their searchable metadata.
        most_documents: Documents that hits are from, at most; None: any number.
    """

    text: str
    values: tuple[tuple[str, tuple[str, ...]], ...] = ()
    dates: tuple[DateRange, ...] = ()
    features: frozenset[str] = frozenset()
    top: int = 10
    skip: int = 0
    least: float = 0.0
    dedup: bool = True
    metadata: bool = True
    most_documents: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoHit:
    """A moment that answers.

    Attributes:
        best_ms: The very moment, between start and end.
        relevance: 0..1, falling along the list.
        chunk_id: Of the index that is searched.
    """

    index: str
    document_id: str
    is_speech: bool
    start_ms: int
    end_ms: int
    best_ms: int
    relevance: float
    text: str
    chunk_id: str
