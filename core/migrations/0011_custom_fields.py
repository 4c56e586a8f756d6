"""Fields that tenants add to entities."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    migrations.create_table(
        op,
        "core_custom_fields",
        sa.Column("entity", sa.String(100), nullable=False),
        sa.Column("key", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("label", sa.String(100), nullable=False),
        sa.Column("label_zh", sa.String(100), nullable=True),
        sa.Column("target", sa.String(100), nullable=True),
        sa.Column("options", columns.json_data(), nullable=True),
        sa.Column("default", sa.String(255), nullable=True),
        sa.Column("source", sa.String(100), nullable=True),
        sa.Column("link", sa.String(80), nullable=True),
        sa.Column("measure", sa.String(80), nullable=True),
        sa.Column("where", sa.String(500), nullable=True),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("unique", sa.Boolean(), nullable=False),
        sa.Column("indexed", sa.Boolean(), nullable=False),
        sa.Column("search", sa.Boolean(), nullable=False),
        sa.Column("sensitive", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
    )
    migrations.create_unique(op, "core_custom_fields", "entity", "key")
    _keys()


def _keys() -> None:
    """Values by which records are found, and which no two of them share: a whole document has no index."""
    op.create_table(
        "core_custom_keys",
        sa.Column("tenant_id", columns.key(), nullable=False),
        sa.Column("field_id", columns.key(), nullable=False),
        sa.Column("value", sa.String(600), nullable=False),
        sa.Column("record_id", columns.key(), nullable=False),
        sa.Column("exclusive", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "field_id", "value", "record_id", name="pk_core_custom_keys"),
    )
    op.create_index("ix_core_custom_keys_record_id", "core_custom_keys", ["tenant_id", "record_id"])
    one = sa.text("exclusive")
    op.create_index("uq_core_custom_keys_value", "core_custom_keys", ["tenant_id", "field_id", "value"], unique=True,
                    sqlite_where=one, postgresql_where=one)  # fmt: skip
    migrations.protect(op, "core_custom_keys")


def downgrade() -> None:
    migrations.drop_table(op, "core_custom_keys")
    migrations.drop_table(op, "core_custom_fields")
