"""Formulas of tenants, and conditions of their fields."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    for column in ("expression", "shown_if", "required_if"):
        op.add_column("core_custom_fields", sa.Column(column, sa.Text(), nullable=True))
    op.add_column("core_custom_fields", sa.Column("result", sa.String(40), nullable=True))
    op.add_column("core_custom_fields", sa.Column("given", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    for column in ("given", "result", "required_if", "shown_if", "expression"):
        op.drop_column("core_custom_fields", column)
