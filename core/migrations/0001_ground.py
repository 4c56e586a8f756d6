"""Tenants, people and their rights, the outbox and the audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0001"
down_revision = None

GLOBAL = ("core_tenants", "core_tenant_plugins", "core_sign_ins", "core_memberships", "core_sessions")
RECORDS = ("core_tokens", "core_grants", "core_roles", "core_users", "core_teams")
RELAY_ROLE = "dealwright_relay"


def upgrade() -> None:
    _platform()
    _people()
    _events()
    _schedules()
    if op.get_bind().dialect.name == "postgresql":
        for table in GLOBAL:
            op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {migrations.APP_ROLE}")
        op.execute(f"GRANT SELECT, UPDATE ON core_outbox TO {RELAY_ROLE}")
        op.execute(f"CREATE POLICY relay ON core_outbox TO {RELAY_ROLE} USING (true) WITH CHECK (true)")


def _platform() -> None:
    op.create_table(
        "core_tenants",
        sa.Column("id", columns.key(), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("locale", sa.String(20), nullable=False),
        sa.Column("timezone", sa.String(60), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("access_version", sa.Integer(), nullable=False),
        sa.Column("created_at", columns.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_core_tenants"),
        sa.UniqueConstraint("name", name="uq_core_tenants_name"),
    )
    op.create_table(
        "core_tenant_plugins",
        sa.Column("tenant_id", columns.key(), nullable=False),
        sa.Column("plugin", sa.String(30), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "plugin", name="pk_core_tenant_plugins"),
    )
    op.create_table(
        "core_sign_ins",
        sa.Column("id", columns.key(), nullable=False),
        sa.Column("email", sa.String(255), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("created_at", columns.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_core_sign_ins"),
        sa.UniqueConstraint("email", name="uq_core_sign_ins_email"),
    )
    op.create_table(
        "core_memberships",
        sa.Column("sign_in_id", columns.key(), nullable=False),
        sa.Column("tenant_id", columns.key(), nullable=False),
        sa.Column("user_id", columns.key(), nullable=False),
        sa.PrimaryKeyConstraint("sign_in_id", "tenant_id", name="pk_core_memberships"),
    )
    op.create_table(
        "core_sessions",
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("sign_in_id", columns.key(), nullable=False),
        sa.Column("csrf", sa.String(64), nullable=False),
        sa.Column("created_at", columns.UtcDateTime(), nullable=False),
        sa.Column("expires_at", columns.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_core_sessions"),
    )


def _people() -> None:
    migrations.create_table(
        op,
        "core_teams",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("parent_id", columns.key(), nullable=True),
        sa.Column("manager_id", columns.key(), nullable=True),
        migrations.foreign_key("core_teams", "parent_id", "core_teams"),
    )
    migrations.create_unique(op, "core_teams", "name")
    migrations.create_index(op, "core_teams", "parent_id")
    migrations.create_index(op, "core_teams", "manager_id")
    migrations.create_table(
        op,
        "core_users",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("email", sa.String(255), nullable=True),
        sa.Column("team_id", columns.key(), nullable=True),
        sa.Column("manager_id", columns.key(), nullable=True),
        sa.Column("roles", columns.json_data(), nullable=True),
        sa.Column("locale", sa.String(40), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        migrations.foreign_key("core_users", "team_id", "core_teams"),
        migrations.foreign_key("core_users", "manager_id", "core_users"),
    )
    migrations.create_index(op, "core_users", "name")
    migrations.create_unique(op, "core_users", "email")
    migrations.create_index(op, "core_users", "team_id")
    migrations.create_index(op, "core_users", "manager_id")
    migrations.create_table(
        op,
        "core_roles",
        sa.Column("key", sa.String(60), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("everything", sa.Boolean(), nullable=False),
    )
    migrations.create_unique(op, "core_roles", "key")
    migrations.create_table(
        op,
        "core_grants",
        sa.Column("role_id", columns.key(), nullable=False),
        sa.Column("permission", sa.String(100), nullable=False),
        sa.Column("scope", sa.String(40), nullable=False),
        sa.Column("only_fields", columns.json_data(), nullable=True),
        migrations.foreign_key("core_grants", "role_id", "core_roles"),
    )
    migrations.create_index(op, "core_grants", "role_id")
    migrations.create_table(
        op,
        "core_tokens",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("user_id", columns.key(), nullable=False),
        sa.Column("allows", columns.json_data(), nullable=True),
        sa.Column("expires_at", columns.UtcDateTime(), nullable=True),
        migrations.foreign_key("core_tokens", "user_id", "core_users"),
    )
    migrations.create_index(op, "core_tokens", "user_id")
    op.create_table(
        "core_token_secrets",
        sa.Column("tenant_id", columns.key(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("token_id", columns.key(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "hash", name="pk_core_token_secrets"),
    )
    migrations.protect(op, "core_token_secrets")


def _events() -> None:
    op.create_table(
        "core_outbox",
        sa.Column("tenant_id", columns.key(), nullable=False),
        sa.Column("id", columns.key(), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("handler", sa.String(100), nullable=True),
        sa.Column("payload", columns.json_data(), nullable=False),
        sa.Column("actor_id", columns.key(), nullable=True),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", columns.UtcDateTime(), nullable=False),
        sa.Column("created_at", columns.UtcDateTime(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_core_outbox"),
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index("ix_core_outbox_waiting", "core_outbox", ["due_at", "id"], sqlite_where=waiting, postgresql_where=waiting)
    jobs = sa.text("kind <> 'event'")
    op.create_index(
        "ix_core_outbox_jobs", "core_outbox", ["tenant_id", "state", "created_at", "id"], sqlite_where=jobs, postgresql_where=jobs
    )
    migrations.protect(op, "core_outbox")
    _jobs()
    op.create_table(
        "core_audit",
        sa.Column("tenant_id", columns.key(), nullable=False),
        sa.Column("id", columns.key(), nullable=False),
        sa.Column("at", columns.UtcDateTime(), nullable=False),
        sa.Column("actor_id", columns.key(), nullable=True),
        sa.Column("actor", sa.String(100), nullable=False),
        sa.Column("channel", sa.String(10), nullable=False),
        sa.Column("entity", sa.String(80), nullable=False),
        sa.Column("record_id", columns.key(), nullable=False),
        sa.Column("action", sa.String(10), nullable=False),
        sa.Column("changes", columns.json_data(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_core_audit"),
    )
    op.create_index("ix_core_audit_record", "core_audit", ["tenant_id", "record_id", "id"])
    migrations.protect(op, "core_audit")


def _jobs() -> None:
    """What people see of the outbox: the columns of a record, without the events and without what a job was told."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    secure = " WITH (security_invoker = true)" if postgresql else ""  # else the rows of all tenants would be seen through it
    key, json = ("uuid", "jsonb") if postgresql else ("blob", "text")
    instant = "timestamptz" if postgresql else "text"
    version = "attempts * 8 + CASE state WHEN 'waiting' THEN 1 WHEN 'done' THEN 2 WHEN 'dead' THEN 3 ELSE 4 END"  # differs when they do
    op.execute(
        f"CREATE VIEW core_jobs{secure} AS SELECT tenant_id, id, kind, name, handler, state, attempts, due_at, error,"  # noqa: S608
        f" CAST(NULL AS {key}) AS owner_id, {version} AS version, created_at, created_at AS updated_at,"
        f" CAST(NULL AS {instant}) AS deleted_at, CAST(NULL AS {json}) AS custom FROM core_outbox WHERE kind <> 'event'"
    )
    if postgresql:
        op.execute(f"GRANT SELECT ON core_jobs TO {migrations.APP_ROLE}")


def _schedules() -> None:
    op.create_table(
        "core_schedules",
        sa.Column("tenant_id", columns.key(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("timing", sa.String(100), nullable=False),
        sa.Column("due_at", columns.UtcDateTime(), nullable=True),
        sa.Column("planned", sa.Boolean(), nullable=False),
        sa.Column("last_due_at", columns.UtcDateTime(), nullable=True),
        sa.Column("last_run", columns.key(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "name", name="pk_core_schedules"),
    )
    op.create_index("ix_core_schedules_due_at", "core_schedules", ["due_at"])
    migrations.protect(op, "core_schedules")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"GRANT SELECT ON core_schedules TO {RELAY_ROLE}")
        op.execute(f"CREATE POLICY relay ON core_schedules FOR SELECT TO {RELAY_ROLE} USING (true)")


def downgrade() -> None:
    op.execute("DROP VIEW core_jobs")
    op.drop_table("core_schedules")
    for table in ("core_audit", "core_outbox", "core_token_secrets", *RECORDS, *GLOBAL):
        op.drop_table(table)
