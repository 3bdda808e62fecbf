"""Jobs of every kind: what each is to do, how far it is, and what it could not use."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from foveal.stores.sql_engine import UtcTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_STRINGS = {"kind": "ingest", "saved_source": "", "descriptions": "", "retries": "", "stage": ""}
_TEXTS = {"groups": "[]", "options": "[]"}
_NUMBERS = ("todo", "done", "bytes_done")


def upgrade() -> None:
    with op.batch_alter_table("ingestions") as table:
        for name, value in _STRINGS.items():
            table.add_column(sa.Column(name, sa.String, nullable=False, server_default=value))
        for name, value in _TEXTS.items():
            table.add_column(sa.Column(name, sa.Text, nullable=False, server_default=value))
        table.add_column(sa.Column("stage_at", UtcTime))
        for name in _NUMBERS:
            table.add_column(sa.Column(name, sa.BigInteger, nullable=False, server_default="0"))
    op.create_table(
        "job_failures",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column(
            "ingestion_id", sa.String, sa.ForeignKey("ingestions.ingestion_id", ondelete="CASCADE"), nullable=False
        ),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("path", "stage", "code", "reason", "remedy")),
    )
    op.create_index("ix_job_failures_ingestion_id_number", "job_failures", ["ingestion_id", "number"])


def downgrade() -> None:
    op.drop_table("job_failures")
    with op.batch_alter_table("ingestions") as table:
        for name in (*_STRINGS, *_TEXTS, "stage_at", *_NUMBERS):
            table.drop_column(name)
