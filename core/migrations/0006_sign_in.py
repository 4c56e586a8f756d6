"""Attempts to sign in are counted, sessions can be listed, comings and goings are kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0006"
down_revision = "0005"

NEW = ("core_sign_in_attempts", "core_sign_in_events", "core_recovery_codes")
FACTOR = ("totp", "totp_offered", "totp_step")


def upgrade() -> None:
    op.create_table(
        "core_sign_in_attempts",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("counted_at", columns.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_core_sign_in_attempts"),
    )
    op.create_index("ix_core_sign_in_attempts_counted_at", "core_sign_in_attempts", ["counted_at"])
    op.create_index("ix_core_memberships_user", "core_memberships", ["tenant_id", "user_id"])
    _factor()
    _sessions()
    _events()
    op.create_table(
        "core_entry_links",
        sa.Column("tenant_id", columns.key(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("user_id", columns.key(), nullable=False),
        sa.Column("email", sa.String(255), nullable=False),
        sa.Column("expires_at", columns.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "hash", name="pk_core_entry_links"),
    )
    migrations.protect(op, "core_entry_links")
    if op.get_bind().dialect.name == "postgresql":
        for table in (*NEW, "core_sessions"):
            op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {migrations.APP_ROLE}")


def _factor() -> None:
    op.add_column("core_sign_ins", sa.Column("totp", sa.String(300), nullable=True))
    op.add_column("core_sign_ins", sa.Column("totp_offered", sa.String(300), nullable=True))
    op.add_column("core_sign_ins", sa.Column("totp_step", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "core_recovery_codes",
        sa.Column("sign_in_id", columns.key(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("sign_in_id", "hash", name="pk_core_recovery_codes"),
    )


def _sessions() -> None:
    """Made anew: they last half a day, and what is to be known of them was never written down."""
    op.drop_table("core_sessions")
    op.create_table(
        "core_sessions",
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("id", columns.key(), nullable=False),
        sa.Column("sign_in_id", columns.key(), nullable=True),
        sa.Column("tenant_id", columns.key(), nullable=True),
        sa.Column("user_id", columns.key(), nullable=True),
        sa.Column("csrf", sa.String(64), nullable=False),
        sa.Column("address", sa.String(45), nullable=False),
        sa.Column("agent", sa.String(200), nullable=False),
        sa.Column("created_at", columns.UtcDateTime(), nullable=False),
        sa.Column("expires_at", columns.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_core_sessions"),
        sa.UniqueConstraint("id", name="uq_core_sessions_id"),
    )
    op.create_index("ix_core_sessions_sign_in_id", "core_sessions", ["sign_in_id"])
    op.create_index("ix_core_sessions_user", "core_sessions", ["tenant_id", "user_id"])
    op.create_index("ix_core_sessions_expires_at", "core_sessions", ["expires_at"])


def _events() -> None:
    op.create_table(
        "core_sign_in_events",
        sa.Column("id", columns.key(), nullable=False),
        sa.Column("sign_in_id", columns.key(), nullable=True),
        sa.Column("tenant_id", columns.key(), nullable=True),
        sa.Column("user_id", columns.key(), nullable=True),
        sa.Column("outcome", sa.String(40), nullable=False),
        sa.Column("address", sa.String(45), nullable=False),
        sa.Column("agent", sa.String(200), nullable=False),
        sa.Column("created_at", columns.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_core_sign_in_events"),
    )
    op.create_index("ix_core_sign_in_events_sign_in_id", "core_sign_in_events", ["sign_in_id"])
    op.create_index("ix_core_sign_in_events_tenant_id", "core_sign_in_events", ["tenant_id"])
    op.create_index("ix_core_sign_in_events_created_at", "core_sign_in_events", ["created_at"])
    postgresql = op.get_bind().dialect.name == "postgresql"
    secure = " WITH (security_invoker = true)" if postgresql else ""
    wall = f" WHERE {migrations.SAME_TENANT}" if postgresql else ""  # the tables below it belong to no tenant and have none
    key, json = ("uuid", "jsonb") if postgresql else ("blob", "text")
    instant = "timestamptz" if postgresql else "text"
    seen = "e.id, e.outcome, e.address, e.agent, e.created_at"
    op.execute(
        f"CREATE VIEW core_sign_in_log{secure} AS SELECT tenant_id, id, user_id, outcome, address, agent,"  # noqa: S608
        f" CAST(NULL AS {key}) AS owner_id, 1 AS version, created_at, created_at AS updated_at,"
        f" CAST(NULL AS {instant}) AS deleted_at, CAST(NULL AS {json}) AS custom FROM ("
        f"SELECT m.tenant_id, m.user_id, {seen} FROM core_memberships m JOIN core_sign_in_events e ON e.sign_in_id = m.sign_in_id"
        f" UNION ALL SELECT e.tenant_id, e.user_id, {seen} FROM core_sign_in_events e WHERE e.tenant_id IS NOT NULL) log{wall}"
    )
    if postgresql:
        op.execute(f"GRANT SELECT ON core_sign_in_log TO {migrations.APP_ROLE}")


def downgrade() -> None:
    op.execute("DROP VIEW core_sign_in_log")
    for table in (*NEW, "core_sessions", "core_entry_links"):
        op.drop_table(table)
    op.drop_index("ix_core_memberships_user", "core_memberships")
    for column in FACTOR:
        op.drop_column("core_sign_ins", column)
    op.create_table(
        "core_sessions",
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("sign_in_id", columns.key(), nullable=False),
        sa.Column("csrf", sa.String(64), nullable=False),
        sa.Column("created_at", columns.UtcDateTime(), nullable=False),
        sa.Column("expires_at", columns.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_core_sessions"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON core_sessions TO {migrations.APP_ROLE}")
