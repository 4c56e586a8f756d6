"""Memberships and redemptions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0001"
down_revision = None


def upgrade() -> None:
    migrations.create_table(
        op,
        "loyalty_memberships",
        sa.Column("account_id", columns.key(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("level", sa.String(40), nullable=False),
        migrations.foreign_key("loyalty_memberships", "account_id", "customers_accounts"),
    )
    migrations.create_unique(op, "loyalty_memberships", "account_id")
    migrations.create_table(
        op,
        "loyalty_redemptions",
        sa.Column("reward", sa.String(255), nullable=False),
        sa.Column("account_id", columns.key(), nullable=False),
        sa.Column("visit_id", columns.key(), nullable=True),
        sa.Column("points", sa.Integer(), nullable=False),
        migrations.foreign_key("loyalty_redemptions", "account_id", "customers_accounts"),
        migrations.foreign_key("loyalty_redemptions", "visit_id", "visits_visits"),
    )
    migrations.create_index(op, "loyalty_redemptions", "account_id")
    migrations.create_index(op, "loyalty_redemptions", "visit_id")


def downgrade() -> None:
    migrations.drop_table(op, "loyalty_redemptions")
    migrations.drop_table(op, "loyalty_memberships")
