"""The text model that the vectors of an index were made with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("indexes", sa.Column("text_model", sa.String, nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("indexes", "text_model")
