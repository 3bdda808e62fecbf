"""Saved sources: places that content comes from again and again, with what opens them and when."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from foveal.types.ingestions import AssetFailure
from foveal.types.live_settings import LiveSettings


class SourceKind(StrEnum):
    """What a place is."""

    FOLDER = "folder"
    """A folder, or one file, of this machine."""
    AZURE_BLOB = "azure-blob"
    """A container of Azure Blob Storage, or the blobs of it whose names begin with a prefix."""
    URL = "url"
    """Anything that fsspec opens: `s3://bucket/folder`, `gs://…`, `memory://…`."""
    UPLOADS = "uploads"
    """Files that people send; they are kept in the home."""
    AZURE_SEARCH = "azure-search"
    """An index of Azure AI Search, used live: nothing of it is copied. So are all that follow."""
    AZURE_COSMOS_DB = "azure-cosmos-db"
    """A collection of Azure Cosmos DB for MongoDB vCore with a vector index."""
    MONGODB = "mongodb"
    """A collection of MongoDB Atlas with a vector search index."""
    ELASTICSEARCH = "elasticsearch"
    """An index of Elasticsearch."""
    PINECONE = "pinecone"
    """An index of Pinecone."""

    @property
    def live(self) -> bool:
        """Whether it is an index that is searched where it is; else files are read from it."""
        return self in _LIVE

    @property
    def database(self) -> bool:
        """Whether it is a collection of a database of the MongoDB protocol."""
        return self in (SourceKind.AZURE_COSMOS_DB, SourceKind.MONGODB)


_LIVE = frozenset(
    {
        SourceKind.AZURE_SEARCH,
        SourceKind.AZURE_COSMOS_DB,
        SourceKind.MONGODB,
        SourceKind.ELASTICSEARCH,
        SourceKind.PINECONE,
    }
)


class CredentialKind(StrEnum):
    """What opens a place; without any it is public."""

    CONNECTION_STRING = "connection-string"
    ACCOUNT_KEY = "key"
    SAS_URL = "sas-url"
    """A shared access signature, as the address of a container or an account with the signature behind it."""
    IDENTITY = "identity"
    """Who this process is to Microsoft Entra: managed identity, environment, `az login`. Nothing is kept."""
    OPTIONS = "options"
    """Options of fsspec, a JSON object: `{"key": …, "secret": …, "endpoint_url": …}`."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that is shown nowhere: neither `repr` nor `str` has it."""

    reveal: str = field(repr=False)

    def __str__(self) -> str:
        return "***"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What opens a place."""

    kind: CredentialKind
    secret: Secret = field(default_factory=lambda: Secret(""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a source is read again: after so many seconds, or at the minutes a cron expression names (UTC); not both."""

    every_s: int | None = None
    cron: str = ""

    @property
    def on(self) -> bool:
        """Whether it is ever due by itself."""
        return self.every_s is not None or bool(self.cron)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDraft:
    """A source as a person writes it; what its kind does not have stays empty.

    Attributes:
        path: Of a folder.
        url: Of kind `url`.
        account_url: Blob endpoint of a storage account; a connection string or a SAS URL says it too.
        container: Name; a SAS URL of a container says it too.
        prefix: Blobs whose names begin so.
        descriptions: File with a person's words on images.
        every: Interval in words: `30m`, `6h`, `1d`, `daily`.
        cron: Expression of five fields, in UTC.
        watch: Whether a folder is read as soon as something in it changes.
        live: Of an index that is searched where it is.
    """

    name: str
    kind: SourceKind
    index: str
    path: str = ""
    url: str = ""
    account_url: str = ""
    container: str = ""
    prefix: str = ""
    groups: tuple[str, ...] = ()
    descriptions: str = ""
    every: str = ""
    cron: str = ""
    watch: bool = False
    live: LiveSettings = field(default_factory=LiveSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """A source, checked; nothing in it is secret.

    Attributes:
        location: `foveal.ports.Source.name` of what it opens: a folder's path, the URL of a container with its prefix.
        groups: Groups that may see what comes from it; empty: everybody.
        descriptions: File with a person's words on images; empty: only the source's own `metadata*.json`.
        watch: Whether it is read as soon as something in it changes, beside its schedule.
        live: Of an index that is searched where it is; None for everything else.
        definition: What a client of another interface made it of, a JSON object; empty: it was made otherwise.
    """

    name: str
    kind: SourceKind
    index: str
    location: str
    account_url: str = ""
    container: str = ""
    prefix: str = ""
    groups: tuple[str, ...] = ()
    descriptions: str = ""
    schedule: Schedule = field(default_factory=Schedule)
    watch: bool = False
    live: LiveSettings | None = None
    definition: str = ""


class SourceState(StrEnum):
    """How the last run of a source went."""

    NEW = "new"
    """It never ran."""
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    """The process is gone, or was stopped; the next run goes on from there."""
    CANCELLED = "cancelled"
    SUCCEEDED = "succeeded"
    PARTIAL = "partially_succeeded"
    """Done, with files that could not be used."""
    FAILED = "failed"
    """What was there before is searchable as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSource:
    """A source as it is kept: everything but what opens it.

    Attributes:
        credential: Kind of what opens it; None: it is public.
        message: Why the last run failed; empty when it did not.
        next_run_at: When it is due; None: never by itself.
    """

    settings: SourceSettings
    credential: CredentialKind | None
    created_at: datetime
    state: SourceState = SourceState.NEW
    message: str = ""
    last_started_at: datetime | None = None
    last_finished_at: datetime | None = None
    next_run_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRun:
    """The right to run a source, held by one process."""

    run_id: str
    source: SavedSource


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveReport:
    """What is found of a live index.

    Attributes:
        settings: With every part of the mapping that was not given guessed.
        guessed: Names of the parts that were: `content`, `title`, `vectors`, …
        fields: `(name, type)` of its fields, in their order.
        problems: What will not work as it is, and what to do about it.
        documents: How many there are; None where the service does not say.
    """

    settings: LiveSettings
    guessed: tuple[str, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()
    documents: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReport:
    """What is found at a place that can be read.

    Attributes:
        files: Files listed, files with descriptions left out.
        readable: One of them that is read; the first.
        described: Files that a person's words were found for.
        undescribed: Pictures, by the ends of their names, without a description where others have one.
        failures: What is wrong with descriptions.
        live: Of an index that is searched where it is: what was found there; then `files` are its documents.
    """

    location: str
    files: int
    size_bytes: int
    readable: str
    described: int = 0
    undescribed: tuple[str, ...] = ()
    failures: tuple[AssetFailure, ...] = ()
    live: LiveReport | None = None
