"""What a client of another interface made a source of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sources", sa.Column("definition", sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("sources", "definition")
