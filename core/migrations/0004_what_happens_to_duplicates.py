"""What a tenant wants to happen to likely duplicates."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("core_tenants", sa.Column("duplicates", columns.json_data(), nullable=True))


def downgrade() -> None:
    op.drop_column("core_tenants", "duplicates")
