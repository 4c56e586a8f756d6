"""What each plugin declared when it was last upgraded, and which of them raised in a hook."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """The first is for the operator's commands, as the owner of the schema; the second is counted by every process."""
    op.create_table(
        "core_plugins",
        sa.Column("plugin", sa.String(30), nullable=False),
        sa.Column("version", sa.String(60), nullable=False),
        sa.Column("revision", sa.String(60), nullable=True),
        sa.Column("declared", columns.json_data(), nullable=False),
        sa.Column("upgraded_at", columns.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("plugin", name="pk_core_plugins"),
    )
    op.create_table(
        "core_plugin_failures",
        sa.Column("plugin", sa.String(30), nullable=False),
        sa.Column("hook", sa.String(60), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("last_at", columns.UtcDateTime(), nullable=False),
        sa.Column("error", sa.String(300), nullable=False),
        sa.PrimaryKeyConstraint("plugin", "hook", name="pk_core_plugin_failures"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON core_plugin_failures TO {migrations.APP_ROLE}")


def downgrade() -> None:
    op.drop_table("core_plugin_failures")
    op.drop_table("core_plugins")
