"""Hooks that take longer than they may are counted; tokens say with which they share their requests per minute."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.create_table(
        "core_plugin_delays",
        sa.Column("plugin", sa.String(30), nullable=False),
        sa.Column("hook", sa.String(60), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("last_at", columns.UtcDateTime(), nullable=False),
        sa.Column("seconds", sa.Numeric(10, 3), nullable=False),
        sa.PrimaryKeyConstraint("plugin", "hook", name="pk_core_plugin_delays"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON core_plugin_delays TO {migrations.APP_ROLE}")
    op.add_column("core_token_secrets", sa.Column("first", sa.String(64), nullable=True))
    with migrations.all_rows(op, "core_token_secrets"):
        _count_with_the_first()


def _count_with_the_first() -> None:
    """Also those that there are: who was made with a token that has a first has the same."""
    connection = op.get_bind()
    table = sa.table("core_token_secrets", *map(sa.column, ("tenant_id", "hash", "token_id", "made_with", "first")))
    maker = table.alias()
    theirs = (maker.c.tenant_id == table.c.tenant_id, maker.c.token_id == table.c.made_with)
    known = sa.select(sa.func.coalesce(maker.c.first, maker.c.hash)).where(
        *theirs, sa.or_(maker.c.made_with.is_(None), maker.c.first.is_not(None))
    )
    open_ = (table.c.made_with.is_not(None), table.c.first.is_(None), sa.exists(known))
    while connection.execute(table.update().where(*open_).values(first=known.scalar_subquery())).rowcount:
        pass


def downgrade() -> None:
    op.drop_column("core_token_secrets", "first")
    op.drop_table("core_plugin_delays")
