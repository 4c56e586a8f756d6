"""How often a rule has run within a minute is asked before it runs."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_index("ix_automation_runs_started", "automation_runs", ["tenant_id", "rule_id", "started_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_automation_runs_started", table_name="automation_runs")
