"""The words by which records are found; those of records that are there are made in the background."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0020"
down_revision = "0019"
TABLE, JOB = "core_search_words", "core.search_entity"


def upgrade() -> None:
    by_bytes = sa.String(40).with_variant(sa.String(40, collation="C"), "postgresql")
    op.create_table(
        TABLE,
        sa.Column("tenant_id", columns.key(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("word", by_bytes, nullable=False),
        sa.Column("near", sa.SmallInteger(), nullable=False),
        sa.Column("record_id", columns.key(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "place", "word", "near", "record_id", name=f"pk_{TABLE}"),
        sqlite_with_rowid=False,
    )
    op.create_index(f"ix_{TABLE}_record_id", TABLE, ["tenant_id", "record_id"])
    migrations.protect(op, TABLE)
    _let_make()


def _let_make() -> None:
    """A job of each tenant, without an entity: of all that it has."""
    tenants, outbox = sa.table("core_tenants", sa.column("id", columns.key())), _outbox()
    connection, now = op.get_bind(), datetime.now(UTC)
    ids = list(connection.execute(sa.select(tenants.c.id)).scalars())
    rows: list[dict[str, Any]] = [
        {"tenant_id": tenant, "id": uuid4(), "kind": "job", "name": JOB, "handler": JOB, "payload": {}, "depth": 0, "state": "waiting",
         "attempts": 0, "due_at": now, "created_at": now}
        for tenant in ids
    ]  # fmt: skip
    with migrations.all_rows(op, "core_outbox"):
        if rows:
            connection.execute(outbox.insert(), rows)


def _outbox() -> sa.TableClause:
    keys, words = ("tenant_id", "id"), ("kind", "name", "handler", "state")
    return sa.table(
        "core_outbox",
        *(sa.column(name, columns.key()) for name in keys), *(sa.column(name, sa.String()) for name in words),
        *(sa.column(name, sa.Integer()) for name in ("depth", "attempts")), sa.column("payload", columns.json_data()),
        *(sa.column(name, columns.UtcDateTime()) for name in ("due_at", "created_at")),
    )  # fmt: skip


def downgrade() -> None:
    migrations.drop_table(op, TABLE)
