"""Rules that go by the clock: dates of records, and times of the tenant. One wake-up of each rule waits in the outbox, none otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from marshmallow import ValidationError

from plugins.automation.rule import Rule
from plugins.automation.triggers import DATE, SCHEDULE, ByClock, ByDate
from sdk import Batch, Change, Condition, Context, Event, Filter, Query, parse_where, where
from sdk import fields as f
from sdk.context import Row, id_of
from sdk.days import instant

TIMER, WAKE = "automation.timer", "automation.wake"
DAY = timedelta(days=1)
PAGE = 500
LATE = 7
"""Days after which a date that comes late begins no rule any more, where the rule waits after the date."""
OVERDUE = timedelta(minutes=10)
BY_CLOCK = {DATE: ByDate, SCHEDULE: ByClock}


def reached(now: datetime, at: time, zone: ZoneInfo) -> date:
    """The last day of the tenant whose time `at` has come."""
    day = now.astimezone(zone).date() + DAY  # at the date line a day may be left out: begin ahead
    while instant(day, zone, at) > now:
        day -= DAY
    return day


def next_time(given: Mapping[str, Any], after: datetime, zone: ZoneInfo) -> datetime:
    """The first time after `after` of a rule that goes by the clock."""
    if given["every_minutes"] is not None:
        return after + timedelta(minutes=given["every_minutes"])
    day = after.astimezone(zone).date() - DAY
    while True:
        found = instant(day, zone, given["at"])
        if found > after and day.isoweekday() in given["weekdays"]:
            return found
        day += DAY


# --- from the switch to the first wake-up -----------------------------------------------------------------------------


def begin(ctx: Context, batch: Batch, change: Change) -> None:
    """A rule that is switched on looks ahead: what is past by then is past. One that is changed while it is on goes on from where it was."""
    trigger = str(change.after("trigger"))
    if trigger not in BY_CLOCK:
        return
    try:
        given = cast("dict[str, Any]", BY_CLOCK[trigger]().load(cast("dict[str, Any]", change.after("parameters") or {})))
    except ValidationError:  # refused already
        return
    there = ctx.as_system().records(TIMER).find(where(rule=change.id), 1) if change.before is not None else []
    if not there:
        batch.also_create(TIMER, change, {"rule": change.id, **_from_now(ctx, trigger, given)})
    elif not _same_clock(change, there[0]):
        batch.also_update(TIMER, change, id_of(there[0]), _from_now(ctx, trigger, given), "begin")
    elif change.changes("parameters"):
        values = _going_on(ctx, change, there[0], given) if trigger == DATE else _from_now(ctx, trigger, given)
        batch.also_update(TIMER, change, id_of(there[0]), values, "begin")


def _same_clock(change: Change, timer: Row) -> bool:
    """Whether the rule was awake by this timer, for the same records."""
    before = cast("Row", change.before)
    return bool(
        change.verb == "update" and before["active"] and timer["next_at"] is not None
        and not any(change.changes(name) for name in ("trigger", "entity"))
    )  # fmt: skip


def _going_on(ctx: Context, change: Change, timer: Row, given: Mapping[str, Any]) -> dict[str, object]:
    """The next look at the same date, by other days or at another time: no record is left out that had not had its turn."""
    now, zone = ctx.now(), ZoneInfo(ctx.tenant.timezone)
    try:
        was = cast("dict[str, Any]", ByDate().load(cast("dict[str, Any]", cast("Row", change.before)["parameters"] or {})))
    except ValidationError:  # from before its kind was changed
        return _from_now(ctx, DATE, given)
    if any(was[name] != given[name] for name in ("field", "direction")):
        return _from_now(ctx, DATE, given)
    sooner = timedelta(days=given["days"] - was["days"]) * (1 if given["direction"] == "before" else -1)
    oldest = now.astimezone(zone).date() - timedelta(days=LATE) - DAY
    behind = cast("date", timer["reached_on"]) - sooner
    if given["direction"] == "after":
        behind = max(behind, min(oldest, cast("date", timer["reached_on"])))
    behind = min(behind, max(reached(now, given["at"], zone), cast("date", timer["reached_on"])))
    return {"reached_on": behind, "next_at": instant(behind + DAY, zone, given["at"])}


def _from_now(ctx: Context, trigger: str, given: Mapping[str, Any]) -> dict[str, object]:
    now, zone = ctx.now(), ZoneInfo(ctx.tenant.timezone)
    if trigger == SCHEDULE:
        return {"next_at": next_time(given, now, zone), "reached_on": None}
    day = reached(now, given["at"], zone)
    return {"reached_on": day, "next_at": instant(day + DAY, zone, given["at"])}


def schedule_next(ctx: Context, events: Sequence[Event]) -> None:
    """Let the timers of rules that were saved wake up; those that wait already find nothing to do then."""
    timers = ctx.records(TIMER).find((Condition("rule", "in", tuple(event.record_id for event in events)),), PAGE)
    for timer in timers:
        _wake(ctx, timer)


def _wake(ctx: Context, timer: Row) -> None:
    if timer["next_at"] is not None:
        ctx.enqueue(WAKE, {"rule": str(timer["rule"])}, at=cast("datetime", timer["next_at"]))


def sleep(ctx: Context, rule: UUID) -> None:
    """A rule that is off, or deleted, is not looked for again; switching it on or restoring it begins anew."""
    for timer in ctx.records(TIMER).find(where(rule=rule), 1):
        if timer["next_at"] is not None:
            ctx.records(TIMER).update(id_of(timer), {"next_at": None})


def resume(ctx: Context) -> None:
    """Wake what should have woken: the plugin was off, or a wake-up failed for good."""
    with ctx.transaction(write=True):
        for timer in ctx.records(TIMER).find((Condition("next_at", "lt", (ctx.now() - OVERDUE,)),), PAGE):
            ctx.enqueue(WAKE, {"rule": str(timer["rule"])})


def replan(ctx: Context, events: Sequence[Event]) -> None:
    """The tenant's time zone is another: the same days, at the times of the new zone."""
    if not any("timezone" in cast("list[str]", event.payload.get("fields", ())) for event in events):
        return
    timers = ctx.records(TIMER).find((), 5_000)
    rules = ctx.records("automation.rule").values([cast("UUID", timer["rule"]) for timer in timers])
    for timer in timers:
        rule = rules.get(cast("UUID", timer["rule"]))
        if rule is None or rule["trigger"] not in BY_CLOCK or timer["next_at"] is None:
            continue
        given = cast("dict[str, Any]", BY_CLOCK[str(rule["trigger"])]().load(cast("dict[str, Any]", rule["parameters"] or {})))
        zone = ZoneInfo(ctx.tenant.timezone)
        if rule["trigger"] == DATE:
            coming = instant(cast("date", timer["reached_on"]) + DAY, zone, given["at"])
        else:
            coming = cast("datetime", timer["next_at"]) if given["at"] is None else next_time(given, ctx.now(), zone)
        _wake(ctx, ctx.records(TIMER).update(id_of(timer), {"next_at": coming}))


# --- when it wakes ----------------------------------------------------------------------------------------------------


def due(ctx: Context, rule: Rule, actor: Context) -> Iterator[tuple[str, list[UUID]]]:
    """Parts of the records for which the time has come, each with what names the occurrence; moves the timer on.

    The caller holds the lock of the rule's timer in a write transaction. A wake-up too many finds the timer ahead of it.
    """
    timers = ctx.records(TIMER).find(where(rule=rule.id), 1)
    if not timers or timers[0]["next_at"] is None or cast("datetime", timers[0]["next_at"]) > ctx.now():
        return
    timer, zone = timers[0], ZoneInfo(ctx.tenant.timezone)
    if rule.trigger == SCHEDULE:
        given = cast("dict[str, Any]", ByClock().load(dict(rule.parameters)))
        at = cast("datetime", timer["next_at"])
        coming: dict[str, object] = {
            "next_at": next_time(given, max(at, ctx.now()) if given["at"] is not None else _grid(at, ctx.now(), given), zone)
        }
    elif rule.trigger == DATE:
        given = cast("dict[str, Any]", ByDate().load(dict(rule.parameters)))
        day = max(reached(ctx.now(), given["at"], zone), cast("date", timer["reached_on"]))
        coming = {"reached_on": day, "next_at": instant(day + DAY, zone, given["at"])}
    else:
        ctx.records(TIMER).update(id_of(timer), {"next_at": None})
        return
    if rule.trigger == SCHEDULE:
        yield from _listed(actor, rule, given, cast("datetime", timer["next_at"]))
    else:
        yield from _dated(actor, rule, given, cast("date", timer["reached_on"]), cast("date", coming["reached_on"]))
    _wake(ctx, ctx.records(TIMER).update(id_of(timer), coming))


def _grid(at: datetime, now: datetime, given: Mapping[str, Any]) -> datetime:
    """The last time on the grid that is not after now: what was missed comes once, not many times."""
    step = timedelta(minutes=given["every_minutes"])
    return at + max(timedelta(0), (now - at) // step * step)


def _listed(actor: Context, rule: Rule, given: Mapping[str, Any], at: datetime) -> Iterator[tuple[str, list[UUID]]]:
    records, cursor = actor.records(rule.entity), ""
    while True:
        page = records.query(Query(filter=parse_where(given["where"]), fields=("id",), limit=PAGE, cursor=cursor))
        yield at.isoformat(), [id_of(row) for row in page.data]
        if page.next is None:
            return
        cursor = page.next


def _dated(actor: Context, rule: Rule, given: Mapping[str, Any], behind: date, upto: date) -> Iterator[tuple[str, list[UUID]]]:
    """Records whose day is after `behind` and not after `upto`: a range of the date's index, whatever the table holds."""

    name, cursor = str(given["field"]), ""
    records = actor.records(rule.entity)
    field = records.fields().get(name)
    if field is None or upto <= behind:
        return
    window = _window(field, given, behind, upto, ZoneInfo(actor.tenant.timezone))
    while True:
        page = records.query(Query(filter=window, sort=(name,), fields=(name,), limit=PAGE, cursor=cursor))
        parts: dict[str, list[UUID]] = {}
        for row in page.data:
            parts.setdefault(str(_plain(row[name])), []).append(id_of(row))
        yield from parts.items()
        if page.next is None:
            return
        cursor = page.next


def _plain(value: object) -> str:
    """A date or an instant as it names an occurrence: the same wherever it was read."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return str(value)


def _window(field: f.Field, given: Mapping[str, Any], behind: date, upto: date, zone: ZoneInfo) -> Filter:
    far = timedelta(days=given["days"]) if given["direction"] == "before" else -timedelta(days=given["days"])
    first, last = behind + far, upto + far
    name = str(given["field"])
    if isinstance(field, f.DateTimeField):  # the local days of instants: from midnight to midnight
        since, until = (instant(day + DAY, zone) for day in (first, last))
        return (Condition(name, "gte", (since,)), Condition(name, "lt", (until,)))
    return (Condition(name, "gt", (first,)), Condition(name, "lte", (last,)))


def catch_up(ctx: Context, rule: Rule, actor: Context, ids: Sequence[UUID], moved: Set[UUID]) -> Iterator[tuple[str, list[UUID]]]:
    """Of records that have come, or whose date has `moved`, those whose day has been looked at already, if it is not long over.

    Others have been changed in what the rule asks of them: theirs has to be a day since the rule was made, else an edit of an old table were a flood.
    The caller holds the lock of the rule's timer: either the sweep before us has seen the new date, or we see how far it came.
    """

    timers = ctx.records(TIMER).find(where(rule=rule.id), 1)
    if not timers or timers[0]["reached_on"] is None:
        return
    given = cast("dict[str, Any]", ByDate().load(dict(rule.parameters)))
    zone, behind = ZoneInfo(ctx.tenant.timezone), cast("date", timers[0]["reached_on"])
    today, made = ctx.now().astimezone(zone).date(), cast("datetime", timers[0]["created_at"]).astimezone(zone).date()
    name, parts = str(given["field"]), dict[str, list[UUID]]()
    for id, row in actor.records(rule.entity).values(ids).items():
        value = row.get(name)
        if isinstance(value, date):
            day = value.astimezone(zone).date() if isinstance(value, datetime) else value
            if _late(day, given, behind, today, None if id in moved else made):
                parts.setdefault(_plain(value), []).append(id)
    yield from parts.items()


def _late(day: date, given: Mapping[str, Any], behind: date, today: date, made: date | None) -> bool:
    try:
        when = day - timedelta(days=given["days"]) if given["direction"] == "before" else day + timedelta(days=given["days"])
    except OverflowError:
        return False
    if when > behind or (made is not None and when <= made):
        return False  # the sweep will come to it; or it was past before there was the rule
    return day >= today if given["direction"] == "before" else when >= today - timedelta(days=LATE)
