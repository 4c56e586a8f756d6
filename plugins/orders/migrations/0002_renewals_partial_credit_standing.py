"""Renewals, partial credit, standing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    migrations.create_table(
        op,
        "orders_purchases",
        sa.Column("account_id", columns.key(), nullable=False),
        sa.Column("first_order_on", sa.Date(), nullable=True),
        sa.Column("standing", sa.String(40), nullable=True),
        migrations.foreign_key("orders_purchases", "account_id", "customers_accounts"),
    )
    migrations.create_index(op, "orders_purchases", "first_order_on")
    migrations.create_index(op, "orders_purchases", "standing")
    migrations.create_unique(op, "orders_purchases", "account_id")
    op.add_column("orders_contracts", sa.Column("predecessor_id", columns.key(), nullable=True))
    op.add_column("orders_contracts", sa.Column("successor_id", columns.key(), nullable=True))
    migrations.create_index(op, "orders_contracts", "predecessor_id")
    migrations.create_index(op, "orders_contracts", "successor_id")
    op.add_column("orders_invoice_lines", sa.Column("credits_line_id", columns.key(), nullable=True))
    migrations.create_index(op, "orders_invoice_lines", "credits_line_id")


def downgrade() -> None:
    op.drop_index("ix_orders_invoice_lines_credits_line_id", table_name="orders_invoice_lines")
    op.drop_column("orders_invoice_lines", "credits_line_id")
    op.drop_index("ix_orders_contracts_successor_id", table_name="orders_contracts")
    op.drop_index("ix_orders_contracts_predecessor_id", table_name="orders_contracts")
    op.drop_column("orders_contracts", "successor_id")
    op.drop_column("orders_contracts", "predecessor_id")
    migrations.drop_table(op, "orders_purchases")
