"""Indexes, documents, attachments, ingestions, leases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from foveal.stores.sql_engine import Name, UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _index_name() -> sa.Column[str]:
    return sa.Column("index_name", Name, sa.ForeignKey("indexes.name", ondelete="CASCADE"), primary_key=True)


def upgrade() -> None:
    op.create_table(
        "indexes",
        sa.Column("name", Name, primary_key=True),
        sa.Column("text_dim", sa.Integer, nullable=False),
        sa.Column("image_dim", sa.Integer, nullable=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "documents",
        _index_name(),
        sa.Column("document_id", Name, primary_key=True),
        sa.Column("source", Name, nullable=False),
        sa.Column("path", Name, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("version", sa.String, nullable=False),
        sa.Column("modified_at", UtcTime),
        sa.Column("asset_id", sa.String, nullable=False),
        sa.Column("recipe", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("media_type", sa.String, nullable=False),
        sa.Column("chunk_count", sa.Integer, nullable=False),
        sa.Column("failure_path", sa.String),
        sa.Column("failure_stage", sa.String),
        sa.Column("failure_code", sa.String),
        sa.Column("failure_reason", sa.Text),
        sa.Column("failure_remedy", sa.Text),
        sa.Column("warnings", sa.Text, nullable=False),
    )
    op.create_index("ix_documents_index_name_source_path", "documents", ["index_name", "source", "path"])
    op.create_table(
        "attachments",
        _index_name(),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    counts = ("found", "added", "changed", "moved", "deleted", "unchanged", "failed", "skipped")
    op.create_table(
        "ingestions",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("ingestion_id", sa.String, nullable=False, unique=True),
        sa.Column("index_name", sa.String, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        *(sa.Column(name, sa.Integer, nullable=False) for name in counts),
        sa.Column("started_at", UtcTime, nullable=False),
        sa.Column("updated_at", UtcTime, nullable=False),
        sa.Column("finished_at", UtcTime),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("cancel_asked", sa.Boolean, nullable=False),
    )
    op.create_index("ix_ingestions_index_name", "ingestions", ["index_name"])
    op.create_table(
        "leases",
        sa.Column("index_name", sa.String, primary_key=True),
        sa.Column("ingestion_id", sa.String, nullable=False),
        sa.Column("host", sa.String, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("heartbeat_at", UtcTime, nullable=False),
    )


def downgrade() -> None:
    for table in ("leases", "ingestions", "attachments", "documents", "indexes"):
        op.drop_table(table)
