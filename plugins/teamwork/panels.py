"""What teamwork puts into pages of others."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from plugins.teamwork.tables import OPEN
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
