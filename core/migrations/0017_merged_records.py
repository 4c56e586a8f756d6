"""Records that were merged, and people who act for others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0017"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "core_merges",
        sa.Column("tenant_id", columns.key(), nullable=False),
        sa.Column("id", columns.key(), nullable=False),
        sa.Column("entity", sa.String(100), nullable=False),
        sa.Column("survivor_id", columns.key(), nullable=False),
        sa.Column("at", columns.UtcDateTime(), nullable=False),
        sa.Column("by_id", columns.key(), nullable=True),
        sa.Column("changes", columns.json_data(), nullable=False),
        sa.Column("undone_at", columns.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_core_merges"),
    )
    op.create_index("ix_core_merges_survivor_id", "core_merges", ["tenant_id", "survivor_id", "id"])
    op.create_table(
        "core_merge_rows",
        sa.Column("tenant_id", columns.key(), nullable=False),
        sa.Column("merge_id", columns.key(), nullable=False),
        sa.Column("id", columns.key(), nullable=False),
        sa.Column("table", sa.String(63), nullable=False),
        sa.Column("record_id", columns.key(), nullable=False),
        sa.Column("column", sa.String(80), nullable=False),
        sa.Column("from_id", columns.key(), nullable=False),
        sa.Column("to_id", columns.key(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "merge_id", "id", name="pk_core_merge_rows"),
    )
    op.create_table(
        "core_merged",
        sa.Column("tenant_id", columns.key(), nullable=False),
        sa.Column("record_id", columns.key(), nullable=False),
        sa.Column("entity", sa.String(100), nullable=False),
        sa.Column("survivor_id", columns.key(), nullable=False),
        sa.Column("merge_id", columns.key(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "record_id", name="pk_core_merged"),
    )
    op.create_index("ix_core_merged_survivor_id", "core_merged", ["tenant_id", "survivor_id"])
    for table in ("core_merges", "core_merge_rows", "core_merged"):
        migrations.protect(op, table)


def downgrade() -> None:
    for table in ("core_merged", "core_merge_rows", "core_merges"):
        migrations.drop_table(op, table)
