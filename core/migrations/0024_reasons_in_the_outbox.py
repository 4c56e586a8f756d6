"""Why a row of the outbox failed, as sentences that each reader has in a language of their own; what failed before stays as it was told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk.columns import json_data

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.add_column("core_outbox", sa.Column("reason", json_data(), nullable=True))


def downgrade() -> None:
    op.drop_column("core_outbox", "reason")
