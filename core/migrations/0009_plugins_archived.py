"""Plugins that were taken out with their data kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Only the operator's commands read it, as the owner of the schema: the application has no right to it."""
    op.create_table(
        "core_archived_plugins",
        sa.Column("plugin", sa.String(30), nullable=False),
        sa.Column("version", sa.String(60), nullable=False),
        sa.Column("distribution", sa.String(200), nullable=False),
        sa.Column("revision", sa.String(60), nullable=True),
        sa.Column("rows", columns.json_data(), nullable=False),
        sa.Column("archived_at", columns.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("plugin", name="pk_core_archived_plugins"),
    )


def downgrade() -> None:
    op.drop_table("core_archived_plugins")
