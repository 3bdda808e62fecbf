"""Video retrieval: wire ↔ values."""

from __future__ import annotations

from foveal.api.azure_vision import video_schemas as wire
from foveal.retrieval.metadata_values import read_moment
from foveal.types.sources import Secret
from foveal.types.videos import (
    DateRange,
    IndexFeature,
    MetadataField,
    TaskResult,
    VideoDocument,
    VideoHit,
    VideoIndex,
    VideoIngestion,
    VideoIngestionState,
    VideoMode,
    VideoQuery,
    VideoTask,
)

MODEL_VERSIONS = {"vision": "2023-05-31", "speech": "2023-06-30"}
"""What the service said where a caller asked for none; the models that look are in `foveal doctor`."""
DEFAULT_TOP = 10
FAILED_CODE = "FailedToProcessBatch"


def fields_in(given: wire.SchemaIn | None) -> tuple[MetadataField, ...]:
    """Names in lower case, as the service kept them; of two that differ in case the last stays."""
    fields = [
        MetadataField(name=f.name.lower(), type=f.type, searchable=f.searchable, filterable=f.filterable)
        for f in (given.fields_ if given else ())
    ]
    return tuple({field.name: field for field in fields}.values())


def features_in(given: list[wire.FeatureIn] | None) -> tuple[IndexFeature, ...]:
    """Vision alone where none is named."""
    features = [
        IndexFeature(name=f.name, model_version=f.model_version or MODEL_VERSIONS[f.name], domain=f.domain or "generic")
        for f in given or (wire.FeatureIn(name="vision"),)
    ]
    return tuple({feature.name: feature for feature in features}.values())


def task_in(given: wire.DocumentIn) -> VideoTask:
    """One document of an ingestion."""
    return VideoTask(
        mode=VideoMode(given.mode),
        document_id=given.document_id or "",
        url=Secret((given.document_url or "").strip()),
        metadata=given.metadata or {},
        user_data=given.user_data or {},
    )


def query_in(given: wire.TextQueryIn) -> VideoQuery:
    """A question.

    Raises:
        InvalidRequestError: A time is none.
    """
    filters = given.filters or wire.FiltersIn()
    dates = [
        DateRange(
            field=f.field_name,
            start=read_moment(f.start_time, "startTime") if f.start_time else None,
            end=read_moment(f.end_time, "endTime") if f.end_time else None,
        )
        for f in filters.datetime_filters or ()
    ]
    return VideoQuery(
        text=given.query_text,
        values=tuple((f.field_name, tuple(f.values)) for f in filters.string_filters or ()),
        dates=tuple(dates),
        features=frozenset(filters.feature_filters or ()),
        top=given.top or DEFAULT_TOP,
        skip=given.skip or 0,
        least=given.score_threshold or 0.0,
        dedup=given.dedup is not False,
        metadata=not given.disable_metadata_search,
        most_documents=given.dedup_max_document_count,
    )


def index_out(index: VideoIndex) -> wire.VideoIndexOut:
    """An index."""
    fields = [
        wire.FieldOut(name=f.name, searchable=f.searchable, filterable=f.filterable, type=f.type) for f in index.fields
    ]
    features = [wire.FeatureOut(name=f.name, model_version=f.model_version, domain=f.domain) for f in index.features]
    return wire.VideoIndexOut(
        name=index.name,
        metadata_schema=wire.SchemaOut(language=index.language, fields_=fields),
        user_data=dict(index.user_data),
        features=features,
        e_tag=index.etag,
        created_date_time=wire.moment_text(index.created_at),
        last_modified_date_time=wire.moment_text(index.modified_at),
    )


def ingestion_out(ingestion: VideoIngestion, *, detailed: bool = False) -> wire.IngestionOut:
    """An ingestion; with what became of each document where that is asked for."""
    out = wire.IngestionOut(
        name=ingestion.name,
        state=ingestion.state.value,
        batch_name=ingestion.batch,
        created_date_time=wire.moment_text(ingestion.created_at),
        last_modified_date_time=wire.moment_text(ingestion.modified_at),
    )
    if ingestion.state in {VideoIngestionState.FAILED, VideoIngestionState.PARTIAL}:
        failed = [r for r in ingestion.results if not r.succeeded]
        details = [wire.ErrorOut(code=r.code, message=f"{r.document_id or r.url}: {r.message}") for r in failed]
        message = ingestion.message or "Some documents could not be processed."
        out.error = wire.ErrorOut(code=FAILED_CODE, message=message, details=details)
    if detailed:
        out.file_status_details = [_detail_out(result) for result in ingestion.results]
    return out


def document_out(document: VideoDocument) -> wire.DocumentOut:
    """A document."""
    return wire.DocumentOut(
        document_id=document.document_id,
        document_url=document.url,
        metadata=dict(document.metadata),
        user_data=dict(document.user_data),
        created_date_time=wire.moment_text(document.created_at),
        last_modified_date_time=wire.moment_text(document.modified_at),
    )


def hit_out(hit: VideoHit) -> wire.HitOut:
    """A moment; `additionalMetadata` has its words and what the index that is searched calls it (an extension)."""
    time = wire.speech_time if hit.is_speech else wire.frame_time
    return wire.HitOut(
        document_id=hit.document_id,
        document_kind="SpeechTextSegment" if hit.is_speech else "VideoFrame",
        start=time(hit.start_ms),
        end=time(hit.end_ms),
        best=time(hit.best_ms),
        relevance=round(hit.relevance, 6),
        additional_metadata={"text": hit.text, "index": hit.index, "chunkId": hit.chunk_id},
    )


def _detail_out(result: TaskResult) -> wire.StatusDetailOut:
    return wire.StatusDetailOut(
        last_update_time=wire.moment_text(result.at),
        document_id=result.document_id,
        document_url=result.url,
        succeeded=result.succeeded,
        error=None if result.succeeded else wire.ErrorOut(code=result.code, message=result.message),
    )
