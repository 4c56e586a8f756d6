"""Saved views of lists, and with which of them a person begins."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0001"
down_revision = None


def upgrade() -> None:
    migrations.create_table(
        op,
        "console_views",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("entity", sa.String(100), nullable=False),
        sa.Column("conditions", sa.Text(), nullable=True),
        sa.Column("words", sa.String(200), nullable=True),
        sa.Column("ordered_by", sa.String(500), nullable=True),
        sa.Column("columns", sa.Text(), nullable=True),
        sa.Column("layout", sa.String(40), nullable=False),
        sa.Column("layout_field", sa.String(100), nullable=True),
        sa.Column("shown_to", sa.String(40), nullable=False),
        sa.Column("pinned", sa.Boolean(), nullable=False),
    )
    migrations.create_index(op, "console_views", "entity")
    migrations.create_table(
        op,
        "console_starts",
        sa.Column("entity", sa.String(100), nullable=False),
        sa.Column("view_id", columns.key(), nullable=True),
        migrations.foreign_key("console_starts", "view_id", "console_views"),
    )
    migrations.create_index(op, "console_starts", "view_id")
    migrations.create_unique(op, "console_starts", "owner_id", "entity")


def downgrade() -> None:
    migrations.drop_table(op, "console_starts")
    migrations.drop_table(op, "console_views")
