"""Who is busy at the same time: a double booking is told and never refused, whoever sees the other appointment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from plugins.teamwork.tables import CANCELLED
from sdk import Batch, Condition, Context, Panel, Rendering, Slot, _
from sdk.context import Row, id_of

ACTIVITY = "teamwork.activity"
MOST = 5_000
"""Appointments of others that are looked at for one page, or one write."""
MOST_OWNERS, MOST_WRITTEN = 100, 200
"""Of more people all appointments of the time are read; who writes more at once brings in a table, and is not told."""


@dataclass(frozen=True)
class _Span:
    id: UUID
    owner: object
    begins: datetime
    ends: datetime


def busy(ctx: Context, rows: Iterable[Row]) -> dict[UUID, list[str]]:
    """By activity when its owner is busy with others meanwhile: `09:30–10:00`, with their subjects as far as the actor sees them."""
    spans = [span for row in rows if (span := _span(row)) is not None]
    if not spans:
        return {}
    owners = {span.owner for span in spans}
    held = (
        Condition("starts_at", "lt", (max(span.ends for span in spans),)),
        Condition("ends_at", "gt", (min(span.begins for span in spans),)),
        Condition("state", "ne", (CANCELLED,)),
        *((Condition("owner", "in", tuple(owners)),) if len(owners) <= MOST_OWNERS else ()),
    )
    there = [span for row in ctx.as_system().records(ACTIVITY).find(held, MOST) if (span := _span(row)) is not None]
    known = {span.id: span for span in (*there, *spans)}  # what is being written counts as it will be
    by_owner: dict[object, list[_Span]] = {}
    for span in sorted(known.values(), key=lambda span: (span.begins, span.id)):
        by_owner.setdefault(span.owner, []).append(span)
    found = {
        span.id: others
        for span in spans
        if (others := [one for one in by_owner[span.owner] if one.id != span.id and one.begins < span.ends and span.begins < one.ends])
    }
    seen = ctx.records(ACTIVITY).values({one.id for others in found.values() for one in others}) if ctx.can(f"{ACTIVITY}.read") else {}
    return {id: [_said(ctx, one, seen.get(one.id, {})) for one in others] for id, others in found.items()}


def _span(row: Row) -> _Span | None:
    """None for what is at no time, nobody's, or called off; or where its reader does not see that."""
    owner, begins, ends = (row.get(name) for name in ("owner", "starts_at", "ends_at"))
    if owner is None or not isinstance(begins, datetime) or not isinstance(ends, datetime) or row.get("state") == CANCELLED:
        return None
    return _Span(id_of(row), owner, begins, ends)


def _said(ctx: Context, span: _Span, row: Row) -> str:
    zone = ZoneInfo(ctx.zone)
    begins, ends = span.begins.astimezone(zone), span.ends.astimezone(zone)
    written = "%H:%M" if begins.date() == ends.date() else "%Y-%m-%d %H:%M"
    return f"{begins:{written}}–{ends:{written}} {row.get('subject') or ''}".rstrip()


def told(ctx: Context, times: Sequence[str]) -> str:
    """As a sentence for a page."""
    return ctx.say(_TEXT, {"times": ctx.say(_("; ")).join(times)})


_TEXT = _("double-booked: busy {times}")


def warn(ctx: Context, batch: Batch) -> None:
    """Tell who writes an activity that its owner is busy then."""
    asked = [
        change
        for change in batch.changes
        if change.stands
        and (change.verb == "restore" or (change.verb != "delete" and any(map(change.changes, ("starts_at", "ends_at", "owner", "state")))))
    ]
    if ctx.silent or len(asked) > MOST_WRITTEN:
        return
    names = ("owner", "starts_at", "ends_at", "state")
    times = busy(ctx, [{"id": change.id, **{name: change.after(name) for name in names}} for change in asked])
    for change in asked:
        if change.id in times:
            change.warn("double_booked", _TEXT, times=ctx.say(_("; ")).join(times[change.id]))


def beside(ctx: Context, activity: Mapping[str, object]) -> Rendering | None:
    """On the page of an activity that its owner is booked twice."""
    id = UUID(str(activity["id"]))
    times = busy(ctx, ctx.records(ACTIVITY).values([id]).values()).get(id)
    return Rendering("teamwork/booked.html", {"text": told(ctx, times)}) if times else None


PANELS = (Panel("booked", slot=Slot.HEAD, label=_("Double booking"), permission=f"{ACTIVITY}.read", view=beside, entity=ACTIVITY),)
