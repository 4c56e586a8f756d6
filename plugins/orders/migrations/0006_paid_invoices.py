"""Invoices say how far they are paid; a payment may say for which instalment or invoice it is, also one that names no order."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0006"
down_revision = "0005"
_AMOUNTS = ("paid", "open", "paid_before")
_LINKS = {"instalment_id": "orders_instalments", "invoice_id": "orders_invoices"}


def upgrade() -> None:
    for name in _AMOUNTS:
        op.add_column("orders_invoices", sa.Column(name, columns.Exact(), nullable=True))
        op.add_column("orders_invoices", sa.Column(f"{name}_currency", sa.String(3), nullable=True))
    op.add_column("orders_invoices", sa.Column("payment_state", sa.String(40), nullable=True))
    migrations.create_index(op, "orders_invoices", "payment_state")
    migrations.alter_column(op, "orders_payments", "order_id", nullable=True)
    for column, target in _LINKS.items():
        op.add_column("orders_payments", sa.Column(column, columns.key(), nullable=True))
        migrations.create_link(op, "orders_payments", column, target)
        migrations.create_index(op, "orders_payments", column)


def downgrade() -> None:
    for column in _LINKS:
        op.drop_index(f"ix_orders_payments_{column}", table_name="orders_payments")
        migrations.drop_link(op, "orders_payments", column)
        op.drop_column("orders_payments", column)
    migrations.alter_column(op, "orders_payments", "order_id", nullable=False)
    op.drop_index("ix_orders_invoices_payment_state", table_name="orders_invoices")
    op.drop_column("orders_invoices", "payment_state")
    for name in _AMOUNTS:
        op.drop_column("orders_invoices", f"{name}_currency")
        op.drop_column("orders_invoices", name)
