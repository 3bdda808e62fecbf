"""Saved sources."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from foveal.stores.sql_engine import Name, UtcTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sources",
        sa.Column("name", Name, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("index_name", sa.String, nullable=False),
        sa.Column("location", sa.String, nullable=False),
        sa.Column("account_url", sa.String, nullable=False),
        sa.Column("container", sa.String, nullable=False),
        sa.Column("prefix", sa.String, nullable=False),
        sa.Column("groups", sa.Text, nullable=False),
        sa.Column("descriptions", sa.String, nullable=False),
        sa.Column("every_s", sa.Integer),
        sa.Column("cron", sa.String, nullable=False),
        sa.Column("credential_kind", sa.String),
        sa.Column("credential", sa.LargeBinary),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("last_started_at", UtcTime),
        sa.Column("last_finished_at", UtcTime),
        sa.Column("next_run_at", UtcTime),
        sa.Column("run_id", sa.String, unique=True),
        sa.Column("run_host", sa.String),
        sa.Column("run_pid", sa.Integer),
        sa.Column("heartbeat_at", UtcTime),
        sa.UniqueConstraint("location", "index_name"),
    )


def downgrade() -> None:
    op.drop_table("sources")
