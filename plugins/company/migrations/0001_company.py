"""Company."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0001"
down_revision = None


def upgrade() -> None:
    migrations.create_table(
        op,
        "company_currencies",
        sa.Column("code", sa.String(3), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
    )
    migrations.create_unique(op, "company_currencies", "code")
    migrations.create_table(
        op,
        "company_industries",
        sa.Column("key", sa.String(60), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
    )
    migrations.create_index(op, "company_industries", "name")
    migrations.create_unique(op, "company_industries", "key")
    migrations.create_table(
        op,
        "company_profiles",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("legal_name", sa.String(255), nullable=True),
        sa.Column("address", sa.String(255), nullable=True),
        sa.Column("postal_code", sa.String(20), nullable=True),
        sa.Column("city", sa.String(100), nullable=True),
        sa.Column("country", sa.String(100), nullable=True),
        sa.Column("tax_number", sa.String(60), nullable=True),
        sa.Column("phone", sa.String(40), nullable=True),
        sa.Column("email", sa.String(255), nullable=True),
        sa.Column("website", sa.String(500), nullable=True),
        sa.Column("bank_name", sa.String(100), nullable=True),
        sa.Column("bank_account", sa.String(60), nullable=True),
        sa.Column("fiscal_year_start", sa.Integer(), nullable=False),
        sa.Column("week_start", sa.Integer(), nullable=False),
    )
    migrations.create_index(op, "company_profiles", "email")
    migrations.create_index(op, "company_profiles", "name")
    migrations.create_table(
        op,
        "company_rates",
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("rate", columns.Exact(10), nullable=False),
        sa.Column("source", sa.String(60), nullable=True),
    )
    migrations.create_index(op, "company_rates", "currency")
    migrations.create_index(op, "company_rates", "on")
    migrations.create_unique(op, "company_rates", "currency", "on")
    migrations.create_table(
        op,
        "company_regions",
        sa.Column("key", sa.String(60), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
    )
    migrations.create_index(op, "company_regions", "name")
    migrations.create_unique(op, "company_regions", "key")
    migrations.create_table(
        op,
        "company_sequences",
        sa.Column("key", sa.String(60), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("pattern", sa.String(60), nullable=False),
        sa.Column("reset", sa.String(40), nullable=False),
        sa.Column("next_number", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(10), nullable=True),
    )
    migrations.create_unique(op, "company_sequences", "key")
    migrations.create_table(
        op,
        "company_sources",
        sa.Column("key", sa.String(60), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
    )
    migrations.create_index(op, "company_sources", "name")
    migrations.create_unique(op, "company_sources", "key")
    migrations.create_table(
        op,
        "company_counters",
        sa.Column("sequence_id", columns.key(), nullable=False),
        sa.Column("period", sa.String(10), nullable=False),
        sa.Column("next_number", sa.Integer(), nullable=False),
        migrations.foreign_key("company_counters", "sequence_id", "company_sequences"),
    )
    migrations.create_index(op, "company_counters", "sequence_id")
    migrations.create_unique(op, "company_counters", "sequence_id", "period")


def downgrade() -> None:
    migrations.drop_table(op, "company_counters")
    migrations.drop_table(op, "company_sources")
    migrations.drop_table(op, "company_sequences")
    migrations.drop_table(op, "company_regions")
    migrations.drop_table(op, "company_rates")
    migrations.drop_table(op, "company_profiles")
    migrations.drop_table(op, "company_industries")
    migrations.drop_table(op, "company_currencies")
