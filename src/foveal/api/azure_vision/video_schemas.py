"""Bodies of video retrieval (derived contract 2023-05-01-preview; contract notes, section 5).

Unknown and misspelt fields are ignored. Taken and without effect: `moderation`, `generateInsightIntervals`,
`filterDefectedFrames`, `includeSpeechTranscript` (speech is always written down), `documentAuthenticationKind`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

from foveal.api.azure_vision.schemas import Wire

MAX_NAME = 128
"""Characters of a name; the service said 24 and took more."""


class VideoWire(BaseModel):
    """Something that is read: camel case on the wire."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, protected_namespaces=())


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


class FieldIn(VideoWire):
    """A metadata field."""

    name: str = Field(min_length=1, max_length=MAX_NAME)
    type: Annotated[Literal["string", "datetime"], BeforeValidator(_lower)] = "string"
    searchable: bool = False
    filterable: bool = False


class SchemaIn(VideoWire):
    """The metadata of an index's documents."""

    language: str = "en"
    fields_: list[FieldIn] = Field(default_factory=list, alias="fields", max_length=100)


class FeatureIn(VideoWire):
    """Something to look for."""

    name: Annotated[Literal["vision", "speech"], BeforeValidator(_lower)]
    model_version: str | None = None
    domain: str | None = None


class VideoIndexIn(VideoWire):
    """A new index."""

    metadata_schema: SchemaIn | None = None
    features: list[FeatureIn] | None = Field(None, description="Vision alone when absent.")
    user_data: dict[str, JsonValue] | None = None


class VideoIndexPatchIn(VideoWire):
    """What changes of an index."""

    metadata_schema: SchemaIn | None = None
    user_data: dict[str, JsonValue] | None = None


class DocumentIn(VideoWire):
    """A document of an ingestion."""

    mode: Annotated[Literal["add", "update", "remove"], BeforeValidator(_lower)] = "add"
    document_id: str | None = Field(None, max_length=512)
    document_url: str | None = Field(None, max_length=8192)
    metadata: dict[str, str] | None = None
    user_data: dict[str, JsonValue] | None = None


class IngestionIn(VideoWire):
    """What an ingestion does."""

    videos: list[DocumentIn] | None = Field(None, max_length=1000)
    images: list[DocumentIn] | None = Field(None, max_length=1000)


class StringFilterIn(VideoWire):
    """Values one of which a field must have."""

    field_name: str
    values: list[str]


class DatetimeFilterIn(VideoWire):
    """Times that a field must be between."""

    field_name: str
    start_time: str | None = None
    end_time: str | None = None


class FiltersIn(VideoWire):
    """Which documents and which kinds of moments."""

    string_filters: list[StringFilterIn] | None = None
    datetime_filters: list[DatetimeFilterIn] | None = None
    feature_filters: list[Annotated[Literal["vision", "speech"], BeforeValidator(_lower)]] | None = None


class TextQueryIn(VideoWire):
    """A question."""

    query_text: str = Field(min_length=1)
    filters: FiltersIn | None = None
    top: int | None = Field(None, ge=1, le=500)
    skip: int | None = Field(None, ge=0, le=10_000)
    score_threshold: float | None = Field(None, ge=0, le=1, description="Least relevance of a hit (an extension).")
    additional_index_names: list[str] | None = None
    dedup: bool | None = None
    dedup_max_document_count: int | None = Field(None, ge=1)
    disable_metadata_search: bool | None = Field(None, description="Find by moments alone, not by searchable metadata.")


BODIES = (VideoIndexIn, VideoIndexPatchIn, IngestionIn, TextQueryIn)
"""What the routes read by themselves."""

# --- what is written --------------------------------------------------------------------------------------


class FieldOut(Wire):
    """A metadata field; its name in lower case."""

    name: str
    searchable: bool
    filterable: bool
    type: str


class SchemaOut(Wire):
    """The metadata of an index's documents."""

    language: str
    fields_: list[FieldOut] = Field(alias="fields")


class FeatureOut(Wire):
    """Something that is looked for."""

    name: str
    model_version: str
    domain: str


class VideoIndexOut(Wire):
    """An index."""

    name: str
    metadata_schema: SchemaOut
    user_data: dict[str, JsonValue]
    features: list[FeatureOut]
    e_tag: str
    created_date_time: str
    last_modified_date_time: str


class ErrorOut(Wire):
    """What went wrong."""

    code: str
    message: str
    details: list[ErrorOut] | None = None


class StatusDetailOut(Wire):
    """What became of a document."""

    last_update_time: str
    document_id: str
    document_url: str
    succeeded: bool
    error: ErrorOut | None = None


class IngestionOut(Wire):
    """An ingestion."""

    name: str
    state: str
    error: ErrorOut | None = None
    batch_name: str
    created_date_time: str
    last_modified_date_time: str
    file_status_details: list[StatusDetailOut] | None = None


class DocumentOut(Wire):
    """A document."""

    document_id: str
    document_url: str
    metadata: dict[str, str]
    user_data: dict[str, JsonValue]
    created_date_time: str
    last_modified_date_time: str


class HitOut(Wire):
    """A moment."""

    document_id: str
    document_kind: Literal["VideoFrame", "SpeechTextSegment"]
    start: str
    end: str
    best: str
    relevance: float
    additional_metadata: dict[str, str]


class VideoIndexPage(Wire):
    """Indexes."""

    value: list[VideoIndexOut]
    next_link: str | None = None


class IngestionPage(Wire):
    """Ingestions, newest first."""

    value: list[IngestionOut]
    next_link: str | None = None


class DocumentPage(Wire):
    """Documents."""

    value: list[DocumentOut]
    next_link: str | None = None


class HitPage(Wire):
    """Moments, most relevant first."""

    value: list[HitOut]
    next_link: str | None = None


def moment_text(moment: datetime) -> str:
    """Seven digits of a second, as the service wrote them."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond:06}0Z"


def frame_time(at_ms: int) -> str:
    """`hh:mm:ss`."""
    seconds = at_ms // 1000
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def speech_time(at_ms: int) -> str:
    """`hh:mm:ss.fffffff`."""
    return f"{frame_time(at_ms)}.{at_ms % 1000:03}0000"
