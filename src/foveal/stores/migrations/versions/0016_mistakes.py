"""Wrong passwords, counted by all replicas together."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mistakes",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("made", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_mistakes_at", "mistakes", ["at"])


def downgrade() -> None:
    op.drop_table("mistakes")
