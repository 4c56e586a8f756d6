"""What tenants have approved of plugins, as one word that is looked up by an index; and an index of background work that is stuck."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

from sdk import columns

revision = "0019"
down_revision = "0018"
TABLE, INDEX = "core_tenant_plugins", "ix_core_tenant_plugins_approval"
STUCK = "ix_core_outbox_stuck"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("approval", sa.String(80), nullable=False, server_default=""))
    table = sa.table(
        TABLE, sa.column("tenant_id", columns.key()), sa.column("plugin", sa.String()), sa.column("approved", columns.json_data()),
        sa.column("approval", sa.String()),
    )  # fmt: skip
    connection = op.get_bind()
    mine = (table.c.tenant_id == sa.bindparam("tenant"), table.c.plugin == sa.bindparam("of"))
    there = sa.select(table.c.tenant_id, table.c.plugin, table.c.approved)
    rows = [{"tenant": row.tenant_id, "of": row.plugin, "word": _word(row.plugin, row.approved)} for row in connection.execute(there)]
    if rows:
        connection.execute(table.update().where(*mine).values(approval=sa.bindparam("word")), rows)
    op.create_index(INDEX, TABLE, ["enabled", "approval"])
    stuck = sa.text("state IN ('dead', 'held')")
    op.create_index(STUCK, "core_outbox", ["handler", "state"], sqlite_where=stuck, postgresql_where=stuck)


def _word(plugin: str, approved: list[str] | None) -> str:
    if approved is None:
        return plugin
    digest = hashlib.sha256("\n".join(approved).encode()).hexdigest()[:40]
    return f"{plugin} {digest}"


def downgrade() -> None:
    op.drop_index(STUCK, "core_outbox")
    op.drop_index(INDEX, TABLE)
    op.drop_column(TABLE, "approval")
