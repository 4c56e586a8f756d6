"""By which import an external id was learned: its undo gives it back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0007"
down_revision = "0006"

EXTERNAL_IDS = "import_export_external_ids"


def upgrade() -> None:
    op.add_column(EXTERNAL_IDS, sa.Column("import_id", columns.key(), nullable=True))
    migrations.create_index(op, EXTERNAL_IDS, "import_id")


def downgrade() -> None:
    op.drop_index(f"ix_{EXTERNAL_IDS}_import_id", EXTERNAL_IDS)
    op.drop_column(EXTERNAL_IDS, "import_id")
