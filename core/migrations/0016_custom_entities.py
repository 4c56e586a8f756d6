"""Entities that tenants make, and one table for the records of all of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    migrations.create_table(
        op,
        "core_custom_entities",
        sa.Column("key", sa.String(40), nullable=False),
        sa.Column("plural", sa.String(40), nullable=True),
        sa.Column("label", sa.String(100), nullable=False),
        sa.Column("label_zh", sa.String(100), nullable=True),
        sa.Column("plural_label", sa.String(100), nullable=True),
        sa.Column("plural_label_zh", sa.String(100), nullable=True),
        sa.Column("title_label", sa.String(100), nullable=True),
        sa.Column("title_label_zh", sa.String(100), nullable=True),
        sa.Column("parent", sa.String(100), nullable=True),
        sa.Column("owned", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("purging", sa.Boolean(), nullable=False),
    )
    migrations.create_unique(op, "core_custom_entities", "key")
    migrations.create_unique(op, "core_custom_entities", "plural")
    migrations.create_table(
        op,
        "core_custom_records",
        sa.Column("kind_id", columns.key(), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("parent_id", columns.key(), nullable=True),
        migrations.foreign_key("core_custom_records", "kind_id", "core_custom_entities"),
    )
    migrations.create_index(op, "core_custom_records", "kind_id")
    migrations.create_index(op, "core_custom_records", "parent_id")
    op.create_index("ix_core_custom_records_name", "core_custom_records", ["tenant_id", "kind_id", "name", "id"])


def downgrade() -> None:
    migrations.drop_table(op, "core_custom_records")
    migrations.drop_table(op, "core_custom_entities")
