"""Staged files and their corrections, the journal of imports, saved mappings and external ids."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0003"
down_revision = "0002"

IMPORTS = "import_export_imports"
FILES, CORRECTIONS = "import_export_files", "import_export_corrections"
PARTS = "import_export_parts"
MAPPINGS, EXTERNAL_IDS = "import_export_mappings", "import_export_external_ids"
MORE = (
    "total", "rate", "seconds_left", "file_id", "sheet", "part_of_id", "silent", "started_at", "ended_at", "done", "undone", "conflicts", "wish",
)  # fmt: skip


def upgrade() -> None:
    for number in ("total", "rate", "seconds_left"):
        op.add_column(IMPORTS, sa.Column(number, sa.Integer(), nullable=True))
    for link in ("file_id", "part_of_id"):
        op.add_column(IMPORTS, sa.Column(link, columns.key(), nullable=True))
        migrations.create_index(op, IMPORTS, link)
    op.add_column(IMPORTS, sa.Column("sheet", sa.String(255), nullable=True))
    op.add_column(IMPORTS, sa.Column("silent", sa.Boolean(), nullable=False, server_default=sa.false()))
    for instant in ("started_at", "ended_at"):
        op.add_column(IMPORTS, sa.Column(instant, columns.UtcDateTime(), nullable=True))
    for count in ("done", "undone", "conflicts"):
        op.add_column(IMPORTS, sa.Column(count, sa.Integer(), nullable=False, server_default="0"))
    op.add_column(IMPORTS, sa.Column("wish", sa.Text(), nullable=True))
    _staging()
    _journal()
    _memory()


def _staging() -> None:
    migrations.create_table(
        op,
        FILES,
        sa.Column("file_name", sa.String(255), nullable=False),
        sa.Column("content", sa.String(100), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("reading", sa.Text(), nullable=True),
        sa.Column("book", sa.Text(), nullable=True),
        sa.Column("expires_at", columns.UtcDateTime(), nullable=True),
    )
    migrations.create_index(op, FILES, "expires_at")
    migrations.create_table(
        op,
        CORRECTIONS,
        sa.Column("file_id", columns.key(), nullable=False),
        sa.Column("sheet", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("cells", sa.Text(), nullable=True),
        sa.Column("left_out", sa.Boolean(), nullable=False),
        migrations.foreign_key(CORRECTIONS, "file_id", FILES),
    )
    migrations.create_index(op, CORRECTIONS, "file_id")
    migrations.create_unique(op, CORRECTIONS, "file_id", "sheet", "number")


def _journal() -> None:
    migrations.create_table(
        op,
        PARTS,
        sa.Column("import_id", columns.key(), nullable=False),
        sa.Column("entity", sa.String(80), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("letters", sa.String(10), nullable=True),
        sa.Column("rows", sa.Text(), nullable=True),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("oldest", columns.UtcDateTime(), nullable=True),
        sa.Column("newest", columns.UtcDateTime(), nullable=True),
        sa.Column("undone", sa.Text(), nullable=True),
        migrations.foreign_key(PARTS, "import_id", IMPORTS),
    )
    migrations.create_index(op, PARTS, "import_id")
    migrations.create_index(op, PARTS, "oldest")


def _memory() -> None:
    migrations.create_table(
        op,
        MAPPINGS,
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("entity", sa.String(80), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("wish", sa.Text(), nullable=True),
    )
    migrations.create_unique(op, MAPPINGS, "entity", "digest")
    migrations.create_table(
        op,
        EXTERNAL_IDS,
        sa.Column("entity", sa.String(80), nullable=False),
        sa.Column("system", sa.String(60), nullable=False),
        sa.Column("external_id", sa.String(255), nullable=False),
        sa.Column("record", columns.key(), nullable=True),
        sa.Column("record_entity", sa.String(100), nullable=True),
    )
    migrations.create_index(op, EXTERNAL_IDS, "record")
    migrations.create_unique(op, EXTERNAL_IDS, "entity", "system", "external_id")


def downgrade() -> None:
    for table in (EXTERNAL_IDS, MAPPINGS, PARTS, CORRECTIONS, FILES):
        migrations.drop_table(op, table)
    for link in ("file_id", "part_of_id"):
        op.drop_index(f"ix_{IMPORTS}_{link}", IMPORTS)
    for column in MORE:
        op.drop_column(IMPORTS, column)
