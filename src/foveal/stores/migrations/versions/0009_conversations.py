"""Conversations, links that share them, feedback."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from foveal.stores.sql_engine import UtcTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "conversations",
        sa.Column("conversation_id", sa.String, primary_key=True),
        sa.Column("person", sa.String, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("title_words", sa.Text, nullable=False),
        sa.Column("hidden", sa.Boolean, nullable=False),
        sa.Column("turns", sa.Integer, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("updated_at", UtcTime, nullable=False),
    )
    op.create_index("ix_conversations_person_updated_at", "conversations", ["person", "updated_at"])
    op.create_table(
        "conversation_turns",
        sa.Column("conversation_id", sa.String, _conversation(), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("speaker", sa.String, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("citations", sa.Text, nullable=False),
        sa.Column("pictures", sa.Text, nullable=False),
        sa.Column("answer_id", sa.String, nullable=False),
        sa.Column("stopped", sa.Boolean, nullable=False),
        sa.Column("said_at", UtcTime, nullable=False),
    )
    op.create_table(
        "conversation_shares",
        sa.Column("share_id", sa.String, primary_key=True),
        sa.Column("conversation_id", sa.String, _conversation(), nullable=False),
        sa.Column("person", sa.String, nullable=False),
        sa.Column("turns", sa.Integer, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("expires_at", UtcTime, nullable=False),
        sa.Column("revoked_at", UtcTime),
    )
    op.create_index("ix_conversation_shares_conversation_id", "conversation_shares", ["conversation_id"])
    op.create_table(
        "feedback",
        sa.Column("person", sa.String, primary_key=True),
        sa.Column("answer_id", sa.String, primary_key=True),
        sa.Column("rating", sa.String, nullable=False),
        sa.Column("reasons", sa.Text, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("citations", sa.Text, nullable=False),
        sa.Column("at", UtcTime, nullable=False),
    )
    op.create_index("ix_feedback_at", "feedback", ["at"])


def downgrade() -> None:
    for table in ("feedback", "conversation_shares", "conversation_turns", "conversations"):
        op.drop_table(table)


def _conversation() -> sa.ForeignKey:
    return sa.ForeignKey("conversations.conversation_id", ondelete="CASCADE")
