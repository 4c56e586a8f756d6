"""Pages of teamwork: what is on for oneself, activities and tasks together."""

from __future__ import annotations

from datetime import date, datetime
from typing import cast
from zoneinfo import ZoneInfo

from plugins.teamwork.booking import told
from plugins.teamwork.calendar import entries
from plugins.teamwork.tables import CANCELLED, DONE
from sdk import Context, PageRequest, PageRoute, Rendering, _
from sdk.calendars import Entry, View, day_of, sheet
from sdk.context import Row

_TONES = {DONE: "good", CANCELLED: "bad"}
_PLACES = {"teamwork.activity": ("activities", "starts_at"), "teamwork.task": ("tasks", "due_on")}


def show_calendar(ctx: Context, request: PageRequest) -> Rendering:
    """The actor's own calendar; what is booked at the same time is marked."""
    asked, now = request.asked("_day"), ctx.today()
    page = sheet(request.asked("_span") or View.WEEK, day_of(asked) if asked else now, ctx.tenant.week_start)
    rows = [] if ctx.actor.user_id is None else entries(ctx, page.first, page.last, ctx.actor.user_id)
    return Rendering("teamwork/calendar.html", {"sheet": page, "days": page.days([_entry(ctx, row, now) for row in rows], now), "today": now,
                                                "double": sum(bool(row["overlaps"]) for row in rows)})  # fmt: skip


def _entry(ctx: Context, row: Row, now: date) -> Entry:
    entity = str(row["entity"])
    plural, on = _PLACES[entity]
    begins, ends = _local(ctx, row[on]), _local(ctx, row["ends_at"] or row[on])
    first, last = _day(begins), _day(ends)
    late = entity == "teamwork.task" and row["state"] not in _TONES and first < now
    version = row["version"]
    return Entry(
        id=str(row["id"]),
        title=str(row["subject"] or "—"),
        href=ctx.page(f"/teamwork/{plural}/{row['id']}"),
        first=first,
        last=max(first, last),
        at=f"{begins:%H:%M}–{ends:%H:%M}" if isinstance(begins, datetime) and isinstance(ends, datetime) else "",
        tone="warm" if late else _TONES.get(str(row["state"]), "plain"),
        note=ctx.say(_("Overdue")) if late else told(ctx, times) if (times := cast("list[str]", row["busy"])) else "",
        version=version if isinstance(version, int) else 0,
        move=f"?_on={on}" if ctx.can(f"{entity}.update") else "",
        overlaps=bool(row["overlaps"]),
    )


def _local(ctx: Context, value: object) -> date:
    assert isinstance(value, date)
    try:
        return value.astimezone(ZoneInfo(ctx.zone)) if isinstance(value, datetime) else value
    except OverflowError:  # the last day that there is has no day after it, wherever one is
        return value


def _day(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value


PAGES = (PageRoute("calendar", path="/calendar", title=_("My calendar"), permission="teamwork.activity.read", view=show_calendar),)
