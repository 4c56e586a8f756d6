"""Formulas of tenants."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("core_custom_fields", sa.Column("expression", sa.Text(), nullable=True))
    op.add_column("core_custom_fields", sa.Column("result", sa.String(40), nullable=True))


def downgrade() -> None:
    for column in ("result", "expression"):
        op.drop_column("core_custom_fields", column)
