"""A round of an evaluation on its page: the ranking, how each score came about down to the records it counts, notes, and its course."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import cast
from uuid import UUID

from plugins.teamwork import evaluation
from plugins.teamwork.evaluation import KPI, NAME, SCORE, STEP
from plugins.teamwork.people import as_id
from plugins.teamwork.performance import counted, counts
from plugins.teamwork.periods import Period
from plugins.teamwork.tables import CLOSED, KINDS, MEASURES, WON_AMOUNT
from plugins.teamwork.tables import STEPS as WORDS
from sdk import BadRequest, Condition, Context, Invalid, PageRequest, PageRoute, Panel, Query, Redirect, Refusal, Rendering, Slot, _
from sdk.context import Row
from sdk.fields.money import money_wire
from sdk.pages import told

_MAY = f"{NAME}.update"
_MOST_STEPS = 50


def tab(ctx: Context, record: Row) -> Rendering:
    """The present round."""
    return Rendering("teamwork/ranking.html", _values(ctx, record, None))


def show(ctx: Context, request: PageRequest) -> Rendering:
    """A round by its number, on a page of its own."""
    record = ctx.records(NAME).get(request.id())
    return Rendering("teamwork/round.html", _values(ctx, record, _round(request.asked("round"))))


def _round(word: str) -> int | None:
    if not word:
        return None
    if not (word.isascii() and word.isdigit() and len(word) < 5 and int(word)):
        raise BadRequest(_("expected a round number, got {value!r}"), value=word[:20])
    return int(word)


def _values(
    ctx: Context, record: Row, round: int | None, refusal: Refusal | None = None, typed: Mapping[str, str] | None = None
) -> dict[str, object]:
    id = record["id"] if isinstance(record["id"], UUID) else UUID(str(record["id"]))
    rows = evaluation.ranking(ctx, id, round) if ctx.can(f"{SCORE}.read") else []
    here = ctx.page(f"/teamwork/evaluations/{id}")
    may, closed = ctx.can(_MAY), record.get("state") == CLOSED
    return {
        "evaluation": record, "rows": [_row(ctx, record, row) for row in rows], "here": here, "acts_at": f"{here}/ranking",
        "round": rows[0]["round"] if rows else round,
        "rounds": list(range(1, int(str(record.get("round") or 1)) + 1)), "closed": closed, "steps": _steps(ctx, id), "problems": told(ctx, refusal),
        "may": may, "may_note": ctx.can(f"{SCORE}.update") and not closed, "typed": typed or {},
    }  # fmt: skip


def _row(ctx: Context, record: Row, row: Mapping[str, object]) -> Mapping[str, object]:
    lines = cast("Sequence[Mapping[str, object]]", row["lines"])
    kinds = ctx.as_system().records(KPI).values({UUID(str(line["kpi"])) for line in lines})
    return {**row, "lines": [_line(ctx, record, UUID(str(row["person"])), line, kinds) for line in lines]}


def _line(ctx: Context, record: Row, person: UUID, line: Mapping[str, object], kpis: Mapping[UUID, Row]) -> Mapping[str, object]:
    """One measure as one would write it on paper, with the list of what it counts."""
    measure, start = str(line["measure"]), record.get("period_start")
    kind = kpis.get(UUID(str(line["kpi"])), {}).get("activity_kind")
    period = (
        Period(str(record["period"]), start if isinstance(start, date) else date.fromisoformat(str(start)))
        if start and record.get("period")
        else None
    )
    amounts = {name: _amount(ctx, line[name]) if measure == WON_AMOUNT else line[name] for name in ("goal", "actual")}
    word = ctx.say(MEASURES[measure]) + (f": {ctx.say(KINDS[str(kind)])}" if kind else "")
    href = counted(ctx, measure, period, [person], {}, kind) if period is not None else ""
    return {**line, **amounts, "money": measure == WON_AMOUNT, "word": word, "href": href, "counts": ctx.say(counts(measure))}


def _amount(ctx: Context, value: object) -> object:
    return None if value is None else money_wire(Decimal(str(value)), ctx.tenant.currency)


def _steps(ctx: Context, id: UUID) -> list[Mapping[str, object]]:
    """That it was closed, and opened again and why."""
    if not ctx.can(f"{STEP}.read"):
        return []
    asked = Query((Condition("evaluation", "eq", (str(id),)),), ("-at",), ("id", "step", "round", "reason", "by", "at"), limit=_MOST_STEPS)
    rows = ctx.records(STEP).query(asked).data
    names = ctx.records("core.user").titles({UUID(str(row["by"])) for row in rows if row.get("by")}) if ctx.can("core.user.read") else {}
    return [
        {**row, "word": ctx.say(WORDS[str(row["step"])]), "who": names.get(UUID(str(row["by"])), "") if row.get("by") else ""}
        for row in rows
    ]


# --- what is done with it --------------------------------------------------------------------------------------------


def take(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Compute, close, open again, or write a note to a score."""
    record, act, id = ctx.records(NAME).get(request.id()), request.typed("act"), request.id()
    try:
        if act == "note":
            score = as_id(request.typed("score"))
            if score is None:
                raise BadRequest(_("evaluations have no action {act!r}"), act=act)
            ctx.records(SCORE).update(score, {"note": request.typed("note").strip() or None})
        elif act not in ("compute", "close", "reopen"):
            raise BadRequest(_("evaluations have no action {act!r}"), act=act[:20])
        else:
            ctx.require(_MAY)
            _done(ctx, id, act, request.typed("reason").strip())
    except Refusal as refusal:
        return Rendering("teamwork/round.html", _values(ctx, record, None, refusal, dict(request.form)), refusal.status)
    return Redirect(ctx.page(f"/teamwork/evaluations/{id}?tab=teamwork.ranking"))


def _done(ctx: Context, id: UUID, act: str, reason: str) -> None:
    if act == "compute":
        evaluation.compute(ctx, id)
    elif act == "close":
        evaluation.close(ctx, id)
    elif not reason:
        raise Invalid(_("enter a reason for reopening it; the reason is kept"))
    else:
        evaluation.reopen(ctx, id, reason)


PAGES = (PageRoute("ranking", path="/evaluations/{id}/ranking", title=_("Ranking"), permission=f"{NAME}.read", view=show, submit=take),)
PANELS = (Panel("ranking", slot=Slot.TAB, label=_("Ranking"), permission=f"{NAME}.read", view=tab, entity=NAME, position=1),)
