"""Targets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0001"
down_revision = None


def upgrade() -> None:
    migrations.create_table(
        op,
        "teamwork_probe_targets",
        sa.Column("measure", sa.String(255), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period", sa.String(255), nullable=False),
        sa.Column("team_id", columns.key(), nullable=True),
        sa.Column("person_id", columns.key(), nullable=True),
        sa.Column("amount", columns.Exact(), nullable=True),
        sa.Column("amount_currency", sa.String(3), nullable=True),
        sa.Column("number", columns.Exact(), nullable=True),
    )
    migrations.create_index(op, "teamwork_probe_targets", "team_id")
    migrations.create_index(op, "teamwork_probe_targets", "person_id")


def downgrade() -> None:
    migrations.drop_table(op, "teamwork_probe_targets")
