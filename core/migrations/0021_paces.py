"""How often something was done within a while, counted for all processes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0021"
down_revision = "0020"
TABLE = "core_paces"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("tenant_id", columns.key(), nullable=False),
        sa.Column("id", columns.key(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("until", columns.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=f"pk_{TABLE}"),
    )
    op.create_index(f"ix_{TABLE}_digest", TABLE, ["tenant_id", "digest", "until"])
    op.create_index(f"ix_{TABLE}_until", TABLE, ["tenant_id", "until"])
    migrations.protect(op, TABLE)


def downgrade() -> None:
    migrations.drop_table(op, TABLE)
