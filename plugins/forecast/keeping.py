"""What a run keeps of each series: the result with its back-test, its points and the verdicts on its factors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from plugins.forecast.history import History
from plugins.forecast.periods import label_of, start_of
from sdk import Context, Draft
from sdk.columns import LIMIT

ACT = "forecast"
RESULT = "forecast.result"
_PLACES = Decimal("0.0001")


@dataclass(frozen=True)
class Outcome:
    """What became of one series, in values of records."""

    result: dict[str, object]
    backtest: dict[str, object]
    mean: Sequence[float]
    bands: Sequence[tuple[Sequence[float], Sequence[float]]]
    verdicts: Sequence[Mapping[str, object]]


def keep(ctx: Context, run: UUID, grain: str, made: Sequence[tuple[History, Outcome]]) -> None:
    """Results with all that belongs to them, in four writes."""
    results = _written(ctx, RESULT, [{"run": run, **outcome.result} for _history, outcome in made])
    backtests, points, verdicts = list[dict[str, object]](), list[dict[str, object]](), list[dict[str, object]]()
    for id, (history, outcome) in zip(results, made, strict=True):
        backtests.append({"result": id, "name": outcome.result["key"], **outcome.backtest})
        points += _points(id, history, outcome, grain)
        verdicts += [{"result": id, **verdict} for verdict in outcome.verdicts]
    for entity, rows in (("forecast.backtest", backtests), ("forecast.point", points), ("forecast.factor_verdict", verdicts)):
        _written(ctx, entity, rows)


def _points(id: UUID, history: History, outcome: Outcome, grain: str) -> list[dict[str, object]]:
    names, begins = (("low_80", "high_80"), ("low_95", "high_95")), history.first + len(history.values)
    rows = []
    for step, mean in enumerate(outcome.mean):
        row: dict[str, object] = {"result": id, "step": step + 1, "period": label_of(begins + step, grain),
                                  "starts_on": start_of(begins + step, grain), "mean": exact(mean)}  # fmt: skip
        for (low, high), (below, above) in zip(names, outcome.bands, strict=False):
            row |= {low: exact(below[step]), high: exact(above[step])}
        rows.append(row)
    return rows


def _written(ctx: Context, entity: str, rows: Sequence[Mapping[str, object]]) -> list[UUID]:
    made = []
    for outcome in ctx.as_system().records(entity).write_all([Draft("create", row, act=ACT) for row in rows]):
        assert outcome.id is not None
        made.append(outcome.id)
    return made


def exact(number: float | None) -> Decimal | None:
    """A figure as it is kept; None for one that has no place in a column."""
    if number is None or not abs(number) < float(LIMIT) - 1:
        return None
    return Decimal(repr(float(number))).quantize(_PLACES)


def document(value: object) -> str:
    """JSON as it is kept; numbers that JSON does not have are not among them."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
