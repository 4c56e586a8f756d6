"""A payment that takes another one back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("orders_payments", sa.Column("reverses_id", columns.key(), nullable=True))
    migrations.create_unique(op, "orders_payments", "reverses_id")


def downgrade() -> None:
    op.drop_index("uq_orders_payments_reverses_id", table_name="orders_payments")
    op.drop_column("orders_payments", "reverses_id")
