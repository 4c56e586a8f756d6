"""Roles that teams give their people, and records that are shared with a person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("core_teams", sa.Column("roles", columns.json_data(), nullable=True))
    migrations.create_table(
        op,
        "core_shares",
        sa.Column("record", columns.key(), nullable=False),
        sa.Column("user_id", columns.key(), nullable=False),
        sa.Column("access", sa.String(40), nullable=False),
        sa.Column("expires_at", columns.UtcDateTime(), nullable=True),
        sa.Column("record_entity", sa.String(100), nullable=False),
        migrations.foreign_key("core_shares", "user_id", "core_users"),
    )
    migrations.create_index(op, "core_shares", "record")
    migrations.create_index(op, "core_shares", "user_id")


def downgrade() -> None:
    op.drop_table("core_shares")
    op.drop_column("core_teams", "roles")
