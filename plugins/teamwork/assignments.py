"""Who does a task: its owner and those who help. Each one new to it is told once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from plugins.teamwork import people
from plugins.teamwork.tables import CANCELLED
from sdk import Batch, Change, Condition, Context, Draft, Event, Notice, _
from sdk.changes import HAND_OVER
from sdk.context import Row, id_of
from sdk.fields import Reference

TASK, ASSIGNMENT = "teamwork.task", "teamwork.assignment"
ASSIGNED = "teamwork.task.assigned"
RECORD = "record"
"""The act that keeps what was done long ago, with the instant at which it was."""
QUIET = frozenset({"plan", "stale", "template", RECORD})
"""Acts that make tasks for an owner by themselves: a stage that asks for five would tell five times. A template tells in its own way."""
MOST = 100_000


def prepare(ctx: Context, batch: Batch) -> None:
    """Find the helpers, keep with whom each task is shared, and say who is new to it."""
    named = [change for change in batch.standing() if change.changes("helpers") and isinstance(change.after("helpers"), list)]
    people.resolve(ctx, ((change, "helpers", [str(one) for one in change.values["helpers"]]) for change in named))  # type: ignore[attr-defined]
    standing = [change for change in batch.standing() if change.changes("helpers") or change.changes("owner") or change.before is None]
    _share(ctx, batch, [change for change in standing if change.changes("helpers")])
    for change in standing:
        before = change.before or {}
        new = _doers(change.after("owner"), change.after("helpers"))
        known = {*_doers(before.get("owner"), before.get("helpers")), ctx.actor.user_id}
        if told := [str(person) for person in new if person not in known] if change.act not in QUIET else []:
            batch.emit(ASSIGNED, change, {"people": told, "by": ctx.actor.user_id})


def _doers(owner: object, helpers: object) -> list[UUID]:
    return list(dict.fromkeys([*([owner] if isinstance(owner, UUID) else []), *people.ids(helpers)]))


def doers(task: Row) -> list[UUID]:
    """The owner of a task and those who help."""
    return _doers(task["owner"], task["helpers"])


def helped(ctx: Context, person: UUID, first: date, last: date) -> list[Row]:
    """Tasks due from one day to another with which a person helps, as the actor sees them; none that was called off."""
    asked = (Condition("person", "eq", (person,)), Condition("task.due_on", "gte", (first,)), Condition("task.due_on", "lte", (last,)))
    ids = {UUID(str(row["task"])) for row in ctx.as_system().records(ASSIGNMENT).find(asked, MOST)}
    rows = ctx.records(TASK).values(ids).values()
    return [row for row in rows if row.get("due_on") and row.get("state") != CANCELLED and row.get("owner") != person]


def _share(ctx: Context, batch: Batch, changes: Sequence[Change]) -> None:
    """A row for each helper; who helps no longer loses it."""
    changed = {change.id for change in changes if change.before is not None}
    there: dict[UUID, list[Row]] = {}
    for start in range(0, len(changed), 500):
        part = Condition("task", "in", tuple(sorted(changed)[start : start + 500]))
        for row in ctx.as_system().records(ASSIGNMENT).find((part,), MOST):
            there.setdefault(UUID(str(row["task"])), []).append(row)
    for change in changes:
        wanted, rows = set(people.ids(change.after("helpers"))), there.get(change.id, [])
        for person in sorted(wanted - {row["person"] for row in rows}):
            batch.also_create(ASSIGNMENT, change, {"task": change.id, "person": person})
        for row in rows:
            if row["person"] not in wanted:
                batch.side_rows.append((ASSIGNMENT, change.id, Draft("delete", {}, id_of(row))))


def prepare_handed(ctx: Context, batch: Batch) -> None:
    """Where a helper's place passes to a successor, the task says so, too."""
    handed = [change for change in batch.changes if change.act == HAND_OVER and change.stands and change.before is not None]
    tasks = ctx.as_system().records(TASK).values({UUID(str(change.after("task"))) for change in handed})
    for change in handed:
        task, was = UUID(str(change.after("task"))), str((change.before or {})["person"])
        helpers = tasks[task]["helpers"] if task in tasks else None
        if isinstance(helpers, list) and was in helpers:
            left = [str(change.after("person")) if one == was else one for one in helpers]
            left = [one for one in left if change.verb != "delete" or one != was]
            batch.also_update(TASK, change, task, {"helpers": list(dict.fromkeys(left)) or None}, HAND_OVER)


def tell(ctx: Context, events: Sequence[Event]) -> None:
    """Tell each new assignee, once: this and its mark commit together."""
    tasks = ctx.as_system().records(TASK).values({event.record_id for event in events})
    givers = {UUID(str(event.payload["by"])) for event in events if event.payload.get("by")}
    names = {id: str(row["name"]) for id, row in ctx.as_system().records("core.user").values(givers).items()}
    notices = []
    for event in events:
        task = tasks.get(event.record_id)
        there = doers(task) if task is not None else []
        by, due = event.payload.get("by"), task["due_on"] if task is not None else None
        body = (
            _("{name} assigned you a task, due {due}.")
            if by and due
            else _("{name} assigned you a task.")
            if by
            else _("You have a new task.")
        )
        params = {"subject": str(task["subject"]) if task else "", "name": names.get(UUID(str(by)), "") if by else "", "due": due}
        said = event.payload["people"]
        for person in (UUID(str(one)) for one in (said if isinstance(said, list) else ())):
            if person in there:  # taken from the task again before anybody was told
                notices.append(Notice(person, "teamwork.task", _("Task: {subject}"), body, params, Reference(TASK, event.record_id)))
    ctx.notify(notices)
