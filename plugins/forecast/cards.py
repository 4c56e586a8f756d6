"""Who sees what was learned: words that deals have had (products, sources) are told to who sees the fields that they stand in."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from plugins.forecast.keeping import document
from plugins.forecast.routes import ACCOUNT, RESTS_ON
from plugins.forecast.weighted import DEAL
from sdk import Context

TOLD = "coefficients"
OF_CARDS = (TOLD,)


def veil(ctx: Context, rows: Sequence[dict[str, Any]]) -> None:
    """Leave out the weights of words that stand in fields which the reader does not see."""
    if not any(row.get(TOLD) for row in rows):
        return
    seen = _seen(ctx)
    if {*RESTS_ON.values()} <= seen:
        return
    for row in rows:
        if row.get(TOLD):
            weights = _weights(str(row[TOLD]))
            shown = {name: one for name, one in weights.items() if "=" not in name or RESTS_ON.get(name.partition("=")[0]) in seen}
            row[TOLD] = document(shown) if weights else None


def narrows(ctx: Context) -> Collection[str]:
    """What is told in part to who does not see all that the words stand in, be it that the company has it no more."""
    return () if {*RESTS_ON.values()} <= _seen(ctx) else OF_CARDS


def _seen(ctx: Context) -> set[str]:
    return {name for entity in (DEAL, ACCOUNT) if ctx.offers(entity) and ctx.can(f"{entity}.read") for name in ctx.records(entity).fields()}


def _weights(text: str) -> Mapping[str, object]:
    """The weights by feature; none where nobody can read them: what is not understood is not shown either."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
