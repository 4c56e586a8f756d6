"""Likeness of names and numbers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import likeness, migrations

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("customers_accounts", sa.Column("tax_number", sa.String(60), nullable=True))
    op.add_column("customers_accounts", sa.Column("name_alike", sa.String(200), nullable=True))
    op.add_column("customers_accounts", sa.Column("phone_alike", sa.String(200), nullable=True))
    op.add_column("customers_accounts", sa.Column("website_alike", sa.String(200), nullable=True))
    op.add_column("customers_accounts", sa.Column("tax_number_alike", sa.String(200), nullable=True))
    for column, alike in (("name", likeness.company), ("phone", likeness.telephone), ("website", likeness.host)):
        migrations.fill_likeness(op, "customers_accounts", column, alike)
    migrations.create_index(op, "customers_accounts", "name_alike")
    migrations.create_index(op, "customers_accounts", "phone_alike")
    migrations.create_index(op, "customers_accounts", "tax_number_alike")
    migrations.create_index(op, "customers_accounts", "website_alike")
    op.add_column("customers_contacts", sa.Column("phone_alike", sa.String(200), nullable=True))
    migrations.fill_likeness(op, "customers_contacts", "phone", likeness.telephone)
    migrations.create_index(op, "customers_contacts", "phone_alike")


def downgrade() -> None:
    op.drop_index("ix_customers_contacts_phone_alike", table_name="customers_contacts")
    op.drop_column("customers_contacts", "phone_alike")
    op.drop_index("ix_customers_accounts_website_alike", table_name="customers_accounts")
    op.drop_index("ix_customers_accounts_tax_number_alike", table_name="customers_accounts")
    op.drop_index("ix_customers_accounts_phone_alike", table_name="customers_accounts")
    op.drop_index("ix_customers_accounts_name_alike", table_name="customers_accounts")
    op.drop_column("customers_accounts", "tax_number_alike")
    op.drop_column("customers_accounts", "website_alike")
    op.drop_column("customers_accounts", "phone_alike")
    op.drop_column("customers_accounts", "name_alike")
    op.drop_column("customers_accounts", "tax_number")
