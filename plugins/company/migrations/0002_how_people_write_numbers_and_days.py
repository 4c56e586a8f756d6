"""How people write numbers and days."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    migrations.create_table(
        op,
        "company_preferences",
        sa.Column("user_id", columns.key(), nullable=False),
        sa.Column("formats", sa.String(40), nullable=True),
    )
    migrations.create_unique(op, "company_preferences", "user_id")


def downgrade() -> None:
    migrations.drop_table(op, "company_preferences")
