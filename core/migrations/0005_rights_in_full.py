"""Roles that teams give their people, territories, and records that are shared with a person."""

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

    migrations.create_table(
        op,
        "core_territories",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("parent_id", columns.key(), nullable=True),
        migrations.foreign_key("core_territories", "parent_id", "core_territories"),
    )
    migrations.create_unique(op, "core_territories", "name")
    migrations.create_index(op, "core_territories", "parent_id")
    migrations.create_table(
        op,
        "core_territory_members",
        sa.Column("territory_id", columns.key(), nullable=False),
        sa.Column("user_id", columns.key(), nullable=False),
        sa.Column("note", sa.String(255), nullable=True),
        migrations.foreign_key("core_territory_members", "territory_id", "core_territories"),
        migrations.foreign_key("core_territory_members", "user_id", "core_users"),
    )
    migrations.create_index(op, "core_territory_members", "territory_id")
    migrations.create_index(op, "core_territory_members", "user_id")
    migrations.create_unique(op, "core_territory_members", "territory_id", "user_id")


def downgrade() -> None:
    op.drop_table("core_territory_members")
    op.drop_table("core_territories")
    op.drop_table("core_shares")
    op.drop_column("core_teams", "roles")
