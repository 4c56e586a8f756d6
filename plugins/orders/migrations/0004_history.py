"""Quotes, orders and invoices say whether they came in as history, closed, with their lines behind them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
TABLES = ("orders_quotes", "orders_orders", "orders_invoices")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("history", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    for table in TABLES:
        op.drop_column(table, "history")
