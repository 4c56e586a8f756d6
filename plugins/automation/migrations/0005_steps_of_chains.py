"""How often a rule has led to itself is written with each run, and how many runs led to it with each message to a webhook."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import migrations

revision = "0005"
down_revision = "0004"
RUNS, DELIVERIES = "automation_runs", "automation_deliveries"
_DASHED = " || '-' || ".join(f"substr(rule_id, {start}, {length})" for start, length in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12)))
"""A rule's id as causes write it, from how SQLite keeps it."""


def upgrade() -> None:
    op.add_column(RUNS, sa.Column("chain", sa.String(12), nullable=True))
    op.add_column(RUNS, sa.Column("step", sa.Integer(), nullable=False, server_default="0"))
    op.add_column(DELIVERIES, sa.Column("runs_before", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("ix_automation_runs_chain", RUNS, ["tenant_id", "rule_id", "chain", "step"], unique=False)
    _count_what_is_there()


def _count_what_is_there() -> None:
    """The causes of a run name the rules that led to it by their ids; of which start they come, nothing tells any more."""
    rule = "CAST(rule_id AS TEXT)" if op.get_bind().dialect.name == "postgresql" else _DASHED
    causes = "CAST(causes AS TEXT)"
    often = f"(length({causes}) - length(replace({causes}, {rule}, ''))) / 36"
    with migrations.all_rows(op, RUNS):
        op.execute(f"UPDATE {RUNS} SET step = {often} WHERE {causes} LIKE '%' || {rule} || '%'")  # noqa: S608 (constants)


def downgrade() -> None:
    op.drop_index("ix_automation_runs_chain", table_name=RUNS)
    op.drop_column(DELIVERIES, "runs_before")
    op.drop_column(RUNS, "step")
    op.drop_column(RUNS, "chain")
