"""Bodies of `/v1/sources`."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from foveal.types.sources import CredentialKind, SourceKind, SourceState


class CredentialBody(BaseModel):
    """What opens a source. It is kept encrypted, and never sent back."""

    model_config = ConfigDict(extra="forbid")

    kind: CredentialKind = Field(description="What it is.")
    secret: SecretStr = Field(SecretStr(""), max_length=16_384, description="The key itself; none for `identity`.")


class ScheduleBody(BaseModel):
    """When a source is read again; with neither, never by itself."""

    model_config = ConfigDict(extra="forbid")

    every: str = Field("", max_length=40, description="Interval: `30m`, `6h`, `1d`, `daily`.")
    cron: str = Field("", max_length=100, description="Cron expression of five fields, in UTC.")


class LiveBody(BaseModel):
    """An index of another service, searched where it is; fields that are not named are guessed from its definition."""

    model_config = ConfigDict(extra="forbid")

    endpoint: str = Field("", max_length=2048, description="Address of the service; none for a connection string.")
    index: str = Field("", max_length=256, description="Its name there.")
    database: str = Field("", max_length=128, description="Of kinds `azure-cosmos-db` and `mongodb`.")
    collection: str = Field("", max_length=256, description="Likewise; of kind `pinecone`, the namespace.")
    content_fields: list[str] = Field([], max_length=20, description="Fields with the words to answer from.")
    content_separator: str = Field("\n", max_length=20, description="Put between the contents of several fields.")
    title_field: str = Field("", max_length=256)
    url_field: str = Field("", max_length=256)
    filepath_field: str = Field("", max_length=256)
    vector_fields: list[str] = Field([], max_length=20)
    image_vector_fields: list[str] = Field([], max_length=20)
    key_field: str = Field("", max_length=256, description="Tells documents apart.")
    groups_field: str = Field("", max_length=256, description="Groups that may see a document.")
    semantic_configuration: str = Field("", max_length=256, description="What the service re-ranks by.")
    embedding_deployment: str = Field("", max_length=256, description="Embeds the questions; empty: by length.")


class LiveOut(LiveBody):
    """A live index as it is kept, its mapping complete."""

    vector_dimensions: dict[str, int] = Field({}, description="Length of the vectors, by field.")
    vectorized_fields: list[str] = Field([], description="Those for which the service embeds questions itself.")


class SourceBody(ScheduleBody):
    """A source to be saved."""

    name: str = Field(max_length=63, description="Lower-case letters, digits, dots, dashes and underscores.")
    kind: SourceKind = Field(description="What it is.")
    index: str = Field(min_length=1, max_length=128, description="Index it is read into; made when there is none.")
    path: str = Field("", max_length=4096, description="Of a folder.")
    url: str = Field("", max_length=2048, description="Of kind `url`, such as `s3://bucket/folder`.")
    account_url: str = Field("", max_length=2048, description="Blob endpoint of the storage account.")
    container: str = Field("", max_length=63, description="Of Azure Blob Storage.")
    prefix: str = Field("", max_length=1024, description="Only blobs whose names begin so.")
    credential: CredentialBody | None = Field(None, description="What opens it; none: it is public.")
    groups: list[str] | None = Field(None, max_length=100, description="Groups that may see it; empty: everybody.")
    watch: bool = Field(False, description="Of a folder: read it as soon as something in it changes.")
    live: LiveBody | None = Field(
        None, description="Of kinds that are searched where they are, from `azure-search` on."
    )


class SourceOut(BaseModel):
    """A source as it is kept."""

    name: str
    kind: SourceKind
    location: str
    prefix: str
    index: str
    groups: list[str]
    credential: CredentialKind | None
    every_s: int | None
    cron: str
    watch: bool
    state: SourceState
    message: str
    created_at: datetime
    last_started_at: datetime | None
    last_finished_at: datetime | None
    next_run_at: datetime | None
    live: LiveOut | None = None


class SourceList(BaseModel):
    """All of them, by name."""

    sources: list[SourceOut]


class ReportFailure(BaseModel):
    """What is wrong with a description."""

    path: str
    reason: str
    remedy: str


class LiveReportOut(BaseModel):
    """What is found of a live index."""

    mapping: LiveOut
    guessed: list[str] = Field(description="Parts of the mapping that nobody gave: to be confirmed.")
    fields: dict[str, str] = Field(description="Type of every field, by name.")
    problems: list[str]
    documents: int | None


class SourceReportOut(BaseModel):
    """How trying a source out went. Where `ok` is false, `reason` and `message` say what is wrong."""

    ok: bool
    reason: str = Field("", description="`unreachable`, `denied`, `not_found`, `empty`, `unreadable`, …")
    message: str = ""
    remedy: str = ""
    files: int = 0
    size_bytes: int = 0
    readable: str = ""
    described: int = 0
    undescribed: list[str] = []
    failures: list[ReportFailure] = []
    live: LiveReportOut | None = None


class CountsOut(BaseModel):
    """Files by what would become of them."""

    found: int
    added: int
    changed: int
    deleted: int
    unchanged: int
    failed: int
    skipped: int


class WorkOut(BaseModel):
    """Calls of one model that is paid for."""

    role: str
    model: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    seconds: float


class PlanOut(BaseModel):
    """What a refresh would do and cost."""

    index: str
    source: str
    counts: CountsOut
    by_media_type: dict[str, int]
    work: list[WorkOut]
    seconds: float
    measured: bool = Field(description="Whether the seconds rest on an earlier job of this machine.")
    unused: list[ReportFailure] = Field(description="What will not be used, and why; the first hundred.")


BODIES = (SourceBody, CredentialBody, ScheduleBody, LiveBody)
"""What the routes read by themselves."""
