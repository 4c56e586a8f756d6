"""In a tenant's transaction there are no other tenant's switches of plugins."""

from __future__ import annotations

from alembic import op

from sdk import migrations

revision = "0022"
down_revision = "0021"
TABLE = "core_tenant_plugins"
SET = f"NULLIF(current_setting('{migrations.TENANT_SETTING}', true), '')"


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    # Not forced: the owner brings tenants along. Without a tenant all are seen, as the gate and the operator's commands ask for all.
    reach = f"{SET} IS NULL OR {migrations.SAME_TENANT}"
    op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {TABLE} TO {migrations.APP_ROLE} USING ({reach}) WITH CHECK ({reach})")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"DROP POLICY tenant ON {TABLE}")
        op.execute(f"ALTER TABLE {TABLE} DISABLE ROW LEVEL SECURITY")
