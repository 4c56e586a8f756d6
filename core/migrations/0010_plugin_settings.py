"""What tenants set for their plugins."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "core_plugin_settings",
        sa.Column("tenant_id", columns.key(), nullable=False),
        sa.Column("plugin", sa.String(30), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("value", columns.json_data(), nullable=True),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "plugin", "name", name="pk_core_plugin_settings"),
    )
    migrations.protect(op, "core_plugin_settings")


def downgrade() -> None:
    op.drop_table("core_plugin_settings")
