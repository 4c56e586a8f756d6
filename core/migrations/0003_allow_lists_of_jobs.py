"""A job keeps the allow-list of the token that asked for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk.columns import json_data

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("core_outbox", sa.Column("allows", json_data(), nullable=True))


def downgrade() -> None:
    op.drop_column("core_outbox", "allows")
