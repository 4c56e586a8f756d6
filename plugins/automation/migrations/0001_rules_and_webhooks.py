"""Rules and webhooks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0001"
down_revision = None


def upgrade() -> None:
    migrations.create_table(
        op,
        "automation_rules",
        sa.Column("key", sa.String(60), nullable=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("entity", sa.String(100), nullable=False),
        sa.Column("trigger", sa.String(100), nullable=False),
        sa.Column("parameters", columns.json_data(), nullable=True),
        sa.Column("conditions", columns.json_data(), nullable=True),
        sa.Column("actions", columns.json_data(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("runs_as_id", columns.key(), nullable=True),
    )
    migrations.create_index(op, "automation_rules", "entity")
    migrations.create_index(op, "automation_rules", "name")
    migrations.create_index(op, "automation_rules", "runs_as_id")
    migrations.create_unique(op, "automation_rules", "key")
    migrations.create_table(
        op,
        "automation_webhooks",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("url", sa.String(500), nullable=False),
        sa.Column("entity", sa.String(100), nullable=False),
        sa.Column("events", columns.json_data(), nullable=True),
        sa.Column("where", columns.json_data(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("stopped_because", sa.String(255), nullable=True),
    )
    migrations.create_index(op, "automation_webhooks", "entity")
    migrations.create_index(op, "automation_webhooks", "name")
    migrations.create_table(
        op,
        "automation_deliveries",
        sa.Column("webhook_id", columns.key(), nullable=False),
        sa.Column("event", sa.String(100), nullable=False),
        sa.Column("about", columns.key(), nullable=True),
        sa.Column("subject", sa.String(36), nullable=False),
        sa.Column("payload", columns.json_data(), nullable=True),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("response", sa.Text(), nullable=True),
        sa.Column("next_at", columns.UtcDateTime(), nullable=True),
        sa.Column("delivered_at", columns.UtcDateTime(), nullable=True),
        sa.Column("about_entity", sa.String(100), nullable=True),
        migrations.foreign_key("automation_deliveries", "webhook_id", "automation_webhooks"),
    )
    migrations.create_index(op, "automation_deliveries", "about")
    op.create_index(
        "ix_automation_deliveries_order", "automation_deliveries", ["tenant_id", "webhook_id", "subject", "state"], unique=False
    )
    migrations.create_index(op, "automation_deliveries", "state")
    migrations.create_index(op, "automation_deliveries", "webhook_id")
    migrations.create_table(
        op,
        "automation_inlets",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("entity", sa.String(100), nullable=True),
        sa.Column("rule_id", columns.key(), nullable=True),
        sa.Column("mapping", columns.json_data(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=True),
        migrations.foreign_key("automation_inlets", "rule_id", "automation_rules"),
    )
    migrations.create_index(op, "automation_inlets", "name")
    migrations.create_index(op, "automation_inlets", "rule_id")
    migrations.create_index(op, "automation_inlets", "secret_hash")
    migrations.create_table(
        op,
        "automation_runs",
        sa.Column("rule_id", columns.key(), nullable=False),
        sa.Column("occurrence", sa.String(200), nullable=False),
        sa.Column("about", columns.key(), nullable=True),
        sa.Column("subject", sa.String(36), nullable=False),
        sa.Column("event", sa.String(100), nullable=True),
        sa.Column("moment", columns.json_data(), nullable=True),
        sa.Column("causes", columns.json_data(), nullable=True),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("started_at", columns.UtcDateTime(), nullable=True),
        sa.Column("finished_at", columns.UtcDateTime(), nullable=True),
        sa.Column("about_entity", sa.String(100), nullable=True),
        migrations.foreign_key("automation_runs", "rule_id", "automation_rules"),
    )
    migrations.create_index(op, "automation_runs", "about")
    op.create_index("ix_automation_runs_lately", "automation_runs", ["tenant_id", "rule_id", "created_at"], unique=False)
    migrations.create_index(op, "automation_runs", "rule_id")
    migrations.create_index(op, "automation_runs", "state")
    migrations.create_unique(op, "automation_runs", "rule_id", "occurrence")
    migrations.create_table(
        op,
        "automation_timers",
        sa.Column("rule_id", columns.key(), nullable=False),
        sa.Column("reached_on", sa.Date(), nullable=True),
        sa.Column("next_at", columns.UtcDateTime(), nullable=True),
        migrations.foreign_key("automation_timers", "rule_id", "automation_rules"),
    )
    migrations.create_index(op, "automation_timers", "next_at")
    migrations.create_unique(op, "automation_timers", "rule_id")
    migrations.create_table(
        op,
        "automation_steps",
        sa.Column("run_id", columns.key(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(100), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("went_in", columns.json_data(), nullable=True),
        sa.Column("came_out", columns.json_data(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("at", columns.UtcDateTime(), nullable=True),
        migrations.foreign_key("automation_steps", "run_id", "automation_runs"),
    )
    migrations.create_index(op, "automation_steps", "run_id")


def downgrade() -> None:
    migrations.drop_table(op, "automation_steps")
    migrations.drop_table(op, "automation_timers")
    migrations.drop_table(op, "automation_runs")
    migrations.drop_table(op, "automation_inlets")
    migrations.drop_table(op, "automation_deliveries")
    migrations.drop_table(op, "automation_webhooks")
    migrations.drop_table(op, "automation_rules")
