"""Bodies of Azure AI Search (api-version 2025-09-01). Unknown parameters are read past: each version adds some."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue


def _lower_first(value: object) -> object:
    """Enumerations come as `simple` and as `Simple`."""
    return value[:1].lower() + value[1:] if isinstance(value, str) else value


class _In(BaseModel):
    model_config = ConfigDict(extra="ignore", populate_by_name=True)


class VectorQueryIn(_In):
    """One vector query."""

    kind: str = "vector"
    vector: list[float] | None = None
    text: str | None = None
    k: int | None = Field(None, ge=1, le=10_000)
    fields: str | None = None
    exhaustive: bool | None = None
    weight: float | None = Field(None, gt=0)


class SearchIn(_In):
    """A search."""

    search: str | None = None
    filter: str | None = None
    query_type: Annotated[Literal["simple", "full", "semantic"], BeforeValidator(_lower_first)] | None = Field(
        None, alias="queryType"
    )
    search_mode: Annotated[Literal["any", "all"], BeforeValidator(_lower_first)] | None = Field(
        None, alias="searchMode"
    )
    search_fields: str | None = Field(None, alias="searchFields")
    select: str | None = None
    top: int | None = Field(None, ge=0)
    skip: int | None = Field(None, ge=0, le=100_000)
    count: bool | None = None
    orderby: str | None = None
    facets: list[str] | None = None
    highlight: str | None = None
    highlight_pre_tag: str | None = Field(None, alias="highlightPreTag")
    highlight_post_tag: str | None = Field(None, alias="highlightPostTag")
    semantic_configuration: str | None = Field(None, alias="semanticConfiguration")
    semantic_query: str | None = Field(None, alias="semanticQuery")
    captions: str | None = None
    answers: str | None = None
    vector_filter_mode: Annotated[Literal["preFilter", "postFilter"], BeforeValidator(_lower_first)] | None = Field(
        None, alias="vectorFilterMode"
    )
    vector_queries: list[VectorQueryIn] | None = Field(None, alias="vectorQueries", max_length=10)
    minimum_coverage: float | None = Field(None, alias="minimumCoverage", ge=0, le=100)
    scoring_profile: str | None = Field(None, alias="scoringProfile")
    debug: str | None = None


class BatchIn(_In):
    """Documents to write; each says by `@search.action` what to do with it, `upload` when it does not say."""

    value: list[dict[str, JsonValue]] = Field(max_length=1_000_000)


class IndexIn(BaseModel):
    """The definition of an index, for the OpenAPI document; it is read by `foveal.retrieval.index_definitions`."""

    model_config = ConfigDict(extra="allow")

    name: str
    fields: list[dict[str, JsonValue]]
