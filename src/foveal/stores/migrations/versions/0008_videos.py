"""Video indexes, their documents and their ingestions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from foveal.stores.sql_engine import Name, UtcTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "video_indexes",
        sa.Column("name", Name, primary_key=True),
        sa.Column("etag", sa.String, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "video_documents",
        sa.Column("index_name", Name, primary_key=True),
        sa.Column("document_id", Name, primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "video_ingestions",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("index_name", Name, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("tasks", sa.LargeBinary, nullable=False),
        sa.Column("is_over", sa.Boolean, nullable=False),
        sa.Column("run_id", sa.String, unique=True),
        sa.Column("run_host", sa.String),
        sa.Column("run_pid", sa.Integer),
        sa.Column("heartbeat_at", UtcTime),
        sa.UniqueConstraint("index_name", "name"),
    )


def downgrade() -> None:
    for table in ("video_ingestions", "video_documents", "video_indexes"):
        op.drop_table(table)
