"""Who people are at the systems that tenants come in through, and from which network addresses they come."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("core_tenants", sa.Column("allowed_addresses", sa.Text(), nullable=False, server_default=""))
    migrations.create_table(
        op,
        "core_identities",
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("user_id", columns.key(), nullable=False),
        migrations.foreign_key("core_identities", "user_id", "core_users"),
    )
    migrations.create_index(op, "core_identities", "user_id")
    migrations.create_unique(op, "core_identities", "issuer", "subject")
    migrations.create_unique(op, "core_identities", "issuer", "user_id")


def downgrade() -> None:
    op.drop_table("core_identities")
    op.drop_column("core_tenants", "allowed_addresses")
