"""Versions of rules, and drafts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0003"
down_revision = "0002"
PARTS = ("entity", "trigger", "parameters", "conditions", "actions")


def upgrade() -> None:
    for table in ("automation_rules", "automation_runs"):
        op.add_column(table, sa.Column("revision", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("automation_rules", sa.Column("draft_of_id", columns.key(), nullable=True))
    migrations.create_unique(op, "automation_rules", "draft_of_id")
    migrations.create_table(
        op,
        "automation_revisions",
        sa.Column("rule_id", columns.key(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("by_id", columns.key(), nullable=True),
        sa.Column("entity", sa.String(100), nullable=False),
        sa.Column("trigger", sa.String(100), nullable=False),
        sa.Column("parameters", columns.json_data(), nullable=True),
        sa.Column("conditions", columns.json_data(), nullable=True),
        sa.Column("actions", columns.json_data(), nullable=True),
        migrations.foreign_key("automation_revisions", "rule_id", "automation_rules"),
    )
    migrations.create_index(op, "automation_revisions", "by_id")
    migrations.create_index(op, "automation_revisions", "rule_id")
    migrations.create_unique(op, "automation_revisions", "rule_id", "number")
    _keep_what_is_there()


def _keep_what_is_there() -> None:
    """Rules as they are become their first version, under their own id: it is free in the new table."""
    shared = ("tenant_id", "id", "owner_id", "version", "created_at", "updated_at", "deleted_at", *PARTS)
    rules = sa.table("automation_rules", *(sa.column(name) for name in shared))
    kept = sa.table("automation_revisions", *(sa.column(name) for name in (*shared, "rule_id", "number")))
    found = sa.select(*(rules.c[name] for name in shared), rules.c.id, sa.literal(1))
    with migrations.all_rows(op, "automation_rules"), migrations.all_rows(op, "automation_revisions"):
        op.execute(kept.insert().from_select([*shared, "rule_id", "number"], found))


def downgrade() -> None:
    migrations.drop_table(op, "automation_revisions")
    op.drop_index("uq_automation_rules_draft_of_id", table_name="automation_rules")
    op.drop_column("automation_rules", "draft_of_id")
    for table in ("automation_rules", "automation_runs"):
        op.drop_column(table, "revision")
