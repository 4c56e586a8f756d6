"""What each tenant has approved that a plugin may touch."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns

revision = "0012"
down_revision = "0011"
COLUMNS = ("approved", "approved_by", "approved_by_id", "approved_at")


def upgrade() -> None:
    op.add_column("core_tenant_plugins", sa.Column("approved", columns.json_data(), nullable=True))
    op.add_column("core_tenant_plugins", sa.Column("approved_by", sa.String(100), nullable=True))
    op.add_column("core_tenant_plugins", sa.Column("approved_by_id", columns.key(), nullable=True))
    op.add_column("core_tenant_plugins", sa.Column("approved_at", columns.UtcDateTime(), nullable=True))


def downgrade() -> None:
    for name in reversed(COLUMNS):
        op.drop_column("core_tenant_plugins", name)
