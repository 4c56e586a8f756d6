"""Products."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0001"
down_revision = None


def upgrade() -> None:
    migrations.create_table(
        op,
        "catalog_products",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("sku", sa.String(60), nullable=True),
        sa.Column("series", sa.String(100), nullable=True),
        sa.Column("price", columns.Exact(), nullable=True),
        sa.Column("unit", sa.String(20), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("price_currency", sa.String(3), nullable=True),
    )
    migrations.create_index(op, "catalog_products", "name")
    migrations.create_index(op, "catalog_products", "series")
    migrations.create_unique(op, "catalog_products", "sku")


def downgrade() -> None:
    migrations.drop_table(op, "catalog_products")
