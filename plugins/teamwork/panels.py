"""What teamwork puts into pages of others."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from plugins.teamwork.tables import KINDS, OPEN, PLANNED
from plugins.teamwork.workdays import today
from sdk import Condition, Context, Query, Rendering

_FEW = 8


def my_tasks(ctx: Context, _nothing: Mapping[str, object]) -> Rendering | None:
    """The actor's open tasks, what is due first on top."""
    me, now = ctx.actor.user_id, today(ctx)
    if me is None:
        return None
    mine = (Condition("state", "eq", (OPEN,)), Condition("owner", "eq", (str(me),)))
    page = ctx.records("teamwork.task").query(
        Query(filter=mine, sort=("due_on",), fields=("id", "subject", "due_on", "priority"), limit=_FEW, count=True)
    )
    rows = [{**row, "late": _late(row.get("due_on"), now)} for row in page.data]
    return Rendering("teamwork/my_tasks.html", {"rows": rows, "total": page.total, "today": now, "me": me})


def _late(due: object, now: date) -> bool:
    return due is not None and date.fromisoformat(str(due)) < now


def my_meetings(ctx: Context, _nothing: Mapping[str, object]) -> Rendering | None:
    """What is in the actor's calendar from now until the end of tomorrow, in the tenant's zone."""
    me = ctx.actor.user_id
    if me is None:
        return None
    zone = ZoneInfo(ctx.tenant.timezone)
    end = datetime.combine(today(ctx) + timedelta(days=2), time.min, zone)
    mine = (
        Condition("owner", "eq", (str(me),)),
        Condition("state", "eq", (PLANNED,)),
        Condition("starts_at", "gte", (ctx.now() - timedelta(hours=1),)),
        Condition("starts_at", "lt", (end.astimezone(UTC),)),
    )
    asked = Query(filter=mine, sort=("starts_at",), fields=("id", "subject", "starts_at", "kind"), limit=_FEW)
    rows = ctx.records("teamwork.activity").query(asked).data
    return Rendering("teamwork/my_meetings.html", {"rows": [{**row, "word": ctx.say(KINDS[str(row["kind"])])} for row in rows]})
