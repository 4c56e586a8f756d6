"""Targets of product lines, campaigns, regions and accounts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0003"
down_revision = "0002"

TARGETS = "teamwork_targets"
LINKS = ("campaign_id", "region_id", "account_id")


def upgrade() -> None:
    op.add_column(TARGETS, sa.Column("product_line", sa.String(100), nullable=True))
    op.add_column(TARGETS, sa.Column("parts", sa.String(100), nullable=True))
    for name in LINKS:
        op.add_column(TARGETS, sa.Column(name, columns.key(), nullable=True))
        migrations.create_index(op, TARGETS, name)
    rows = sa.table(TARGETS, sa.column("product_id"), sa.column("channel"), sa.column("parts"))
    product, channel = rows.c.product_id.is_not(None), rows.c.channel.is_not(None) & (rows.c.channel != "")
    named = sa.case((product & channel, "product,channel"), (product, "product"), (channel, "channel"))
    with migrations.all_rows(op, TARGETS):
        op.execute(rows.update().values(parts=named))


def downgrade() -> None:
    for name in LINKS:
        op.drop_index(f"ix_{TARGETS}_{name}", table_name=TARGETS)
        op.drop_column(TARGETS, name)
    op.drop_column(TARGETS, "parts")
    op.drop_column(TARGETS, "product_line")
