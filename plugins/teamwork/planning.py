"""What a stage of the sales process asks for: tasks and activities are planned on entry, and the needed ones keep a deal in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from uuid import UUID

from plugins.teamwork.tables import CANCELLED, OPEN, PLANNED
from plugins.teamwork.workdays import after_workdays, holidays, local_day
from sdk import Batch, Change, Condition, Context, Draft, Event, MasterData, _
from sdk.changes import MERGES
from sdk.context import Row, id_of
from sdk.days import instant
from sdk.fields import Reference

PLAN, DEAL = "teamwork.stage_plan", "pipeline.deal"
ACT = "plan"
MOST, PART = 100_000, 500
MORNING, LENGTH = time(10), timedelta(minutes=30)
"""When a planned call or visit is put into the calendar, until its owner moves it."""
NAMED = 5
PLANNED_WITHIN = timedelta(minutes=10)
"""So long a stage waits for its activities to be planned; without a worker for longer than that it holds no deal up."""
_KINDS = (("teamwork.task", OPEN), ("teamwork.activity", PLANNED))

DEFAULTS = MasterData(
    PLAN,
    (
        {"stage": "needs-analysis", "kind": "meeting", "subject": _("Discuss their needs"), "after_days": 2, "mandatory": True},
        {"stage": "needs-analysis", "kind": "task", "subject": _("Write down the requirements and have them confirmed"), "after_days": 5},
        {"stage": "needs-analysis", "kind": "task", "subject": _("Identify the decision maker and the budget"), "after_days": 7},
    ),
    match="subject",
    when_empty=True,
    along_with="pipeline.stage",
)
"""With the ready-made process, as long as set-up has just made it: a company’s own stages get what the company plans for them."""


def plan(ctx: Context, events: Sequence[Event]) -> None:
    """Deals came into stages: plan what these ask for, for their owners, unless it is open from an earlier visit.

    A deal that has moved on since gets nothing; one that is closed loses what is still planned for it. Silent ones get no work.
    """
    moves = ctx.records("pipeline.stage_change").values({event.record_id for event in events}).values()
    latest = {UUID(str(row["deal"])): row for row in sorted(moves, key=lambda row: str(row["id"]))}
    deals = ctx.records(DEAL).values(latest)
    closed = [id for id, deal in deals.items() if deal["status"] != "open" and latest[id]["from_stage"] is not None]
    _cancel(ctx, closed)
    if ctx.silent:
        return
    entered = [(deal, latest[id]) for id, deal in deals.items() if deal["status"] == "open" and deal["stage"] == latest[id]["to_stage"]]
    plans = _plans(ctx, {deal["stage"] for deal, _move in entered})
    open_ = _open(
        ctx, [id_of(deal) for deal, _move in entered if deal["stage"] in plans], {id_of(one) for many in plans.values() for one in many}
    )
    there = {(row["about"], row["plan"]) for rows in open_.values() for row in rows}
    drafts: dict[str, list[Draft]] = {entity: [] for entity, _state in _KINDS}
    days = {id_of(deal): local_day(ctx, move["moved_at"]) for deal, move in entered if isinstance(move["moved_at"], datetime)}
    works = holidays(ctx, min(days.values())) if plans else {}
    for deal, _move in entered:
        about = Reference(DEAL, id_of(deal))
        for one in plans.get(deal["stage"], ()):
            if (about, one["id"]) not in there:
                entity, values = _planned(ctx, one, days[id_of(deal)], works)
                drafts[entity].append(Draft("create", {**values, "about": about, "owner": deal["owner"], "plan": one["id"]}, act=ACT))
    for entity, wanted in drafts.items():
        ctx.records(entity).write_all(wanted)


def _planned(ctx: Context, plan: Row, entered_on: date, works: Mapping[date, bool]) -> tuple[str, dict[str, object]]:
    days = plan["after_days"]
    day = after_workdays(entered_on, days if isinstance(days, int) else 0, works)
    shared = {"subject": plan["subject"], "notes": plan["notes"]}
    if plan["kind"] == "task":
        return "teamwork.task", {**shared, "due_on": day, "priority": plan["priority"]}
    starts = instant(day, ctx.tenant.timezone, MORNING)
    return "teamwork.activity", {**shared, "kind": plan["kind"], "starts_at": starts, "ends_at": starts + LENGTH}


def _plans(ctx: Context, stages: Iterable[object], *more: Condition) -> dict[object, list[Row]]:
    """The plans in force of these stages, by stage."""
    found, wanted = dict[object, list[Row]](), sorted({stage for stage in stages if isinstance(stage, UUID)})
    for start in range(0, len(wanted), PART):
        asked = (Condition("stage", "in", tuple(wanted[start : start + PART])), Condition("active", "eq", (True,)), *more)
        for row in ctx.as_system().records(PLAN).find(asked, MOST):
            found.setdefault(row["stage"], []).append(row)
    return found


def _open(ctx: Context, deals: Sequence[UUID], plans: set[UUID] | None) -> Mapping[str, list[Row]]:
    """What was planned for these deals (by these plans; None: by any) and is not done, by entity."""
    return _made(ctx, deals, plans, undone=True)


def _made(
    ctx: Context, deals: Sequence[UUID], plans: set[UUID] | None, *, undone: bool = False, deleted: bool = False
) -> Mapping[str, list[Row]]:
    """What was planned for these deals, by entity: of it what is not done, or what has been deleted since, or all that is there."""
    found: dict[str, list[Row]] = {entity: [] for entity, _state in _KINDS}
    chosen = [()] if plans is None else [tuple(sorted(plans)[at : at + PART]) for at in range(0, len(plans), PART)]
    for entity, state in _KINDS:
        narrow = (Condition("state", "eq", (state,)),) if undone else ()
        for start in range(0, len(deals), PART):
            about = tuple(Reference(DEAL, id) for id in deals[start : start + PART])
            for some in chosen:
                by = Condition("plan", "in", some) if some else Condition("plan", "empty", ("false",))
                asked = (Condition("about", "in", about), by, *narrow)
                found[entity] += ctx.as_system().records(entity).find(asked, MOST, deleted=deleted)
    return found


def _cancel(ctx: Context, deals: Sequence[UUID]) -> None:
    """What is still planned for deals that are won or lost is not to be done any more."""
    for entity, rows in (_open(ctx, deals, None) if deals else {}).items():
        ctx.records(entity).write_all([Draft("update", {"state": CANCELLED}, id_of(row), act=ACT) for row in rows])


# --- what a stage keeps ----------------------------------------------------------------------------------------------


def keep_in_stage(ctx: Context, batch: Batch) -> None:
    """For `validate_changes`: a deal leaves a stage when what that asks for is done. One that is lost may leave: there is nothing left to do."""
    if batch.entity != DEAL:
        return
    leaving = [c for c in batch.standing() if c.before is not None and c.changes("stage") and c.after("status") != "lost"]
    if not leaving:
        return
    plans = _plans(ctx, {c.before["stage"] for c in leaving if c.before}, Condition("mandatory", "eq", (True,)))
    kept = [c for c in leaving if c.before and c.before["stage"] in plans]
    wanted = {id_of(one) for many in plans.values() for one in many}
    made = _by_plan(_made(ctx, [c.id for c in kept], wanted)) if kept else {}
    fresh = [c.id for c in kept if c.before and ctx.now() - _since(c.before) < PLANNED_WITHIN]
    gone = _by_plan(_made(ctx, fresh, wanted, deleted=True)) if fresh else {}
    for change in kept:
        assert change.before is not None
        left = list[UUID]()
        for one in plans[change.before["stage"]]:
            place = (Reference(DEAL, change.id), one["id"])
            left += _undone(ctx, change.before, one, made.get(place, ()), gone.get(place, ()))
        if left:
            names = _called(ctx, left)
            text = _("the deal can’t leave its stage until this is done: {names}")
            if not names:
                text = _(
                    "the deal can’t leave its stage until others have done something there that you don’t have access to: ask a manager"
                )
            change.forbid("open_activities", text, names=_list(names))


def _by_plan(made: Mapping[str, list[Row]]) -> dict[tuple[object, object], list[Row]]:
    found: dict[tuple[object, object], list[Row]] = {}
    for row in (row for rows in made.values() for row in rows):
        found.setdefault((row["about"], row["plan"]), []).append(row)
    return found


def _called(ctx: Context, ids: Sequence[UUID]) -> list[str]:
    """What these plans, tasks and activities are called, as far as the actor sees that."""
    seen = [ctx.records(entity).titles(ids).values() for entity in (PLAN, *(one for one, _state in _KINDS)) if ctx.can(f"{entity}.read")]
    return [name for names in seen for name in names]


def _undone(ctx: Context, deal: Row, plan: Row, made: Sequence[Row], gone: Sequence[Row]) -> list[UUID]:
    """What is still to be done of a plan, also where the worker has not planned it yet for this stay in the stage."""
    open_ = [id_of(row) for row in made if row["state"] in (OPEN, PLANNED)]
    since = _since(deal)
    settled = any(
        _at(row) >= since for row in (*made, *gone)
    )  # planned in this stay, or left over from an earlier one and done or deleted in this
    coming = not open_ and not settled and _at(plan) <= since and ctx.now() - since < PLANNED_WITHIN
    return [id_of(plan)] if coming else open_


def _since(deal: Row) -> datetime:
    since = deal["stage_since"]
    assert isinstance(since, datetime)
    return since


def _at(row: Row) -> datetime:
    at = row["updated_at"]
    assert isinstance(at, datetime)
    return at


def _list(names: Sequence[str]) -> str:
    listed = ", ".join(sorted(names)[:NAMED])
    return listed if len(names) <= NAMED else f"{listed}, … (+{len(names) - NAMED})"


def keep_mandatory(ctx: Context, batch: Batch) -> None:
    """What a stage needs is done, not cancelled, deleted or hung onto something else: but by whoever may change the plans."""
    suspects = [
        c
        for c in batch.changes
        if c.stands and c.before is not None and c.before.get("plan") and c.act not in (ACT, *MERGES) and _evades(c)
    ]
    if not suspects or ctx.can(f"{PLAN}.update"):
        return
    needed = {
        id
        for id, row in ctx.as_system().records(PLAN).values({_plan_of(c) for c in suspects}).items()
        if row["mandatory"] and row["active"]
    }
    for change in suspects:
        if _plan_of(change) in needed:
            change.forbid("mandatory", _("the deal’s stage requires this; complete it, or ask a manager to cancel it"))


def _plan_of(change: Change) -> UUID:
    return UUID(str(change.before["plan"])) if change.before else UUID(int=0)


def _evades(change: Change) -> bool:
    open_ = change.before is not None and change.before["state"] in (OPEN, PLANNED)
    return open_ and (
        change.verb == "delete" or change.changes("about") or (change.changes("state") and change.after("state") == CANCELLED)
    )
