"""Uploads, and sources that are watched."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from foveal.stores.sql_engine import Name, UtcTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "uploads",
        sa.Column("file_id", Name, primary_key=True),
        sa.Column("source", Name, nullable=False),
        sa.Column("path", Name, nullable=False),
        sa.Column("asset_id", sa.String, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("media_type", sa.String, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("changed_at", UtcTime, nullable=False),
        sa.UniqueConstraint("source", "path"),
    )
    op.create_index("ix_uploads_asset_id", "uploads", ["asset_id"])
    op.add_column("sources", sa.Column("watch", sa.Boolean, nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("sources", "watch")
    op.drop_table("uploads")
