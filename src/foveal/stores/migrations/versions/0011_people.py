"""Accounts, and who is signed in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from foveal.stores.sql_engine import UtcTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("password", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("groups", sa.Text),
        sa.Column("created_at", UtcTime, nullable=False),
    )
    op.create_table(
        "sign_ins",
        sa.Column("sign_in_id", sa.String, primary_key=True),
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("old_hash", sa.String, nullable=False),
        sa.Column("way", sa.String, nullable=False),
        sa.Column("person", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("groups", sa.Text),
        sa.Column("opened_at", UtcTime, nullable=False),
        sa.Column("renewed_at", UtcTime, nullable=False),
        sa.Column("expires_at", UtcTime, nullable=False),
    )
    for column in ("person", "expires_at"):
        op.create_index(f"ix_sign_ins_{column}", "sign_ins", [column])


def downgrade() -> None:
    op.drop_table("sign_ins")
    op.drop_table("accounts")
