"""Campaigns and leads."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0001"
down_revision = None


def upgrade() -> None:
    migrations.create_table(
        op,
        "leads_campaigns",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("channel", sa.String(40), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("cost", columns.Exact(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("cost_currency", sa.String(3), nullable=True),
    )
    migrations.create_index(op, "leads_campaigns", "channel")
    migrations.create_unique(op, "leads_campaigns", "name")
    migrations.create_table(
        op,
        "leads_leads",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("company", sa.String(255), nullable=True),
        sa.Column("title", sa.String(100), nullable=True),
        sa.Column("email", sa.String(255), nullable=True),
        sa.Column("phone", sa.String(40), nullable=True),
        sa.Column("website", sa.String(500), nullable=True),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("rating", sa.String(40), nullable=True),
        sa.Column("source", sa.String(100), nullable=True),
        sa.Column("campaign_id", columns.key(), nullable=True),
        sa.Column("product_id", columns.key(), nullable=True),
        sa.Column("value", columns.Exact(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("converted_at", columns.UtcDateTime(), nullable=True),
        sa.Column("account_id", columns.key(), nullable=True),
        sa.Column("contact_id", columns.key(), nullable=True),
        sa.Column("deal_id", columns.key(), nullable=True),
        sa.Column("value_currency", sa.String(3), nullable=True),
        migrations.foreign_key("leads_leads", "account_id", "customers_accounts"),
        migrations.foreign_key("leads_leads", "campaign_id", "leads_campaigns"),
        migrations.foreign_key("leads_leads", "contact_id", "customers_contacts"),
        migrations.foreign_key("leads_leads", "deal_id", "pipeline_deals"),
    )
    migrations.create_index(op, "leads_leads", "account_id")
    migrations.create_index(op, "leads_leads", "campaign_id")
    migrations.create_index(op, "leads_leads", "contact_id")
    migrations.create_index(op, "leads_leads", "deal_id")
    migrations.create_index(op, "leads_leads", "email")
    migrations.create_index(op, "leads_leads", "name")
    migrations.create_index(op, "leads_leads", "product_id")
    migrations.create_index(op, "leads_leads", "state")
    migrations.create_table(
        op,
        "leads_origins",
        sa.Column("deal_id", columns.key(), nullable=False),
        sa.Column("campaign_id", columns.key(), nullable=True),
        sa.Column("lead_id", columns.key(), nullable=True),
        migrations.foreign_key("leads_origins", "campaign_id", "leads_campaigns"),
        migrations.foreign_key("leads_origins", "deal_id", "pipeline_deals"),
        migrations.foreign_key("leads_origins", "lead_id", "leads_leads"),
    )
    migrations.create_index(op, "leads_origins", "campaign_id")
    migrations.create_index(op, "leads_origins", "lead_id")
    migrations.create_unique(op, "leads_origins", "deal_id")


def downgrade() -> None:
    migrations.drop_table(op, "leads_origins")
    migrations.drop_table(op, "leads_leads")
    migrations.drop_table(op, "leads_campaigns")
