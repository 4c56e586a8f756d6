"""Entries of the audit say which came before them; those from before say nothing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.add_column("core_audit", sa.Column("follows", sa.String(80), nullable=True))


def downgrade() -> None:
    op.drop_column("core_audit", "follows")
