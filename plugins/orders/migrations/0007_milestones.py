"""An instalment may be due by a milestone, and have an invoice of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0007"
down_revision = "0006"
_PLAN, _INVOICES, _LINK = "orders_instalments", "orders_invoices", "instalment_id"


def upgrade() -> None:
    migrations.alter_column(op, _PLAN, "due_on", nullable=True)
    op.add_column(_PLAN, sa.Column("milestone", sa.String(100), nullable=True))
    op.add_column(_PLAN, sa.Column("reached_on", sa.Date(), nullable=True))
    op.add_column(_INVOICES, sa.Column(_LINK, columns.key(), nullable=True))
    migrations.create_link(op, _INVOICES, _LINK, _PLAN)
    migrations.create_index(op, _INVOICES, _LINK)


def downgrade() -> None:
    op.drop_index(f"ix_{_INVOICES}_{_LINK}", table_name=_INVOICES)
    migrations.drop_link(op, _INVOICES, _LINK)
    op.drop_column(_INVOICES, _LINK)
    op.drop_column(_PLAN, "reached_on")
    op.drop_column(_PLAN, "milestone")
    # What was not dated yet is due from when its row was made.
    dated = {"sqlite": "COALESCE(due_on, substr(created_at, 1, 10))", "postgresql": "COALESCE(due_on, created_at::date)"}
    migrations.alter_column(op, _PLAN, "due_on", nullable=False, using=dated)
