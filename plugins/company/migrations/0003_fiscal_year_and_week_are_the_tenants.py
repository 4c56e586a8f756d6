"""The tenant itself says when its fiscal year and its weeks begin: what stands in the profile goes there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import migrations

revision = "0003"
down_revision = "0002"

NAMES = ("fiscal_year_start", "week_start")


def upgrade() -> None:
    migrations.give_to_tenants(op, "company_profiles", *NAMES)
    for name in NAMES:
        op.drop_column("company_profiles", name)


def downgrade() -> None:
    for name in NAMES:
        op.add_column("company_profiles", sa.Column(name, sa.Integer(), nullable=False, server_default="1"))
    migrations.take_from_tenants(op, "company_profiles", *NAMES)
