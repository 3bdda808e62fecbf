"""Bodies of `/openai/ingestion/jobs` (contract notes, section 9; authoring specification of 2024-08-01-preview).

Both spellings are read: that of 2024-08-01-preview, and that of 2024-05-01-preview (`storageAccountConnection`,
`embeddingsSettings`, `chunkingSettings`, `kind` of any case, resource ids that begin with `ResourceId=`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

OperationState = Literal["notRunning", "running", "succeeded", "failed"]
SYSTEM_KINDS = frozenset({"systemcompute", "system"})
LONGEST_REFRESH_H = 24 * 365


def _plain(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


Kind = Annotated[str, BeforeValidator(_plain)]


class Connection(BaseModel):
    """How a resource is reached."""

    kind: Kind
    endpoint: str = Field("", max_length=2048)
    key: SecretStr = Field(SecretStr(""), max_length=4096)
    connection_string: SecretStr = Field(SecretStr(""), alias="connectionString", max_length=16_384)
    resource_id: str = Field("", alias="resourceId", max_length=2048)

    model_config = ConfigDict(populate_by_name=True)


class ChunkingSettings(BaseModel):
    """How documents are cut."""

    tokens: int | None = Field(None, alias="maxChunkSizeInTokens", ge=1)


class EmbeddingSettings(BaseModel):
    """A model that embeds."""

    deployment: str = Field("", alias="deploymentName")


class Datasource(BaseModel):
    """What is read."""

    kind: Kind = "storage"
    connection: Connection | None = Field(None, validation_alias=AliasChoices("connection", "storageAccountConnection"))
    container: str = Field("", alias="containerName", max_length=63)
    chunking: ChunkingSettings = Field(
        default_factory=lambda: ChunkingSettings(maxChunkSizeInTokens=None),
        validation_alias=AliasChoices("chunking", "chunkingSettings"),
    )
    embeddings: list[EmbeddingSettings] = Field(
        default_factory=list, validation_alias=AliasChoices("embeddings", "embeddingsSettings")
    )


class JobBody(BaseModel):
    """A job that is to be made; what is not named here is kept and not looked at."""

    kind: Kind
    datasource: Datasource
    refresh_h: int | None = Field(None, alias="dataRefreshIntervalInHours", ge=1, le=LONGEST_REFRESH_H)


class StageProgress(BaseModel):
    """How far one stage of a run is."""

    name: Literal["Preprocessing", "Indexing"]
    totalItems: int | None = None  # noqa: N815 - the wire's name
    processedItems: int | None = None  # noqa: N815 - the wire's name
    state: OperationState


class Progress(BaseModel):
    """How far a run is."""

    stageProgress: list[StageProgress]  # noqa: N815 - the wire's name


class RunError(BaseModel):
    """Why a run failed."""

    message: str
    innerErrors: list[str] | None = None  # noqa: N815 - the wire's name


class Run(BaseModel):
    """One run of a job."""

    jobId: str  # noqa: N815 - the wire's name
    runId: str  # noqa: N815 - the wire's name
    status: OperationState
    error: RunError | None = None
    warnings: list[str] | None = None
    progress: Progress | None = None


class RunList(BaseModel):
    """Runs of a job, newest first."""

    value: list[Run]


BODIES = (JobBody,)
"""What the routes read by themselves."""
