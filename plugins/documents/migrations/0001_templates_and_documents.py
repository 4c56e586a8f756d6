"""Templates and documents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0001"
down_revision = None


def upgrade() -> None:
    migrations.create_table(
        op,
        "documents_templates",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("base", sa.String(100), nullable=False),
        sa.Column("locale", sa.String(20), nullable=False),
        sa.Column("format", sa.String(40), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("preferred", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=True),
        sa.Column("filename", sa.String(200), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("content", sa.String(32), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
    )
    migrations.create_index(op, "documents_templates", "base")
    migrations.create_index(op, "documents_templates", "name")
    migrations.create_table(
        op,
        "documents_documents",
        sa.Column("about", columns.key(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("number", sa.String(60), nullable=True),
        sa.Column("base", sa.String(100), nullable=False),
        sa.Column("template_id", columns.key(), nullable=True),
        sa.Column("template_sha256", sa.String(64), nullable=True),
        sa.Column("format", sa.String(40), nullable=False),
        sa.Column("locale", sa.String(20), nullable=False),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("content", sa.String(32), nullable=True),
        sa.Column("issued_at", columns.UtcDateTime(), nullable=False),
        sa.Column("issued_by_id", columns.key(), nullable=True),
        sa.Column("occasion", sa.String(200), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("about_entity", sa.String(100), nullable=False),
        migrations.foreign_key("documents_documents", "template_id", "documents_templates"),
    )
    migrations.create_index(op, "documents_documents", "about")
    migrations.create_index(op, "documents_documents", "base")
    migrations.create_index(op, "documents_documents", "issued_at")
    migrations.create_index(op, "documents_documents", "issued_by_id")
    migrations.create_index(op, "documents_documents", "name")
    migrations.create_index(op, "documents_documents", "number")
    migrations.create_index(op, "documents_documents", "template_id")
    migrations.create_unique(op, "documents_documents", "occasion")


def downgrade() -> None:
    migrations.drop_table(op, "documents_documents")
    migrations.drop_table(op, "documents_templates")
