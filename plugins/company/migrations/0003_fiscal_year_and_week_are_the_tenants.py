"""The tenant itself says when its fiscal year and its weeks begin: what stands in the profile goes there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0003"
down_revision = "0002"

NAMES = ("fiscal_year_start", "week_start")
TENANTS = sa.table("core_tenants", sa.column("id", columns.key()), *(sa.column(name) for name in NAMES))
PROFILES = sa.table(
    "company_profiles", sa.column("tenant_id", columns.key()), sa.column("deleted_at"), *(sa.column(name) for name in NAMES)
)


def upgrade() -> None:
    mine = (PROFILES.c.tenant_id == TENANTS.c.id, PROFILES.c.deleted_at.is_(None))
    kept = {name: sa.select(PROFILES.c[name]).where(*mine).limit(1).scalar_subquery() for name in NAMES}
    with migrations.all_rows(op, "company_profiles"):
        unsaid = [TENANTS.c[name] == 1 for name in NAMES]  # what the tenant has said itself meanwhile stays
        op.execute(TENANTS.update().where(sa.exists().where(*mine), *unsaid).values(kept))
    for name in NAMES:
        op.drop_column("company_profiles", name)


def downgrade() -> None:
    for name in NAMES:
        op.add_column("company_profiles", sa.Column(name, sa.Integer(), nullable=False, server_default="1"))
    said = {name: sa.select(TENANTS.c[name]).where(TENANTS.c.id == PROFILES.c.tenant_id).scalar_subquery() for name in NAMES}
    with migrations.all_rows(op, "company_profiles"):
        op.execute(PROFILES.update().values(said))
