"""In which currency forms begin, for everybody and for a person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("company_currencies", sa.Column("is_default", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("company_preferences", sa.Column("currency", sa.String(3), nullable=True))


def downgrade() -> None:
    op.drop_column("company_preferences", "currency")
    op.drop_column("company_currencies", "is_default")
