"""Entries of the audit bear a digest and are sealed in a chain; tenants say how long they are kept; people see them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("core_audit", sa.Column("digest", sa.String(32), nullable=False, server_default=""))
    op.add_column("core_tenants", sa.Column("audit_days", sa.Integer(), nullable=False, server_default="36500"))
    op.create_table(
        "core_audit_seals",
        sa.Column("tenant_id", columns.key(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", columns.key(), nullable=False),
        sa.Column("until", columns.UtcDateTime(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("marks", sa.Text(), nullable=False),
        sa.Column("content", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("adopted", sa.Boolean(), nullable=False),
        sa.Column("dropped", sa.String(64), nullable=True),
        sa.Column("sealed_at", columns.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "number", name="pk_core_audit_seals"),
    )
    migrations.protect(op, "core_audit_seals")
    _entries()


def _entries() -> None:
    """What people see of the audit: the columns of a record."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    secure = " WITH (security_invoker = true)" if postgresql else ""  # else the rows of all tenants would be seen through it
    key, json = ("uuid", "jsonb") if postgresql else ("blob", "text")
    instant = "timestamptz" if postgresql else "text"
    op.execute(
        f"CREATE VIEW core_audit_entries{secure} AS SELECT tenant_id, id, at, actor_id AS user_id, actor, channel, entity,"  # noqa: S608
        f" record_id AS record, entity AS record_entity, action, changes, CAST(NULL AS {key}) AS owner_id, 1 AS version,"
        f" at AS created_at, at AS updated_at, CAST(NULL AS {instant}) AS deleted_at, CAST(NULL AS {json}) AS custom FROM core_audit"
    )
    if postgresql:
        op.execute(f"GRANT SELECT ON core_audit_entries TO {migrations.APP_ROLE}")


def downgrade() -> None:
    op.execute("DROP VIEW core_audit_entries")
    op.drop_table("core_audit_seals")
    op.drop_column("core_tenants", "audit_days")
    op.drop_column("core_audit", "digest")
