"""Records that were merged, and people who act for others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0017"
down_revision = "0016"
IMPERSONATORS = (
    ("core_audit", "impersonator_id"), ("core_outbox", "impersonator_id"), ("core_sessions", "acts_in"), ("core_sessions", "acts_as"),
)  # fmt: skip


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
    for table, column in IMPERSONATORS:
        op.add_column(table, sa.Column(column, columns.key(), nullable=True))
    op.add_column("core_sessions", sa.Column("acts_until", columns.UtcDateTime(), nullable=True))
    op.execute("DROP VIEW core_audit_entries")
    _entries(" impersonator_id,")


def _entries(more: str = "") -> None:
    """What people see of the audit: the columns of a record."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    secure = " WITH (security_invoker = true)" if postgresql else ""  # else the rows of all tenants would be seen through it
    key, json = ("uuid", "jsonb") if postgresql else ("blob", "text")
    instant = "timestamptz" if postgresql else "text"
    op.execute(
        f"CREATE VIEW core_audit_entries{secure} AS SELECT tenant_id, id, at, actor_id AS user_id, actor,{more} channel, entity,"  # noqa: S608
        f" record_id AS record, entity AS record_entity, action, changes, CAST(NULL AS {key}) AS owner_id, 1 AS version,"
        f" at AS created_at, at AS updated_at, CAST(NULL AS {instant}) AS deleted_at, CAST(NULL AS {json}) AS custom FROM core_audit"
    )
    if postgresql:
        op.execute(f"GRANT SELECT ON core_audit_entries TO {migrations.APP_ROLE}")


def downgrade() -> None:
    op.execute("DROP VIEW core_audit_entries")
    op.drop_column("core_sessions", "acts_until")
    for table, column in IMPERSONATORS:
        op.drop_column(table, column)
    _entries()
    for table in ("core_merged", "core_merge_rows", "core_merges"):
        migrations.drop_table(op, table)
