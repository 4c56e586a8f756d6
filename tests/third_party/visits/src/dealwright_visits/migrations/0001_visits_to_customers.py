"""Visits to customers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0001"
down_revision = None


def upgrade() -> None:
    migrations.create_table(
        op,
        "visits_visits",
        sa.Column("purpose", sa.String(255), nullable=False),
        sa.Column("account_id", columns.key(), nullable=False),
        sa.Column("visited_on", sa.Date(), nullable=False),
        sa.Column("cost", columns.Exact(), nullable=True),
        sa.Column("cost_currency", sa.String(3), nullable=True),
        migrations.foreign_key("visits_visits", "account_id", "customers_accounts"),
    )
    migrations.create_index(op, "visits_visits", "account_id")
    migrations.create_index(op, "visits_visits", "visited_on")


def downgrade() -> None:
    migrations.drop_table(op, "visits_visits")
