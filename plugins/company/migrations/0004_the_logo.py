"""The company's logo."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("company_profiles", sa.Column("logo", sa.String(32), nullable=True))


def downgrade() -> None:
    op.drop_column("company_profiles", "logo")
