"""When a tenant's fiscal year and its weeks begin."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for name in ("fiscal_year_start", "week_start"):
        op.add_column("core_tenants", sa.Column(name, sa.Integer(), nullable=False, server_default="1"))


def downgrade() -> None:
    for name in ("fiscal_year_start", "week_start"):
        op.drop_column("core_tenants", name)
