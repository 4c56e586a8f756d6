"""Imports and their rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0001"
down_revision = None


def upgrade() -> None:
    migrations.create_table(
        op,
        "import_export_imports",
        sa.Column("entity", sa.String(80), nullable=False),
        sa.Column("file_name", sa.String(255), nullable=False),
        sa.Column("mode", sa.String(40), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("deferred", sa.Text(), nullable=True),
        sa.Column("headings", sa.Text(), nullable=True),
        sa.Column("ignored", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
    )
    migrations.create_index(op, "import_export_imports", "state")
    migrations.create_table(
        op,
        "import_export_rows",
        sa.Column("import_id", columns.key(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(40), nullable=False),
        sa.Column("column", sa.String(200), nullable=True),
        sa.Column("value", sa.String(255), nullable=True),
        sa.Column("code", sa.String(60), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("nearest", sa.String(255), nullable=True),
        sa.Column("cells", sa.Text(), nullable=True),
        migrations.foreign_key("import_export_rows", "import_id", "import_export_imports"),
    )
    migrations.create_index(op, "import_export_rows", "import_id")
    migrations.create_index(op, "import_export_rows", "number")
    migrations.create_index(op, "import_export_rows", "outcome")


def downgrade() -> None:
    migrations.drop_table(op, "import_export_rows")
    migrations.drop_table(op, "import_export_imports")
