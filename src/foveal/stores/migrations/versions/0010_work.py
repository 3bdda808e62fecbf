"""Items of running jobs, shared by any number of processes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from foveal.stores.sql_engine import Name, UtcTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def _job(**options: bool) -> sa.Column[str]:
    key = sa.ForeignKey("ingestions.ingestion_id", ondelete="CASCADE")
    return sa.Column("ingestion_id", sa.String, key, **options)  # type: ignore[arg-type]


def upgrade() -> None:
    op.create_table(
        "work_items",
        _job(primary_key=True),
        sa.Column("ordinal", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("path", Name, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("version", sa.String, nullable=False),
        sa.Column("modified_at", UtcTime),
        sa.Column("description", sa.LargeBinary, nullable=False),
        sa.Column("subtitles", sa.Text),
        sa.Column("document_id", sa.String, nullable=False),
        sa.Column("asset_id", sa.String, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("worker_id", sa.String),
        sa.Column("outcome", sa.String),
    )
    op.create_index(
        "ix_work_items_ingestion_id_state_attempts_ordinal",
        "work_items",
        ["ingestion_id", "state", "attempts", "ordinal"],
    )
    op.create_index("ix_work_items_worker_id", "work_items", ["worker_id"])
    op.create_table(
        "job_workers",
        sa.Column("worker_id", sa.String, primary_key=True),
        _job(nullable=False),
        sa.Column("host", sa.String, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("heartbeat_at", UtcTime, nullable=False),
        sa.Column("ready", sa.Integer, nullable=False),
        sa.Column("committing", sa.Boolean, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("job_workers")
    op.drop_table("work_items")
