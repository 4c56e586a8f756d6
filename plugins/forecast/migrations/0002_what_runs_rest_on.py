"""A run keeps the definition that it was made by: its figures rest on that, whatever the series says later."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

RUNS = "forecast_runs"
KEPT = {"entity": 80, "measure": 100, "date_field": 100, "grain": 40, "conditions": None, "split_by": 100}


def upgrade() -> None:
    for name, length in KEPT.items():
        op.add_column(RUNS, sa.Column(name, sa.Text() if length is None else sa.String(length), nullable=True))
    series = sa.table("forecast_series", *(sa.column(name) for name in ("tenant_id", "id", *KEPT)))
    runs = sa.table(RUNS, *(sa.column(name) for name in ("tenant_id", "series_id", *KEPT)))
    mine = (series.c.tenant_id == runs.c.tenant_id, series.c.id == runs.c.series_id)
    of_series = {name: sa.select(series.c[name]).where(*mine).scalar_subquery() for name in KEPT}
    op.execute(sa.update(runs).values(of_series))


def downgrade() -> None:
    for name in KEPT:
        op.drop_column(RUNS, name)
