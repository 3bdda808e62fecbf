"""Live indexes on the wire of `/v1/sources`."""

from __future__ import annotations

from foveal.api.native.source_schemas import LiveBody, LiveOut, LiveReportOut
from foveal.types.live_settings import FieldsMapping, LiveSettings
from foveal.types.sources import LiveReport


def live_settings(body: LiveBody | None) -> LiveSettings:
    """What a body says."""
    if body is None:
        return LiveSettings()
    return LiveSettings(
        endpoint=body.endpoint,
        index=body.index,
        database=body.database,
        collection=body.collection,
        key=body.key_field,
        mapping=FieldsMapping(
            content=tuple(body.content_fields),
            title=body.title_field,
            url=body.url_field,
            filepath=body.filepath_field,
            vectors=tuple(body.vector_fields),
            image_vectors=tuple(body.image_vector_fields),
            separator=body.content_separator,
        ),
        groups_field=body.groups_field,
        semantic=body.semantic_configuration,
        deployment=body.embedding_deployment,
    )


def live_out(live: LiveSettings) -> LiveOut:
    """As it is kept."""
    mapping = live.mapping
    return LiveOut(
        endpoint=live.endpoint,
        index=live.index,
        database=live.database,
        collection=live.collection,
        content_fields=list(mapping.content),
        content_separator=mapping.separator,
        title_field=mapping.title,
        url_field=mapping.url,
        filepath_field=mapping.filepath,
        vector_fields=list(mapping.vectors),
        image_vector_fields=list(mapping.image_vectors),
        key_field=live.key,
        groups_field=live.groups_field,
        semantic_configuration=live.semantic,
        embedding_deployment=live.deployment,
        vector_dimensions=dict(live.dimensions),
        vectorized_fields=list(live.vectorized),
    )


def live_report_out(report: LiveReport) -> LiveReportOut:
    """What was found."""
    return LiveReportOut(
        mapping=live_out(report.settings),
        guessed=list(report.guessed),
        fields=dict(report.fields),
        problems=list(report.problems),
        documents=report.documents,
    )
