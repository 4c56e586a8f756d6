"""Open records that nobody has touched for a while: one task for each silence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from plugins.teamwork.workdays import after_workdays, holidays, today
from sdk import Condition, Context, Draft, Filter, MasterData, Query, _
from sdk.context import Row, id_of
from sdk.fields import Reference

RULE, TASK = "teamwork.stale_rule", "teamwork.task"
ACT = "stale"
PART = 500
MOST = 100_000
USUAL = 14
"""Days of silence where no rule says others."""
LAST = "teamwork.last_activity_at"
OPEN_ONES: Mapping[str, tuple[Condition, ...]] = {
    "pipeline.deal": (Condition("status", "eq", ("open",)),),
    "leads.lead": (Condition("state", "in", ("new", "working", "qualified")),),
}
"""What is open."""
ALSO: Mapping[str, str] = {"pipeline.deal": "stage_since", "leads.lead": "created_at"}
"""What counts as a sign of life besides activities: a move to another stage, having just been made."""

DEFAULTS = MasterData(
    RULE, ({"key": "silent-deals", "entity": "pipeline.deal", "days": 14, "subject": _("No activity for a while: follow up"),
            "active": False},),
)  # fmt: skip
"""There to be switched on."""


def look(ctx: Context) -> None:
    """Go through the rules in force; each page of silent records is a transaction of its own."""
    for rule in ctx.records(RULE).find((Condition("active", "eq", (True,)),), MOST):
        entity, days = str(rule["entity"]), rule["days"]
        if ctx.offers(entity) and isinstance(days, int):
            _apply(ctx, rule, entity, ctx.now() - timedelta(days=days))


def days_of(ctx: Context, entity: str) -> int:
    """After how many days a record of this entity counts as silent: what the strictest rule in force says, or else the usual."""
    rules = ctx.as_system().records(RULE).find((Condition("active", "eq", (True,)), Condition("entity", "eq", (entity,))), MOST)
    return min((days for rule in rules if isinstance(days := rule["days"], int)), default=USUAL)


def silent(ctx: Context, entity: str, owner: UUID, days: int, most: int) -> tuple[list[Row], list[tuple[int, Filter]]]:
    """The open records of a person about which nothing has happened for so many days, the longest silent first; and how many there are of
    which nothing is known, and of which it is long ago, each with what finds them."""
    known, also, since = ctx.records(entity).fields(), ALSO[entity], ctx.now() - timedelta(days=days)
    if not {"owner", also, LAST} <= known.keys():
        return [], []
    mine = (
        *OPEN_ONES[entity],
        Condition("owner", "eq", (owner,)),
        Condition("created_at", "lte", (since,)),
        Condition(also, "lte", (since,)),
    )
    names = tuple(name for name in ("id", ctx.entity(entity).title, also, LAST) if name == "id" or name in known)
    found, counted = list[Row](), list[tuple[int, Filter]]()
    for quiet in (Condition(LAST, "empty", ("true",)), Condition(LAST, "lte", (since,))):
        page = ctx.records(entity).query(Query((*mine, quiet), (also,), names, limit=most, count=True))
        found += page.data
        counted.append((page.total or 0, (*mine, quiet)))
    found.sort(key=lambda row: max(_instants(row, also)))
    return found[:most], counted


def _apply(ctx: Context, rule: Row, entity: str, since: datetime) -> None:
    also = ALSO[entity]
    quiet = (*OPEN_ONES[entity], Condition("created_at", "lte", (since,)), Condition(also, "lte", (since,)))
    for silent in (Condition(LAST, "empty", ("true",)), Condition(LAST, "lte", (since,))):
        cursor: str | None = ""
        while cursor is not None:
            page = ctx.records(entity).query(Query((*quiet, silent), fields=("owner", also, LAST), limit=PART, cursor=cursor))
            cursor = page.next
            with ctx.transaction(write=True):
                _remind_of(ctx, rule, entity, page.data, also)


def _remind_of(ctx: Context, rule: Row, entity: str, rows: Iterable[Row], also: str) -> None:
    """A task for each of these records that has had none since the last sign of life."""
    ctx.lock(RULE)
    silent = {UUID(str(row["id"])): (row, max(_instants(row, also))) for row in rows}
    told = _told(ctx, rule, [Reference(entity, id) for id in silent])
    days = rule["due_in_days"]
    now = today(ctx)
    due = after_workdays(now, days if isinstance(days, int) else 0, holidays(ctx, now))
    drafts = [
        Draft("create", {"subject": rule["subject"], "about": about, "owner": row["owner"], "due_on": due, "stale_rule": rule["id"]}, act=ACT)
        for id, (row, last) in silent.items()
        if told.get(about := Reference(entity, id), last) <= last
    ]  # fmt: skip
    ctx.records(TASK).write_all(drafts)


def _instants(row: Row, also: str) -> list[datetime]:
    return [value if isinstance(value, datetime) else datetime.fromisoformat(str(value)) for name in (also, LAST) if (value := row[name])]


def _told(ctx: Context, rule: Row, about: list[Reference]) -> dict[Reference, datetime]:
    """When the latest task of the rule was made for each of these records."""
    asked = (Condition("stale_rule", "eq", (id_of(rule),)), Condition("about", "in", tuple(about)))
    found: dict[Reference, datetime] = {}
    for row in ctx.records(TASK).find(asked, MOST) if about else ():
        reference, made = row["about"], row["created_at"]
        if isinstance(reference, Reference) and isinstance(made, datetime):
            found[reference] = max(made, found.get(reference, made))
    return found
