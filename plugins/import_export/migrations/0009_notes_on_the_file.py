"""What there was to be told of a file as a whole."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

IMPORTS = "import_export_imports"


def upgrade() -> None:
    op.add_column(IMPORTS, sa.Column("notes", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column(IMPORTS, "notes")
