"""With which rights the file of an export was made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

EXPORTS = "import_export_exports"


def upgrade() -> None:
    op.add_column(EXPORTS, sa.Column("rights", sa.String(64), nullable=True))


def downgrade() -> None:
    op.drop_column(EXPORTS, "rights")
