"""Touches and likeness of telephone numbers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, likeness, migrations

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    migrations.create_table(
        op,
        "leads_touches",
        sa.Column("at", columns.UtcDateTime(), nullable=True),
        sa.Column("campaign_id", columns.key(), nullable=True),
        sa.Column("source", sa.String(100), nullable=True),
        sa.Column("lead_id", columns.key(), nullable=True),
        sa.Column("account_id", columns.key(), nullable=True),
        sa.Column("contact_id", columns.key(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        migrations.foreign_key("leads_touches", "account_id", "customers_accounts"),
        migrations.foreign_key("leads_touches", "campaign_id", "leads_campaigns"),
        migrations.foreign_key("leads_touches", "contact_id", "customers_contacts"),
        migrations.foreign_key("leads_touches", "lead_id", "leads_leads"),
    )
    migrations.create_index(op, "leads_touches", "account_id")
    migrations.create_index(op, "leads_touches", "at")
    migrations.create_index(op, "leads_touches", "campaign_id")
    migrations.create_index(op, "leads_touches", "contact_id")
    migrations.create_index(op, "leads_touches", "lead_id")
    op.add_column("leads_leads", sa.Column("tags", columns.json_data(), nullable=True))
    op.add_column("leads_leads", sa.Column("phone_alike", sa.String(200), nullable=True))
    migrations.fill_likeness(op, "leads_leads", "phone", likeness.telephone)
    migrations.create_index(op, "leads_leads", "phone_alike")
    op.add_column("leads_origins", sa.Column("last_campaign_id", columns.key(), nullable=True))
    op.add_column("leads_origins", sa.Column("first_source", sa.String(100), nullable=True))
    op.add_column("leads_origins", sa.Column("last_source", sa.String(100), nullable=True))
    migrations.create_index(op, "leads_origins", "last_campaign_id")


def downgrade() -> None:
    op.drop_index("ix_leads_origins_last_campaign_id", table_name="leads_origins")
    op.drop_column("leads_origins", "last_source")
    op.drop_column("leads_origins", "first_source")
    op.drop_column("leads_origins", "last_campaign_id")
    op.drop_index("ix_leads_leads_phone_alike", table_name="leads_leads")
    op.drop_column("leads_leads", "phone_alike")
    op.drop_column("leads_leads", "tags")
    migrations.drop_table(op, "leads_touches")
