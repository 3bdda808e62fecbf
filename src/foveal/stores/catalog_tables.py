"""Tables of the catalog and the ingestion log. The migrations make them; a test compares the two."""

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
)

from foveal.stores.sql_engine import UtcTime

HEAD = "0001"
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
    Column("name", String, primary_key=True),
    Column("text_dim", Integer, nullable=False),
    Column("image_dim", Integer, nullable=False),
    Column("generation", BigInteger, nullable=False),
)


def _index_name() -> Column[str]:
    return Column("index_name", String, ForeignKey("indexes.name", ondelete="CASCADE"), primary_key=True)


documents = Table(
    "documents",
    metadata,
    _index_name(),
    Column("document_id", String, primary_key=True),
    Column("source", String, nullable=False),
    Column("path", String, nullable=False),
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
)

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
