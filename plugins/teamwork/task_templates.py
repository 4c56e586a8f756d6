"""Task templates: a named list of tasks that is put on a record, for its owner, the owner's manager, or whoever is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from plugins.teamwork import people
from plugins.teamwork.attainment import Staff
from plugins.teamwork.tables import MANAGER, OWNER, PERSON
from plugins.teamwork.workdays import after_workdays, holidays, today
from sdk import Batch, Change, Condition, Conflict, Context, Draft, Invalid, NotFound, Notice, Problem, _, where
from sdk.context import Row, id_of
from sdk.fields import Reference

NAME, LINE, APPLICATION, TASK = (f"teamwork.{word}" for word in ("task_template", "template_task", "application", "task"))
ACT = "template"
MOST = 100
"""Tasks of a template."""
CARRIED = ("subject", "priority", "notes", "helpers", "remind_days", "remind_time")
"""What a task takes from its line."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A template to be put on a record, from a day on (None: today). `request` is a word of the caller's: the same one does it once."""

    template: UUID
    about: Reference
    starts_on: date | None = None
    request: str | None = None


def prepare_templates(ctx: Context, batch: Batch) -> None:
    """A template that is for the records of one entity names one that there is."""
    for change in batch.standing():
        entity = change.after("entity")
        if entity and change.changes("entity") and not ctx.offers(str(entity)):
            change.refuse("entity", "unknown_entity", _("entity {entity!r} does not exist"), entity=str(entity)[:80])


def prepare_lines(ctx: Context, batch: Batch) -> None:
    """A line that is for a person names the person, and no other line does."""
    standing = batch.standing()
    named = [change for change in standing if change.changes("helpers") and isinstance(change.after("helpers"), list)]
    people.resolve(ctx, ((change, "helpers", [str(one) for one in change.values["helpers"]]) for change in named))  # type: ignore[attr-defined]
    for change in standing:
        if change.after("assignee") == PERSON and not change.after("person"):
            change.refuse("person", "required", _("is required when a task is for a specific person"))
        elif change.after("assignee") != PERSON and change.after("person"):
            change.refuse(
                "person", "other_assignee", _("the task is for someone else; leave this out, or set the task to a specific person")
            )
    _keep_short(
        ctx, [change for change in batch.changes if change.stands and (change.verb in ("create", "restore") or change.changes("template"))]
    )


def _keep_short(ctx: Context, coming: Sequence[Change]) -> None:
    counts: dict[object, int] = {}
    for change in coming:
        template = change.after("template")
        if template not in counts and isinstance(template, UUID):
            rows = ctx.as_system().records(LINE).aggregate(["count"], (), where(template=template))
            counts[template] = int(str(rows[0]["count"])) if rows else 0
        counts[template] = counts.get(template, 0) + 1
        if counts[template] > MOST:
            change.forbid("too_many", _("a template can have at most {most} tasks"), most=MOST)


def apply(ctx: Context, wish: Wish) -> Row:
    """Make the tasks of a template about a record that the actor sees, all or none; each of those who get some is told once, in all.

    Put on a task, they become parts of it. They are written as the system: whoever may apply a template may not be the one to give
    its tasks to a manager. The same `request` by the same person makes nothing again. Returns the application. Raises NotFound, Invalid
    for a record of another entity, Conflict for a template that is off or empty, for a person who has left, for a request used otherwise.
    """
    with ctx.transaction(write=True):
        template = ctx.records(NAME).values([wish.template]).get(wish.template)
        record = ctx.records(wish.about.entity).values([wish.about.id]).get(wish.about.id)
        for there, entity, id in ((template, NAME, wish.template), (record, *wish.about)):
            if there is None:
                raise NotFound(_("{entity} {id} does not exist"), entity=entity, id=str(id))
        assert template is not None and record is not None
        if (made := _made(ctx, wish)) is not None:
            return made
        if problems := misfit(template, wish.about.entity):
            raise Invalid(_("the template doesn’t fit the record"), problems=problems)
        lines = ctx.as_system().records(LINE).find(where(template=wish.template), MOST)
        if not template["active"] or not lines:
            raise Conflict(_("the template {name!r} is turned off or has no tasks"), code="nothing_to_apply", name=str(template["name"]))
        return _apply(ctx, wish, template, record, sorted(lines, key=_order))


def misfit(template: Row, entity: str) -> list[Problem]:
    """What keeps a template from records of an entity."""
    if template["entity"] in (None, entity):
        return []
    text = _("the template {name!r} is for {entity} records")
    return [Problem("template", "other_entity", text, {"name": str(template["name"]), "entity": str(template["entity"])})]


def tasks_of(ctx: Context, application: Row) -> list[Row]:
    """The tasks that an application made and that are still there."""
    return ctx.as_system().records(TASK).find(where(application=id_of(application)), MOST)


def _order(line: Row) -> tuple[bool, int, str]:
    position = line["position"]
    return position is None, position if isinstance(position, int) else 0, str(line["id"])


def _made(ctx: Context, wish: Wish) -> Row | None:
    """What the same request made before."""
    if wish.request is None:
        return None
    ctx.lock(APPLICATION)
    mine = Condition("owner", "empty", ("true",)) if ctx.actor.user_id is None else Condition("owner", "eq", (ctx.actor.user_id,))
    found = ctx.as_system().records(APPLICATION).find((Condition("request", "eq", (wish.request,)), mine), 1)
    if not found:
        return None
    if (found[0]["template"], found[0]["about"], found[0]["starts_on"]) != (wish.template, wish.about, wish.starts_on):
        raise Conflict(
            _("the request {request!r} has already been used for something else; use another key"),
            code="request_used",
            request=wish.request,
        )
    return found[0]


def _apply(ctx: Context, wish: Wish, template: Row, record: Row, lines: Sequence[Row]) -> Row:
    system = ctx.as_system()
    record = system.records(wish.about.entity).values([wish.about.id])[wish.about.id]  # the tasks are for its owner, whoever may see that
    doers = _doers(ctx, record, lines)
    application = system.records(APPLICATION).create(
        {"template": wish.template, "about": wish.about, "starts_on": wish.starts_on, "request": wish.request, "owner": ctx.actor.user_id}, act=ACT,
    )  # fmt: skip
    part = {"parent_task": wish.about.id, "about": record["about"]} if wish.about.entity == TASK else {"about": wish.about}
    drafts = list[Draft]()
    start = wish.starts_on or today(ctx)
    works = holidays(ctx, start)
    for line in lines:
        days = line["after_days"]
        due = after_workdays(start, days if isinstance(days, int) else 0, works)
        values = {
            **{name: line[name] for name in CARRIED},
            **part,
            "due_on": due,
            "owner": doers[id_of(line)],
            "application": application["id"],
        }
        drafts.append(Draft("create", values, act=ACT))
    rows = [outcome.row for outcome in system.records(TASK).write_all(drafts) if outcome.row is not None]
    _tell(ctx, wish.about, template, rows)
    return application


def _doers(ctx: Context, record: Row, lines: Sequence[Row]) -> Mapping[UUID, UUID | None]:
    """Who does each line's task. Where the owner has no manager who is there, the owner; without such an owner, whoever applies it."""
    owner, applier = record.get("owner"), ctx.actor.user_id
    boss = Staff(ctx, [owner]).manager(owner)
    asked = {id for id in (owner, boss, applier, *(line["person"] for line in lines)) if isinstance(id, UUID)}
    there = {id: row for id, row in ctx.as_system().records("core.user").values(asked).items() if row["active"]}
    mine = owner if isinstance(owner, UUID) and owner in there else applier
    found: dict[UUID, UUID | None] = {}
    for line in lines:
        person = line["person"]
        if line["assignee"] == PERSON and person not in there:
            text = _("the task {subject!r} is for someone who has left; choose another person in the template")
            raise Conflict(text, code="person_left", subject=str(line["subject"]))
        manager = boss if boss in there else mine
        found[id_of(line)] = {OWNER: mine, MANAGER: manager, PERSON: person if isinstance(person, UUID) else None}.get(
            str(line["assignee"]), applier
        )
    return found


def _tell(ctx: Context, about: Reference, template: Row, tasks: Sequence[Row]) -> None:
    counts: dict[UUID, int] = {}
    for task in tasks:
        for person in {task["owner"], *people.ids(task["helpers"])} - {ctx.actor.user_id}:
            if isinstance(person, UUID):
                counts[person] = counts.get(person, 0) + 1
    said, notices = {"template": str(template["name"])}, []
    for person, count in counts.items():
        # Who is given a task need not see what it is for.
        seen = people.may_see(ctx, person, about.entity, [about.id])
        record = ctx.as_user(person).records(about.entity).titles([about.id]).get(about.id, "") if seen else ""
        body = _("You have {count} new {count:task|tasks} for {record}.") if record else _("You have {count} new {count:task|tasks}.")
        params = {**said, "record": record, "count": count}
        notices.append(Notice(person, "teamwork.task", _("Tasks: {template}"), body, params, about if seen else None))
    ctx.notify(notices)


def named(ctx: Context, entity: str, id: UUID) -> list[Problem]:
    """What is wrong with a template for the records of a rule."""
    template = ctx.records(NAME).values([id]).get(id)
    if template is None:
        return [Problem("template", "no_such_template", _("task template {id} does not exist"), {"id": str(id)})]
    return misfit(template, entity)
