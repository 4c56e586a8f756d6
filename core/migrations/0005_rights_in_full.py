"""Roles that teams give their people."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("core_teams", sa.Column("roles", columns.json_data(), nullable=True))


def downgrade() -> None:
    op.drop_column("core_teams", "roles")
