"""Ingestions of video indexes are jobs; what waited under a lease of its own has to be sent again."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from foveal.stores.sql_engine import UtcTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_TABLE = sa.table(
    "video_ingestions",
    sa.column("number", sa.Integer),
    sa.column("body", sa.Text),
    sa.column("tasks", sa.LargeBinary),
    sa.column("is_over", sa.Boolean),
)
_MESSAGE = "Foveal was renewed while it waited: send it again under another name."


def upgrade() -> None:
    connection = op.get_bind()
    for row in connection.execute(sa.select(_TABLE).where(_TABLE.c.is_over.is_(False))).all():
        body = json.dumps({**json.loads(row.body), "state": "Failed", "message": _MESSAGE}, ensure_ascii=False)
        over = sa.update(_TABLE).where(_TABLE.c.number == row.number)
        connection.execute(over.values(body=body, tasks=b"", is_over=True))
    with op.batch_alter_table("video_ingestions") as table:
        table.drop_constraint("uq_video_ingestions_run_id", type_="unique")
        for name in ("run_id", "run_host", "run_pid", "heartbeat_at"):
            table.drop_column(name)


def downgrade() -> None:
    with op.batch_alter_table("video_ingestions") as table:
        table.add_column(sa.Column("run_id", sa.String))
        table.add_column(sa.Column("run_host", sa.String))
        table.add_column(sa.Column("run_pid", sa.Integer))
        table.add_column(sa.Column("heartbeat_at", UtcTime))
        table.create_unique_constraint("uq_video_ingestions_run_id", ["run_id"])
