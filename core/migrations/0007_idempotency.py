"""Answers to writes that may be sent again; how often tokens may ask, and when they did last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "core_idempotency",
        sa.Column("tenant_id", columns.key(), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("created_at", columns.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "name", name="pk_core_idempotency"),
    )
    op.create_index("ix_core_idempotency_created_at", "core_idempotency", ["tenant_id", "created_at"])
    migrations.protect(op, "core_idempotency")
    op.add_column("core_tenants", sa.Column("rate_limit", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("core_tokens", sa.Column("last_used_at", columns.UtcDateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("core_tokens", "last_used_at")
    op.drop_column("core_tenants", "rate_limit")
    op.drop_table("core_idempotency")
