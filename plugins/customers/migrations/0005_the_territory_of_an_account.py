"""The territory of an account."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("customers_accounts", sa.Column("territory_id", columns.key(), nullable=True))
    migrations.create_index(op, "customers_accounts", "territory_id")


def downgrade() -> None:
    op.drop_index("ix_customers_accounts_territory_id", table_name="customers_accounts")
    op.drop_column("customers_accounts", "territory_id")
