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
    migrations.create_table(
        op,
        "probe_more_marks",
        sa.Column("board_id", columns.key(), nullable=False),
        sa.Column("mark", sa.Integer(), nullable=True),
        migrations.foreign_key("probe_more_marks", "board_id", "probe_boards"),
    )
    migrations.create_unique(op, "probe_more_marks", "board_id")
    migrations.create_table(
        op,
        "probe_more_diaries",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("shown_to", sa.String(40), nullable=False),
        sa.Column("sealed", sa.String(255), nullable=True),
        sa.Column("initial", sa.String(255), nullable=True),
    )


def downgrade() -> None:
    migrations.drop_table(op, "probe_more_diaries")
    migrations.drop_table(op, "probe_more_marks")
    migrations.drop_table(op, "probe_more_points")
