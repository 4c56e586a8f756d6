"""The versions of templates."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0002"
down_revision = "0001"
PARTS = ("filename", "size", "sha256", "content")


def upgrade() -> None:
    migrations.create_table(
        op,
        "documents_versions",
        sa.Column("template_id", columns.key(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("by_id", columns.key(), nullable=True),
        sa.Column("filename", sa.String(200), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("content", sa.String(32), nullable=True),
        migrations.foreign_key("documents_versions", "template_id", "documents_templates"),
    )
    migrations.create_index(op, "documents_versions", "by_id")
    migrations.create_index(op, "documents_versions", "template_id")
    migrations.create_unique(op, "documents_versions", "template_id", "number")
    _keep_what_is_there()


def _keep_what_is_there() -> None:
    """Templates as they are become the version that they are at, under their own id: it is free in the new table."""
    shared = ("tenant_id", "id", "owner_id", "version", "created_at", "updated_at", "deleted_at", *PARTS)
    templates = sa.table("documents_templates", *(sa.column(name) for name in (*shared, "revision")))
    kept = sa.table("documents_versions", *(sa.column(name) for name in (*shared, "template_id", "number")))
    found = sa.select(*(templates.c[name] for name in shared), templates.c.id, sa.func.coalesce(templates.c.revision, 1))
    with migrations.all_rows(op, "documents_templates"), migrations.all_rows(op, "documents_versions"):
        op.execute(kept.insert().from_select([*shared, "template_id", "number"], found))


def downgrade() -> None:
    migrations.drop_table(op, "documents_versions")
