"""Who sees what a forecast says: who made it and who may look into those of others, as far as they see what it rests on.

A run has added up what its owner saw. Who may know that there was one has not the right to the records and fields of its figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from functools import cache
from typing import Any, cast
from uuid import UUID

from plugins.forecast.history import Definition, answers
from sdk import Condition, Context, Query, Refusal
from sdk.context import Row, id_of

RUN, RESULT, BACKTEST, POINT, VERDICT = (f"forecast.{name}" for name in ("run", "result", "backtest", "point", "factor_verdict"))
INSPECT = f"{RUN}.inspect"
ERRORS = ("mae", "mase", "mape", "smape", "naive_mae", "naive_mase", "naive_mape", "coverage_80")
SEEN = {
    RUN: ("done", "total", "unpriced", "error"),
    RESULT: ("key", "key_id", "model", "verdict", "first_period", "periods", "season", *ERRORS, "factors"),
    BACKTEST: ("name", "history", "parameters", "models"),
    POINT: ("mean", "low_80", "high_80", "low_95", "high_95"),
    VERDICT: ("verdict", "assumption", "error_without", "error_with", "folds", "folds_better", "chance"),
}
"""The fields that hold figures, or tell of them: how many series there are says into how many parts the records fall."""
DEFINED = ("entity", "measure", "date_field", "grain", "split_by", "conditions")
"""What says what a run has added up: who does not see that is told no figures either."""
UP = {VERDICT: "result", POINT: "result", BACKTEST: "result", RESULT: "run"}


def sees(ctx: Context, run: UUID) -> bool:
    """Whether the actor, who may know of the run, sees its figures."""
    return run in _seen(ctx, {run})


@cache
def veil(entity: str) -> Callable[[Any, Sequence[dict[str, Any]]], None]:
    """What leaves out of each row what its reader may not see of the figures."""

    def taken_out(ctx: Context, rows: Sequence[dict[str, Any]]) -> None:
        shown = [row for row in rows if any(name in row for name in SEEN[entity])]
        if not shown:
            return
        runs = _runs(ctx, entity, {row["id"] for row in shown})
        seen = _seen(ctx, {*runs.values()})
        for row in shown:
            if runs.get(row["id"]) not in seen:
                for name in SEEN[entity]:
                    row.pop(name, None)

    return taken_out


def _runs(ctx: Context, entity: str, ids: Set[UUID]) -> dict[UUID, UUID]:
    """The run that each record is, or belongs to, as far as the actor sees that it does: else what is shown would tell of what is hidden."""
    if entity == RUN:
        return {id: id for id in ids}
    above = {id_of(row): cast("UUID", row[UP[entity]]) for row in _read(ctx, entity, ids, (UP[entity],))}
    if UP[entity] == "run":
        return above
    runs = _runs(ctx, RESULT, {*above.values()})
    return {id: runs[result] for id, result in above.items() if result in runs}


def _read(ctx: Context, entity: str, ids: Set[UUID], names: Sequence[str]) -> list[Row]:
    """Those of the records on which the actor sees all of these fields."""
    visible = ctx.records(entity).fields() if ctx.can(f"{entity}.read") else {}
    if not ids or not all(name in visible for name in names):
        return []
    found = ctx.records(entity).query(Query((Condition("id", "in", tuple(ids)),), fields=("id", *names), limit=len(ids)))
    return [row for row in found.data if all(name in row for name in names)]


def _seen(ctx: Context, ids: Set[UUID]) -> set[UUID]:
    others, asked, me = ctx.can(INSPECT), dict[tuple[Definition, object], bool](), ctx.actor.user_id
    return {
        id_of(row) for row in _read(ctx, RUN, ids, (*DEFINED, "owner"))
        if (others or (me is not None and row["owner"] == me)) and _answered(ctx, row, asked)
    }  # fmt: skip


def _answered(ctx: Context, run: Row, asked: dict[tuple[Definition, object], bool]) -> bool:
    """Whether the actor could ask for what the run has added up, and would find all of it; each definition is tried once for each owner."""
    definition, owner = _definition(run), run["owner"]
    if definition is None:
        return False
    key = (definition, owner)
    if key not in asked:
        try:
            answers(ctx, definition)
            asked[key] = (owner is not None and owner == ctx.actor.user_id) or _finds_all(ctx, definition, owner)
        except Refusal:
            asked[key] = False
    return asked[key]


def _finds_all(ctx: Context, asked: Definition, owner: object) -> bool:
    """Whether the actor sees each record that its owner sees of a definition; of a run without an owner, each that there is."""
    names = [name for name in (asked.measured, asked.date_field, asked.split_by) if name]
    return ctx.records(asked.entity).covers(cast("UUID | None", owner), names, asked.conditions)


def _definition(run: Mapping[str, object]) -> Definition | None:
    try:
        return Definition.of(run) if run["entity"] else None
    except Refusal:  # conditions that nobody can read say nothing of what the figures rest on
        return None
