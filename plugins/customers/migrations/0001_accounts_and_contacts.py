"""Accounts and contacts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0001"
down_revision = None


def upgrade() -> None:
    migrations.create_table(
        op,
        "customers_accounts",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("tier", sa.String(40), nullable=False),
        sa.Column("lifecycle", sa.String(40), nullable=False),
        sa.Column("industry", sa.String(100), nullable=True),
        sa.Column("phone", sa.String(40), nullable=True),
        sa.Column("website", sa.String(500), nullable=True),
        sa.Column("country", sa.String(100), nullable=True),
        sa.Column("city", sa.String(100), nullable=True),
        sa.Column("address", sa.String(255), nullable=True),
        sa.Column("employees", sa.Integer(), nullable=True),
        sa.Column("founded", sa.Integer(), nullable=True),
        sa.Column("revenue", columns.Exact(), nullable=True),
        sa.Column("parent_id", columns.key(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("revenue_currency", sa.String(3), nullable=True),
        migrations.foreign_key("customers_accounts", "parent_id", "customers_accounts"),
    )
    migrations.create_index(op, "customers_accounts", "industry")
    migrations.create_index(op, "customers_accounts", "name")
    migrations.create_index(op, "customers_accounts", "parent_id")
    migrations.create_table(
        op,
        "customers_contacts",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("account_id", columns.key(), nullable=True),
        sa.Column("title", sa.String(100), nullable=True),
        sa.Column("email", sa.String(255), nullable=True),
        sa.Column("phone", sa.String(40), nullable=True),
        sa.Column("wechat", sa.String(60), nullable=True),
        sa.Column("birthday", sa.Date(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        migrations.foreign_key("customers_contacts", "account_id", "customers_accounts"),
    )
    migrations.create_index(op, "customers_contacts", "account_id")
    migrations.create_index(op, "customers_contacts", "email")
    migrations.create_index(op, "customers_contacts", "name")


def downgrade() -> None:
    migrations.drop_table(op, "customers_contacts")
    migrations.drop_table(op, "customers_accounts")
