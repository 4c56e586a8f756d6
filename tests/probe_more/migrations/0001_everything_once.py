"""Everything once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0001"
down_revision = None


def upgrade() -> None:
    migrations.create_table(
        op,
        "probe_more_points",
        sa.Column("thing_id", columns.key(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=True),
        sa.Column("bonus", columns.Exact(), nullable=True),
        sa.Column("bonus_currency", sa.String(3), nullable=True),
        migrations.foreign_key("probe_more_points", "thing_id", "probe_things"),
    )
    migrations.create_unique(op, "probe_more_points", "thing_id")


def downgrade() -> None:
    migrations.drop_table(op, "probe_more_points")
