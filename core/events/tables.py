"""The outbox and the audit."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from sdk.columns import UtcDateTime, json_data, key
from sdk.entities import Record

outbox = sa.Table(
    "core_outbox",
    Record.metadata,
    sa.Column("tenant_id", key(), primary_key=True),
    sa.Column("id", key(), primary_key=True),
    sa.Column("kind", sa.String(10), nullable=False),  # event: happened; delivery: tell a subscriber; job: to be run; schedule: a job that fell due
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("handler", sa.String(100), nullable=True),  # plugin.name of the subscription or job
    sa.Column("payload", json_data(), nullable=False, info={"secret": True}),  # letters hold links that sign somebody in
    sa.Column("actor_id", key(), nullable=True),
    sa.Column("impersonator_id", key(), nullable=True),  # who was acting as the actor
    sa.Column("allows", json_data(), nullable=True),  # the allow-list of the token that asked for the job
    sa.Column("depth", sa.Integer(), nullable=False),  # how many deliveries led here; loops end at a limit
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("attempts", sa.Integer(), nullable=False),
    sa.Column("deaths", sa.Integer(), nullable=False, server_default="0"),  # attempts whose end nobody has marked: one that runs is among them
    sa.Column("due_at", UtcDateTime(), nullable=False),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.Column("error", sa.Text(), nullable=True),
    sa.Column("reason", json_data(), nullable=True),  # the error as sentences with what fills them: see core.events.sentences
    sa.Index(
        "ix_core_outbox_waiting", "due_at", "id",
        sqlite_where=sa.text("state = 'waiting'"), postgresql_where=sa.text("state = 'waiting'"),
    ),
    sa.Index(
        "ix_core_outbox_stuck", "handler", "state",
        sqlite_where=sa.text("state IN ('dead', 'held')"), postgresql_where=sa.text("state IN ('dead', 'held')"),
    ),
    sa.Index(
        "ix_core_outbox_jobs", "tenant_id", "state", "created_at", "id",
        sqlite_where=sa.text("kind <> 'event'"), postgresql_where=sa.text("kind <> 'event'"),
    ),
)  # fmt: skip

NO_RECORD = UUID(int=0)
"""In the audit, of an attempt at an entity as a whole."""
audit = sa.Table(
    "core_audit",
    Record.metadata,
    sa.Column("tenant_id", key(), primary_key=True),
    sa.Column("id", key(), primary_key=True),
    sa.Column("at", UtcDateTime(), nullable=False),
    sa.Column("actor_id", key(), nullable=True),
    sa.Column("actor", sa.String(100), nullable=False),
    sa.Column("impersonator_id", key(), nullable=True),  # who was acting as the actor
    sa.Column("channel", sa.String(10), nullable=False),
    sa.Column("entity", sa.String(80), nullable=False),
    sa.Column("record_id", key(), nullable=False),
    sa.Column("action", sa.String(10), nullable=False),
    sa.Column("changes", json_data(), nullable=False),
    sa.Column("digest", sa.String(32), nullable=False, server_default=""),  # see core.audit.entries; none: from before there were any
    sa.Column(
        "follows", sa.String(80), nullable=True
    ),  # the beginnings of the digests of entries that were written before: see core.audit.ties
    sa.Column("erased", sa.String(80), nullable=True),  # which erasure took values out of it, and the proof: see core.audit.entries
    sa.Index("ix_core_audit_record", "tenant_id", "record_id", "id"),
)
