"""When quotes, contracts and invoices were mailed last and to whom; the contact of an invoice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0003"
down_revision = "0002"
MAILED = ("orders_quotes", "orders_contracts", "orders_invoices")


def upgrade() -> None:
    op.add_column("orders_invoices", sa.Column("contact_id", columns.key(), nullable=True))
    migrations.create_index(op, "orders_invoices", "contact_id")
    for table in MAILED:
        op.add_column(table, sa.Column("mailed_at", columns.UtcDateTime(), nullable=True))
        op.add_column(table, sa.Column("mailed_to_id", columns.key(), nullable=True))
        migrations.create_index(op, table, "mailed_to_id")


def downgrade() -> None:
    for table in MAILED:
        op.drop_index(f"ix_{table}_mailed_to_id", table_name=table)
        op.drop_column(table, "mailed_to_id")
        op.drop_column(table, "mailed_at")
    op.drop_index("ix_orders_invoices_contact_id", table_name="orders_invoices")
    op.drop_column("orders_invoices", "contact_id")
