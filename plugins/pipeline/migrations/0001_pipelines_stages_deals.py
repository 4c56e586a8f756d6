"""Pipelines stages deals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0001"
down_revision = None


def upgrade() -> None:
    migrations.create_table(
        op,
        "pipeline_lost_reasons",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("key", sa.String(60), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
    )
    migrations.create_unique(op, "pipeline_lost_reasons", "key")
    migrations.create_unique(op, "pipeline_lost_reasons", "name")
    migrations.create_table(
        op,
        "pipeline_pipelines",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
    )
    migrations.create_unique(op, "pipeline_pipelines", "name")
    migrations.create_table(
        op,
        "pipeline_stages",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("key", sa.String(60), nullable=True),
        sa.Column("pipeline_id", columns.key(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("probability", columns.Exact(), nullable=True),
        sa.Column("colour", sa.String(20), nullable=True),
        sa.Column("expected_days", sa.Integer(), nullable=True),
        sa.Column("required_fields", columns.json_data(), nullable=True),
        sa.Column("guidance", sa.Text(), nullable=True),
        migrations.foreign_key("pipeline_stages", "pipeline_id", "pipeline_pipelines"),
    )
    migrations.create_index(op, "pipeline_stages", "key")
    migrations.create_index(op, "pipeline_stages", "name")
    migrations.create_index(op, "pipeline_stages", "pipeline_id")
    migrations.create_unique(op, "pipeline_stages", "pipeline_id", "key")
    migrations.create_table(
        op,
        "pipeline_deals",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("account_id", columns.key(), nullable=True),
        sa.Column("contact_id", columns.key(), nullable=True),
        sa.Column("product_id", columns.key(), nullable=True),
        sa.Column("pipeline_id", columns.key(), nullable=True),
        sa.Column("stage_id", columns.key(), nullable=True),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("amount", columns.Exact(), nullable=True),
        sa.Column("base_amount", columns.Exact(), nullable=True),
        sa.Column("rate", columns.Exact(10), nullable=True),
        sa.Column("probability", columns.Exact(), nullable=True),
        sa.Column("opened_on", sa.Date(), nullable=True),
        sa.Column("close_date", sa.Date(), nullable=True),
        sa.Column("stage_since", columns.UtcDateTime(), nullable=True),
        sa.Column("lost_reason_id", columns.key(), nullable=True),
        sa.Column("competitor", sa.String(100), nullable=True),
        sa.Column("source", sa.String(100), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("amount_currency", sa.String(3), nullable=True),
        sa.Column("base_amount_currency", sa.String(3), nullable=True),
        migrations.foreign_key("pipeline_deals", "account_id", "customers_accounts"),
        migrations.foreign_key("pipeline_deals", "contact_id", "customers_contacts"),
        migrations.foreign_key("pipeline_deals", "lost_reason_id", "pipeline_lost_reasons"),
        migrations.foreign_key("pipeline_deals", "pipeline_id", "pipeline_pipelines"),
        migrations.foreign_key("pipeline_deals", "stage_id", "pipeline_stages"),
    )
    migrations.create_index(op, "pipeline_deals", "account_id")
    migrations.create_index(op, "pipeline_deals", "amount")
    migrations.create_index(op, "pipeline_deals", "close_date")
    migrations.create_index(op, "pipeline_deals", "contact_id")
    migrations.create_index(op, "pipeline_deals", "lost_reason_id")
    migrations.create_index(op, "pipeline_deals", "name")
    migrations.create_index(op, "pipeline_deals", "pipeline_id")
    migrations.create_index(op, "pipeline_deals", "product_id")
    migrations.create_index(op, "pipeline_deals", "stage_id")
    migrations.create_index(op, "pipeline_deals", "stage_since")
    migrations.create_index(op, "pipeline_deals", "status")
    migrations.create_table(
        op,
        "pipeline_stage_changes",
        sa.Column("deal_id", columns.key(), nullable=False),
        sa.Column("from_stage_id", columns.key(), nullable=True),
        sa.Column("to_stage_id", columns.key(), nullable=False),
        sa.Column("moved_at", columns.UtcDateTime(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=True),
        migrations.foreign_key("pipeline_stage_changes", "deal_id", "pipeline_deals"),
        migrations.foreign_key("pipeline_stage_changes", "from_stage_id", "pipeline_stages"),
        migrations.foreign_key("pipeline_stage_changes", "to_stage_id", "pipeline_stages"),
    )
    migrations.create_index(op, "pipeline_stage_changes", "deal_id")
    migrations.create_index(op, "pipeline_stage_changes", "from_stage_id")
    migrations.create_index(op, "pipeline_stage_changes", "moved_at")
    migrations.create_index(op, "pipeline_stage_changes", "to_stage_id")


def downgrade() -> None:
    migrations.drop_table(op, "pipeline_stage_changes")
    migrations.drop_table(op, "pipeline_deals")
    migrations.drop_table(op, "pipeline_stages")
    migrations.drop_table(op, "pipeline_pipelines")
    migrations.drop_table(op, "pipeline_lost_reasons")
