"""Why deals are won."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    migrations.create_table(
        op,
        "pipeline_won_reasons",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("key", sa.String(60), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
    )
    migrations.create_unique(op, "pipeline_won_reasons", "key")
    migrations.create_unique(op, "pipeline_won_reasons", "name")
    op.add_column("pipeline_deals", sa.Column("won_reason_id", columns.key(), nullable=True))
    migrations.create_link(op, "pipeline_deals", "won_reason_id", "pipeline_won_reasons")
    migrations.create_index(op, "pipeline_deals", "won_reason_id")


def downgrade() -> None:
    op.drop_index("ix_pipeline_deals_won_reason_id", table_name="pipeline_deals")
    migrations.drop_link(op, "pipeline_deals", "won_reason_id")
    op.drop_column("pipeline_deals", "won_reason_id")
    migrations.drop_table(op, "pipeline_won_reasons")
