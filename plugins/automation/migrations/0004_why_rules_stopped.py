"""Why a rule was turned off by itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("automation_rules", sa.Column("stopped_because", sa.String(255), nullable=True))


def downgrade() -> None:
    op.drop_column("automation_rules", "stopped_because")
