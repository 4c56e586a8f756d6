"""Calendars: the records of any entity with a date on the days of a month, a week, or the weeks to come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from plugins.console.asked import BEGUN, of_pairs
from plugins.console.cells import tone_of
from plugins.console.dates import day_in, end_of, local, midnight
from plugins.console.filtering import Chip, chips
from plugins.console.registry import Kind, kind_at, query_of
from plugins.console.views import spelled_out
from sdk import SIGNED_IN, BadRequest, Condition, Context, PageRequest, PageRoute, Query, Rendering, _, parse_filter
from sdk.calendars import Entry, Sheet, View, day_of, sheet
from sdk.context import Row
from sdk.fields import ChoiceField, DateTimeField
from sdk.text import within

MOST = 500
"""Records of a page."""


def show(ctx: Context, request: PageRequest) -> Rendering:
    """A page of the calendar; filters and search are those of the list."""
    kind = kind_at(ctx, request.path["plugin"], request.path["plural"])
    request, asked = spelled_out(kind, request)
    on, now = on_of(kind, request), ctx.today()
    day = request.asked("_day")
    page = sheet(request.asked("_span") or View.MONTH, day_of(day) if day else now, ctx.tenant.week_start)
    rows, more = found(kind, on, page, request)
    kept = [pair for pair in request.query if pair[0] not in ("cursor", "_day", "_span")]
    path = f"{kind.path}/calendar"
    return Rendering(
        "console/calendar.html",
        {
            "kind": kind,
            "asked": asked,
            "path": path,
            "on": on,
            "sheet": page,
            "days": page.days(entries(kind, on, rows), now),
            "today": now,
            "more": more,
            "most": MOST,
            "kept": query_of(kept).replace("?", "&", 1),
            "choices": [(name, within(ctx.say(kind.fields[name].label))) for name in kind.dates],
            "filters": _chips(kind, path, request),
            "q": request.asked("q").strip(),
            "hidden": [pair for pair in request.query if pair[0] not in ("q", "cursor", "_on")],
        },
    )


def _chips(kind: Kind, path: str, request: PageRequest) -> list[Chip]:
    """The filters that are in force, and the same page of the calendar without each."""
    own = query_of([pair for pair in request.query if pair[0] in ("_on", "_span", "_day")]).replace("?", "&", 1)
    found = chips(kind, replace(of_pairs(request.query), view=request.asked(BEGUN)))
    return [replace(one, href=one.href.replace(kind.path, path, 1) + own) for one in found]


def on_of(kind: Kind, request: PageRequest) -> str:
    """The date by which the address wants the calendar (`_on=due_on`), or the likeliest; raises BadRequest."""
    on = request.asked("_on") or next(iter(kind.dates), "")
    if on not in kind.dates:
        raise BadRequest(_("there is no calendar by {field!r}; available: {fields}"), field=on[:80], fields=", ".join(kind.dates) or "-")
    return on


def found(kind: Kind, on: str, page: Sheet, request: PageRequest) -> tuple[Sequence[Row], bool]:
    """The records of a page by their beginning, those first that began before it; and whether there are more than are shown."""
    ctx, end = kind.ctx, end_of(kind, on)
    instant = isinstance(kind.fields[on], DateTimeField)
    first: object = midnight(ctx, page.first) if instant else page.first
    beyond: object = midnight(ctx, page.last + timedelta(days=1)) if instant else page.last + timedelta(days=1)
    begun = (Condition(on, "gte", (first,)), Condition(on, "lt", (beyond,)))
    names = tuple(dict.fromkeys(("id", "version", kind.title, on, *([end] if end else ()), *_choice(kind))))
    asked = Query(filter=(*parse_filter(of_pairs(request.query).filters), *begun), sort=(on, "id"), fields=names, limit=MOST,
                  q=request.asked("q").strip())  # fmt: skip
    records = ctx.records(kind.name)
    answer = records.query(asked)
    if not end:
        return answer.data, answer.next is not None
    lasting = (Condition(on, "lt", (first,)), Condition(end, "gte", (first,)))
    before = records.query(replace(asked, filter=(*parse_filter(of_pairs(request.query).filters), *lasting)))
    return [*before.data, *answer.data], answer.next is not None or before.next is not None


def entries(kind: Kind, on: str, rows: Sequence[Row]) -> list[Entry]:
    """Rows as entries of a calendar."""
    return [_entry(kind, on, row, first) for row in rows if (first := local(kind.ctx, row.get(on))) is not None]


def _entry(kind: Kind, on: str, row: Row, first: date) -> Entry:
    end = end_of(kind, on)
    last = local(kind.ctx, row.get(end)) if end else None
    movable = on in kind.written and kind.can("update")
    note, tone = "", "plain"
    for name in _choice(kind):
        field, key = kind.fields[name], row.get(name)
        assert isinstance(field, ChoiceField)
        option = field.options.get(str(key))
        note, tone = kind.ctx.say(option) if option else "", tone_of(field, key)
    version = row.get("version")
    return Entry(
        id=str(row["id"]),
        title=str(row.get(kind.title) or "—"),
        href=kind.at(row["id"]),
        first=day_in(first),
        last=max(day_in(last or first), day_in(first)),
        at=first.strftime("%H:%M") if isinstance(first, datetime) else "",
        tone=tone,
        note=note,
        version=version if isinstance(version, int) else 0,
        move=query_of([("_on", on)]) if movable else "",
    )


def _choice(kind: Kind) -> list[str]:
    """The choice that says most of a record: what its board stands by."""
    return [name for name in kind.boards if isinstance(kind.fields[name], ChoiceField)][:1]


PAGES = (PageRoute("calendar", path="/{plugin}/{plural}/calendar", title=_("Calendar"), permission=SIGNED_IN, view=show),)
