"""The rules of tasks and activities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import cast
from uuid import UUID
from zoneinfo import ZoneInfo

from plugins.teamwork import assignments, booking, planning
from plugins.teamwork.tables import DONE, LATE, ON_TIME, OPEN
from plugins.teamwork.workdays import following, local_day, reminder, today, zones_of
from sdk import Batch, Change, Condition, Context, Draft, Event, Notice, _
from sdk.context import Row, id_of
from sdk.fields import Reference

USUAL = timedelta(hours=1)
"""How long an activity takes of which nobody says so."""
MORNING = "09:00"
REMIND = "remind"
REPEATED = "teamwork.task.repeated"
CARRIED = (
    "subject", "about", "priority", "owner", "helpers", "remind_days", "remind_time", "repeats", "repeat_every", "repeat_day", "repeat_until",
    "parent_task", "notes",
)  # fmt: skip
"""What a task that comes again takes along."""
PART = 500
MOST_WAITING = 10_000
"""Reminders of one person that follow a move."""


def prepare_tasks(ctx: Context, batch: Batch) -> None:
    """When a task was done and whether in time, when to remind of it, what follows it, who does it."""
    planning.keep_mandatory(ctx, batch)
    zones, home = _zones(ctx, batch), ZoneInfo(ctx.tenant.timezone)
    for change in batch.standing():
        if change.changes("state") and change.act != assignments.RECORD:
            change.values["done_at"] = ctx.now() if change.after("state") == DONE else None
        if change.changes("state") or change.changes("due_on"):
            change.values["timeliness"] = _timeliness(ctx, change)
        owner = change.after("owner")
        _remind(ctx, change, zones.get(owner, home) if isinstance(owner, UUID) else home)
        _repeat(ctx, batch, change)
    assignments.prepare(ctx, batch)


def _zones(ctx: Context, batch: Batch) -> Mapping[UUID, ZoneInfo]:
    """By what clock those live whom their tasks are to remind; nobody is asked for where none does."""
    reminding = [
        change for change in batch.standing() if change.after("remind_days") is not None or change.after("remind_time") is not None
    ]
    owners = {owner for change in reminding if isinstance(owner := change.after("owner"), UUID)}
    return zones_of(ctx, owners) if owners else {}


def _timeliness(ctx: Context, change: Change) -> str | None:
    """A task is on time until its day is over where the tenant is."""
    done, due = change.after("done_at"), change.after("due_on")
    if change.after("state") != DONE or not isinstance(done, datetime) or not isinstance(due, date):
        return None
    return ON_TIME if local_day(ctx, done) <= due else LATE


def _remind(ctx: Context, change: Change, zone: ZoneInfo) -> None:
    """The next reminder is planned where it is asked for, by the clock of the task's owner; one whose time is over comes with the next look at the
    clock, unless the day is over."""
    if change.act == REMIND or not any(change.changes(name) for name in ("due_on", "remind_days", "remind_time", "state", "owner")):
        return
    due, days, clock = change.after("due_on"), change.after("remind_days"), change.after("remind_time")
    if days is None and clock is not None:
        days = change.values["remind_days"] = 0
    if not isinstance(days, int) or not isinstance(due, date):
        change.values["remind_at"] = None
        if isinstance(days, int) and change.after("state") == OPEN:
            change.refuse("due_on", "required", _("is required: the reminder is sent that many days earlier"))
        return
    if clock is None:
        clock = change.values["remind_time"] = MORNING
    if change.after("state") != OPEN or due < ctx.now().astimezone(zone).date():
        change.values["remind_at"] = None
    elif change.before is None or any(change.changes(name) for name in ("due_on", "remind_days", "remind_time", "owner")):
        try:
            change.values["remind_at"] = reminder(zone, due, days, str(clock))
        except OverflowError:
            change.refuse("due_on", "out_of_range", _("that would be before the first possible date"))
    coming = change.values.get("remind_at")
    if ctx.silent and isinstance(coming, datetime) and coming <= ctx.now():
        change.values["remind_at"] = None  # its time was before the task came to us


def follow_clocks(ctx: Context, events: Sequence[Event]) -> None:
    """People who have moved to another time zone are reminded by its clock from now on, also of what is planned."""
    moved = {event.record_id for event in events if "timezone" in cast("Sequence[str]", event.payload.get("fields", ()))}
    zones, tasks = zones_of(ctx, moved), ctx.records("teamwork.task")
    for person in moved:
        waiting = (Condition("owner", "eq", (str(person),)), Condition("remind_at", "gt", (ctx.now(),)), Condition("state", "eq", (OPEN,)))
        with ctx.transaction(write=True):
            rows = tasks.find(waiting, MOST_WAITING)
            tasks.write_all([Draft("update", {"remind_at": _of_task(row, zones[person])}, id_of(row), act=REMIND) for row in rows])


def _of_task(row: Row, zone: ZoneInfo) -> datetime:
    due, days = row["due_on"], row["remind_days"]
    assert isinstance(due, date), "what reminds has a day"
    assert isinstance(days, int), "and so many before it"
    return reminder(zone, due, days, str(row["remind_time"]))


def _repeat(ctx: Context, batch: Batch, change: Change) -> None:
    """A task that comes again is followed by the next one when it is done here, once, even if it is opened and done again."""
    rhythm, due = change.after("repeats"), change.after("due_on")
    if rhythm is None:
        return
    if not isinstance(due, date):
        change.refuse("due_on", "required", _("is required: the recurrence starts from there"))
        return
    every = change.after("repeat_every") or change.values.setdefault("repeat_every", 1) or 1
    if change.after("repeat_day") is None and rhythm in ("monthly", "yearly"):
        change.values["repeat_day"] = due.day
    if change.after("state") != DONE or not (change.before is None or change.changes("state")) or change.after("repeated"):
        return
    anchor = change.after("repeat_day")
    coming = following(due, str(rhythm), int(str(every)), anchor if isinstance(anchor, int) else due.day, today(ctx))
    until = change.after("repeat_until")
    change.values["repeated"] = "yes"
    history = change.before is None and ctx.silent  # done elsewhere, where the next one was made
    if coming is not None and not history and not (isinstance(until, date) and coming > until):
        batch.emit(REPEATED, change, {"due_on": coming})


def repeat(ctx: Context, events: Sequence[Event]) -> None:
    """Make the next task of each that was done; where it cannot be made (its record is gone), its owner is told why."""
    there = ctx.records("teamwork.task").values({event.record_id for event in events})
    done = [(there[event.record_id], event) for event in events if event.record_id in there]
    drafts = [Draft("create", {**{name: row[name] for name in CARRIED}, "due_on": event.payload["due_on"]}) for row, event in done]
    notices = []
    for (row, _event), outcome in zip(done, ctx.records("teamwork.task").write(drafts) if drafts else (), strict=True):
        if outcome.refusal is not None and isinstance(row["owner"], UUID):
            said = {"subject": str(row["subject"]), "reason": str(outcome.refusal)}
            title, body = _("Not repeated: {subject}"), _("The next task could not be created: {reason}")
            notices.append(Notice(row["owner"], "teamwork.task", title, body, said, Reference("teamwork.task", id_of(row))))
    ctx.notify(notices)


def prepare_activities(ctx: Context, batch: Batch) -> None:
    """An activity has an end, which is not before its start; one that is moved keeps its length."""
    planning.keep_mandatory(ctx, batch)
    for change in batch.standing():
        starts, ends = change.after("starts_at"), change.after("ends_at")
        if not isinstance(starts, datetime):
            continue
        before = change.before or {}
        was, until = before.get("starts_at"), before.get("ends_at")
        if change.changes("starts_at") and "ends_at" not in change.values and isinstance(was, datetime) and isinstance(until, datetime):
            ends = change.values["ends_at"] = _later(starts, until - was)
        if ends is None:
            change.values["ends_at"] = _later(starts, USUAL)
        elif isinstance(ends, datetime) and ends < starts:
            change.refuse("ends_at", "before_start", _("ends before it starts"))
    booking.warn(ctx, batch)


def _later(moment: datetime, by: timedelta) -> datetime:
    """At the edge of time there is no later."""
    return moment + min(by, datetime.max.replace(tzinfo=moment.tzinfo) - moment)


def remind(ctx: Context) -> None:
    """Tell of the tasks whose reminder is due, each once: the mark and the notices commit together. The index leads to them alone."""
    while _remind_some(ctx):
        pass


def _remind_some(ctx: Context) -> bool:
    tasks = ctx.records("teamwork.task")
    with ctx.transaction(write=True):
        ctx.lock("teamwork.reminders")  # two workers must not read the same tasks
        rows = tasks.find((Condition("remind_at", "lte", (ctx.now(),)),), PART)
        tasks.write_all([Draft("update", {"remind_at": None}, id_of(row), act=REMIND) for row in rows])
        notices = []
        for row in rows:
            params = {"subject": str(row["subject"]), "due": row["due_on"]}
            for person in assignments.doers(row) if row["state"] == OPEN else ():
                about = Reference("teamwork.task", id_of(row))
                notices.append(Notice(person, "teamwork.reminder", _("Reminder: {subject}"), _("Due on {due}."), params, about))
        ctx.notify(notices)
    return len(rows) == PART
