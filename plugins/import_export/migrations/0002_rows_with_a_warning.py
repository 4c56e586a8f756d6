"""Rows that were taken with a warning."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("import_export_imports", sa.Column("warned", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("import_export_imports", "warned")
