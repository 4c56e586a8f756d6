"""Exports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0005"
down_revision = "0003"


def upgrade() -> None:
    migrations.create_table(
        op,
        "import_export_exports",
        sa.Column("entity", sa.String(80), nullable=False),
        sa.Column("format", sa.String(40), nullable=False),
        sa.Column("headings", sa.String(40), nullable=False),
        sa.Column("file_name", sa.String(255), nullable=False),
        sa.Column("conditions", sa.Text(), nullable=True),
        sa.Column("words", sa.String(200), nullable=True),
        sa.Column("ordered_by", sa.String(500), nullable=True),
        sa.Column("columns", sa.Text(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("content", sa.String(32), nullable=True),
        sa.Column("ends_at", columns.UtcDateTime(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
    )
    for column in ("entity", "state", "ends_at"):
        migrations.create_index(op, "import_export_exports", column)


def downgrade() -> None:
    migrations.drop_table(op, "import_export_exports")
