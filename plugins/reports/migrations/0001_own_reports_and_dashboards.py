"""Own reports and dashboards."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0001"
down_revision = None


def upgrade() -> None:
    migrations.create_table(
        op,
        "reports_own_reports",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
    )
    migrations.create_table(
        op,
        "reports_dashboards",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("role", sa.String(60), nullable=True),
        sa.Column("team_id", columns.key(), nullable=True),
    )
    migrations.create_index(op, "reports_dashboards", "team_id")
    migrations.create_table(
        op,
        "reports_tiles",
        sa.Column("dashboard_id", columns.key(), nullable=False),
        sa.Column("source", sa.String(120), nullable=False),
        sa.Column("title", sa.String(100), nullable=True),
        sa.Column("shape", sa.String(40), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        migrations.foreign_key("reports_tiles", "dashboard_id", "reports_dashboards"),
    )
    migrations.create_index(op, "reports_tiles", "dashboard_id")


def downgrade() -> None:
    for table in ("reports_tiles", "reports_dashboards", "reports_own_reports"):
        op.drop_table(table)
