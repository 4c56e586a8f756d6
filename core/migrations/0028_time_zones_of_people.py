"""In which time zone a person reads and types moments; who says nothing is where the tenant is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.add_column("core_users", sa.Column("timezone", sa.String(60), nullable=True))


def downgrade() -> None:
    op.drop_column("core_users", "timezone")
