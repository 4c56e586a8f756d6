"""Holidays, and weekends that are worked on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import migrations

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    migrations.create_table(
        op,
        "company_holidays",
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("works", sa.Boolean(), nullable=False),
    )
    migrations.create_index(op, "company_holidays", "on")
    migrations.create_unique(op, "company_holidays", "on")


def downgrade() -> None:
    op.drop_table("company_holidays")
