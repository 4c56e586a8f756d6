"""Quiet hours, and letters that wait for their end or to be gathered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("teamwork_preferences", sa.Column("digest", sa.Boolean(), nullable=False, server_default=sa.false()))
    migrations.create_table(
        op,
        "teamwork_letter_times",
        sa.Column("quiet_from", sa.String(5), nullable=True),
        sa.Column("quiet_until", sa.String(5), nullable=True),
        sa.Column("digest_at", sa.String(5), nullable=False),
        sa.Column("timezone", sa.String(60), nullable=True),
    )
    migrations.create_unique(op, "teamwork_letter_times", "owner_id")
    migrations.create_table(
        op,
        "teamwork_held_letters",
        sa.Column("kind", sa.String(100), nullable=False),
        sa.Column("title", sa.String(255), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("gathered", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("due_at", columns.UtcDateTime(), nullable=True),
        sa.Column("sent_at", columns.UtcDateTime(), nullable=True),
    )
    migrations.create_index(op, "teamwork_held_letters", "due_at")


def downgrade() -> None:
    migrations.drop_table(op, "teamwork_held_letters")
    migrations.drop_table(op, "teamwork_letter_times")
    op.drop_column("teamwork_preferences", "digest")
