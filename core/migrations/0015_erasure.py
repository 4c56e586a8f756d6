"""Entries of the audit say which erasure took values out of them; custom fields may be personal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("core_audit", sa.Column("erased", sa.String(80), nullable=True))
    op.add_column("core_custom_fields", sa.Column("personal", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("core_custom_fields", "personal")
    op.drop_column("core_audit", "erased")
