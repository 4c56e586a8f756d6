"""Accounts stand in a region of the company's list."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("customers_accounts", sa.Column("region_id", columns.key(), nullable=True))
    migrations.create_index(op, "customers_accounts", "region_id")


def downgrade() -> None:
    op.drop_index("ix_customers_accounts_region_id", table_name="customers_accounts")
    op.drop_column("customers_accounts", "region_id")
