"""Which words of a file counted as empty cells, and how often."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

IMPORTS = "import_export_imports"


def upgrade() -> None:
    op.add_column(IMPORTS, sa.Column("emptied", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column(IMPORTS, "emptied")
