"""Tables of the catalog, the ingestion log, keys and people. The migrations make them; a test compares the two."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from foveal.stores.sql_engine import Name, UtcTime

HEAD = "0016"
"""The newest migration; a database at it is opened without looking for others."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

indexes = Table(
    "indexes",
    metadata,
    Column("name", Name, primary_key=True),
    Column("text_dim", Integer, nullable=False),
    Column("image_dim", Integer, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("text_model", String, nullable=False, server_default=""),
)


def _index_name() -> Column[str]:
    return Column("index_name", Name, ForeignKey("indexes.name", ondelete="CASCADE"), primary_key=True)


documents = Table(
    "documents",
    metadata,
    _index_name(),
    Column("document_id", Name, primary_key=True),
    Column("source", Name, nullable=False),
    Column("path", Name, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("version", String, nullable=False),
    Column("modified_at", UtcTime),
    Column("asset_id", String, nullable=False),
    Column("recipe", String, nullable=False),
    Column("state", String, nullable=False),
    Column("media_type", String, nullable=False),
    Column("chunk_count", Integer, nullable=False),
    Column("failure_path", String),
    Column("failure_stage", String),
    Column("failure_code", String),
    Column("failure_reason", Text),
    Column("failure_remedy", Text),
    Column("warnings", Text, nullable=False),  # a JSON array of strings
    Index(None, "index_name", "source", "path"),
)

attachments = Table(
    "attachments",
    metadata,
    _index_name(),
    Column("name", String, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

COUNTS = ("found", "added", "changed", "moved", "deleted", "unchanged", "failed", "skipped")
PROGRESS = ("todo", "done", "bytes_done")

ingestions = Table(
    "ingestions",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("ingestion_id", String, nullable=False, unique=True),
    Column("index_name", String, nullable=False, index=True),
    Column("source", String, nullable=False),
    Column("state", String, nullable=False),
    *(Column(name, Integer, nullable=False, default=0) for name in COUNTS),
    Column("started_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("finished_at", UtcTime),
    Column("message", Text, nullable=False),
    Column("cancel_asked", Boolean, nullable=False),
    Column("kind", String, nullable=False),
    Column("saved_source", String, nullable=False),
    Column("descriptions", String, nullable=False),
    Column("groups", Text, nullable=False),  # a JSON array of strings
    Column("options", Text, nullable=False),  # a JSON array of pairs
    Column("retries", String, nullable=False),
    Column("stage", String, nullable=False),
    Column("stage_at", UtcTime),
    *(Column(name, BigInteger, nullable=False, default=0) for name in PROGRESS),
)

job_failures = Table(
    "job_failures",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("ingestion_id", String, ForeignKey("ingestions.ingestion_id", ondelete="CASCADE"), nullable=False),
    *(Column(name, Text, nullable=False) for name in ("path", "stage", "code", "reason", "remedy")),
    Index(None, "ingestion_id", "number"),
)
"""What a job could not use, in the order in which it was met."""

work_items = Table(
    "work_items",
    metadata,
    Column("ingestion_id", String, ForeignKey("ingestions.ingestion_id", ondelete="CASCADE"), primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("state", String, nullable=False),  # waiting, taken, settled; gone, moved: a document to delete
    Column("path", Name, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("version", String, nullable=False),
    Column("modified_at", UtcTime),
    Column("description", LargeBinary, nullable=False),  # UTF-8; half a surrogate pair of JSON included
    Column("subtitles", Text),  # a JSON object, the item of that file
    Column("document_id", String, nullable=False),
    Column("asset_id", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("worker_id", String, index=True),
    Column("outcome", String),
    Index(None, "ingestion_id", "state", "attempts", "ordinal"),
)
"""What is still to be done for running jobs, and what was. Of a job that has ended nothing is left."""

job_workers = Table(
    "job_workers",
    metadata,
    Column("worker_id", String, primary_key=True),
    Column("ingestion_id", String, ForeignKey("ingestions.ingestion_id", ondelete="CASCADE"), nullable=False),
    Column("host", String, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("heartbeat_at", UtcTime, nullable=False),
    Column("ready", Integer, nullable=False),  # prepared, not yet committed
    Column("committing", Boolean, nullable=False),  # has the right to write to the index; one worker of a job
)
"""Processes that share the items of a job."""

leases = Table(
    "leases",
    metadata,
    Column("index_name", String, primary_key=True),
    Column("ingestion_id", String, nullable=False),
    Column("host", String, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("heartbeat_at", UtcTime, nullable=False),
)
"""Who may write to an index. Not tied to `indexes`: a job may start before its index exists."""

api_keys = Table(
    "api_keys",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("name", String, nullable=False),
    Column("hash", String, nullable=False, unique=True),
    Column("prefix", String, nullable=False),
    Column("role", String, nullable=False),
    Column("groups", Text),  # a JSON array of strings; NULL: sees everything
    Column("requests_per_minute", Integer),
    Column("tokens_per_minute", Integer),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),
    Column("last_used_at", UtcTime),
    Column("revoked_at", UtcTime),
)

search_indexes = Table(
    "search_indexes",
    metadata,
    Column("name", Name, primary_key=True),
    Column("birth", BigInteger, nullable=False),
    Column("etag", String, nullable=False),
    Column("definition", Text, nullable=False),  # JSON, as the caller wrote it
)
"""Definitions of indexes of callers' own fields; their documents are not in the catalog."""

sources = Table(
    "sources",
    metadata,
    Column("name", Name, primary_key=True),
    Column("kind", String, nullable=False),
    Column("index_name", String, nullable=False),
    Column("location", String, nullable=False),
    Column("account_url", String, nullable=False),
    Column("container", String, nullable=False),
    Column("prefix", String, nullable=False),
    Column("groups", Text, nullable=False),  # a JSON array of strings
    Column("descriptions", String, nullable=False),
    Column("every_s", Integer),
    Column("cron", String, nullable=False),
    Column("watch", Boolean, nullable=False, server_default=false()),
    Column("credential_kind", String),
    Column("credential", LargeBinary),  # a Fernet token
    Column("created_at", UtcTime, nullable=False),
    Column("state", String, nullable=False),
    Column("message", Text, nullable=False),
    Column("last_started_at", UtcTime),
    Column("last_finished_at", UtcTime),
    Column("next_run_at", UtcTime),
    Column("run_id", String, unique=True),
    Column("run_host", String),
    Column("run_pid", Integer),
    Column("heartbeat_at", UtcTime),
    Column("live", Text),  # JSON of a LiveSettings; NULL: files are read from it
    Column("definition", Text, nullable=False, server_default=""),
    UniqueConstraint("location", "index_name"),
)
"""Saved sources. Not tied to `indexes`: the first run makes the index. `run_id` to `heartbeat_at` are the lease of a
run."""

uploads = Table(
    "uploads",
    metadata,
    Column("file_id", Name, primary_key=True),
    Column("source", Name, nullable=False),
    Column("path", Name, nullable=False),
    Column("asset_id", String, nullable=False, index=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("media_type", String, nullable=False),
    Column("description", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    UniqueConstraint("source", "path"),
)
"""Files that were uploaded; their bytes are in the home. Not tied to `sources`: a source may be forgotten and kept."""

video_indexes = Table(
    "video_indexes",
    metadata,
    Column("name", Name, primary_key=True),
    Column("etag", String, nullable=False),
    Column("body", Text, nullable=False),  # JSON
)
"""Video indexes. Not tied to `indexes`: the first ingestion makes the index that is searched."""

video_documents = Table(
    "video_documents",
    metadata,
    Column("index_name", Name, primary_key=True),
    Column("document_id", Name, primary_key=True),
    Column("body", Text, nullable=False),  # JSON
)

video_ingestions = Table(
    "video_ingestions",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("index_name", Name, nullable=False),
    Column("name", Name, nullable=False),
    Column("body", Text, nullable=False),  # JSON
    Column("tasks", LargeBinary, nullable=False),  # a Fernet token; empty once it is over
    Column("is_over", Boolean, nullable=False),
    UniqueConstraint("index_name", "name"),
)
"""Ingestions of video indexes. Each is done by a job, which its body names."""

conversations = Table(
    "conversations",
    metadata,
    Column("conversation_id", String, primary_key=True),
    Column("person", String, nullable=False),
    Column("title", Text, nullable=False),
    Column("title_words", Text, nullable=False),  # as `stores.conversations.folded` writes it
    Column("hidden", Boolean, nullable=False),
    Column("turns", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Index(None, "person", "updated_at"),
)


def _conversation() -> ForeignKey:
    return ForeignKey("conversations.conversation_id", ondelete="CASCADE")


conversation_turns = Table(
    "conversation_turns",
    metadata,
    Column("conversation_id", String, _conversation(), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("speaker", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("citations", Text, nullable=False),  # a JSON array of objects, as `types.conversations.CitedItem`
    Column("pictures", Text, nullable=False),  # a JSON array of data URIs
    Column("answer_id", String, nullable=False),
    Column("stopped", Boolean, nullable=False),
    Column("said_at", UtcTime, nullable=False),
)

conversation_shares = Table(
    "conversation_shares",
    metadata,
    Column("share_id", String, primary_key=True),
    Column("conversation_id", String, _conversation(), nullable=False, index=True),
    Column("person", String, nullable=False),
    Column("turns", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
)

feedback = Table(
    "feedback",
    metadata,
    Column("person", String, primary_key=True),
    Column("answer_id", String, primary_key=True),
    Column("rating", String, nullable=False),
    Column("reasons", Text, nullable=False),  # a JSON array of strings, as are the citations
    Column("comment", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("citations", Text, nullable=False),
    Column("at", UtcTime, nullable=False, index=True),
)

accounts = Table(
    "accounts",
    metadata,
    Column("name", String, primary_key=True),
    Column("password", String, nullable=False),  # an Argon2 hash
    Column("role", String, nullable=False),
    Column("groups", Text),  # a JSON array of strings; NULL: sees everything
    Column("created_at", UtcTime, nullable=False),
)

sign_ins = Table(
    "sign_ins",
    metadata,
    Column("sign_in_id", String, primary_key=True),
    Column("hash", String, nullable=False),  # of the token's secret
    Column("old_hash", String, nullable=False),  # of the one before; empty: there was none
    Column("way", String, nullable=False),
    Column("person", String, nullable=False, index=True),
    Column("name", String, nullable=False),
    Column("role", String, nullable=False),
    Column("groups", Text),
    Column("opened_at", UtcTime, nullable=False),
    Column("renewed_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False, index=True),
)

written_words = Table(
    "written_words",
    metadata,
    Column("index", String, primary_key=True),
    Column("source", String, primary_key=True),
    Column("path", String, primary_key=True),
    Column("words", Text, nullable=False),
    Column("person", String, nullable=False),
    Column("at", UtcTime, nullable=False),
)

mistakes = Table(
    "mistakes",
    metadata,
    Column("key", String, primary_key=True),  # SHA-256 of what is guessed at, or from where
    Column("made", Integer, nullable=False),
    Column("at", UtcTime, nullable=False, index=True),
)
