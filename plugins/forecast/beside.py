"""What a deal has as its chance while nothing was learned of it: what its stage says, read where it stands."""

from __future__ import annotations

from decimal import Decimal
from typing import cast

import sqlalchemy as sa
from sqlalchemy.sql import FromClause

from plugins.forecast.tables import Win
from sdk.fields.computed import Reach

LEAST, MOST = Decimal(1), Decimal(99)
"""Nothing is certain before it has happened."""


def _said(reach: Reach) -> tuple[FromClause, list[sa.ColumnElement[bool]]] | None:
    found = reach.beyond("stage", ("type", "probability"))
    if found is None:
        return None
    stage, there = found
    return stage, [*there, stage.c.type == "open", stage.c.probability.is_not(None)]


def chance(deal: FromClause, reach: Reach) -> sa.ColumnElement[object]:
    """The probability of the stage of an open deal, from 1 to 99 per cent."""
    kind = Win.table().c.win_probability.type
    said = _said(reach)
    if said is None:
        return cast("sa.ColumnElement[object]", sa.null())
    stage, there = said
    least, most = sa.literal(LEAST, kind), sa.literal(MOST, kind)
    bounded = sa.case((stage.c.probability < least, least), (stage.c.probability > most, most), else_=stage.c.probability)
    return sa.select(bounded).where(*there).correlate(deal).scalar_subquery()


def basis(deal: FromClause, reach: Reach) -> sa.ColumnElement[object]:
    """That it is the stage's, where the stage says anything."""
    said = _said(reach)
    if said is None:
        return cast("sa.ColumnElement[object]", sa.null())
    _stage, there = said
    return sa.select(sa.literal("stage", sa.String())).where(*there).correlate(deal).scalar_subquery()


OTHERWISE = {"win_probability": chance, "win_basis": basis}
