"""What rules can do here: create tasks and activities, comment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time, timedelta
from uuid import UUID

from marshmallow import Schema, fields, validate

from plugins.teamwork.tables import KINDS, PRIORITIES
from plugins.teamwork.task_templates import APPLICATION, Wish, apply, named, tasks_of
from plugins.teamwork.workdays import after_workdays, holidays, today
from sdk import Action, Context, GiveUp, Problem, Step, Text, _
from sdk.days import instant
from sdk.fields import Reference
from sdk.workflow import Options, Parameters, Shape, parameter

LONGEST, MOST_DAYS = 255, 3650
_SUBJECT = validate.Length(1, LONGEST)
_WHOSE = parameter(_("Assignee type"), _("Leave empty for the record’s owner."), shape=Shape.RECORD, of="core.user")


def _listed(words: Mapping[str, Text]) -> Options:
    return lambda ctx, _entity, _given: [(key, ctx.say(label)) for key, label in words.items()]


class NewTask(Schema):
    """A task about the record: for its owner, or for `owner`; `due_in_days` from today, working days unless said otherwise."""

    subject = fields.String(required=True, validate=_SUBJECT, metadata=parameter(_("Subject"), told=True))
    owner = fields.UUID(load_default=None, allow_none=True, metadata=_WHOSE)
    due_in_days = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(0, MOST_DAYS), metadata=parameter(_("Due in (days)"))
    )
    working_days = fields.Boolean(load_default=True, truthy={True}, falsy={False}, metadata=parameter(_("Count working days only")))
    priority = fields.String(load_default="normal", validate=validate.OneOf(list(PRIORITIES)),
                             metadata=parameter(_("Priority"), options=_listed(PRIORITIES)))  # fmt: skip
    notes = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=10_000),
                          metadata=parameter(_("Notes"), shape=Shape.TEXT, told=True))  # fmt: skip


class NewActivity(Schema):
    """An activity about the record, at a local time so many days from today."""

    subject = fields.String(required=True, validate=_SUBJECT, metadata=parameter(_("Subject"), told=True))
    kind = fields.String(load_default="call", validate=validate.OneOf(list(KINDS)), metadata=parameter(_("Type"), options=_listed(KINDS)))
    owner = fields.UUID(load_default=None, allow_none=True, metadata=_WHOSE)
    due_in_days = fields.Integer(load_default=0, strict=True, validate=validate.Range(0, MOST_DAYS), metadata=parameter(_("In (days)")))
    working_days = fields.Boolean(load_default=True, truthy={True}, falsy={False}, metadata=parameter(_("Count working days only")))
    at = fields.String(load_default="10:00", validate=validate.Regexp(r"([01][0-9]|2[0-3]):[0-5][0-9]\Z"), metadata=parameter(_("Time")))
    minutes = fields.Integer(load_default=30, strict=True, validate=validate.Range(0, 1440), metadata=parameter(_("Duration (minutes)")))
    notes = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=10_000),
                          metadata=parameter(_("Notes"), shape=Shape.TEXT, told=True))  # fmt: skip


class NewComment(Schema):
    """A comment on the record; mentions in it (`@[name]`) tell people."""

    body = fields.String(required=True, validate=validate.Length(1, 5_000), metadata=parameter(_("Text"), shape=Shape.TEXT, told=True))


class AppliedTemplate(Schema):
    """The tasks of a template about the record, from today on."""

    template = fields.UUID(required=True, metadata=parameter(_("Template"), shape=Shape.RECORD, of="teamwork.task_template"))


class MadeTasks(Schema):
    """What a template has made."""

    tasks = fields.List(fields.UUID(), metadata=parameter(_("Tasks"), shape=Shape.RECORD, of="teamwork.task"))


def create_task(ctx: Context, step: Step) -> Mapping[str, object]:
    """A task about the record."""
    said, days = step.parameters, step.parameters.get("due_in_days")
    due = _day(ctx, days, said.get("working_days")) if isinstance(days, int) else None
    values = {"subject": said["subject"], "about": _about(step), "owner": said.get("owner") or _owner(ctx, step), "due_on": due,
              "priority": said.get("priority") or "normal", "notes": said.get("notes")}  # fmt: skip
    return _made(ctx, "teamwork.task", values)


def create_activity(ctx: Context, step: Step) -> Mapping[str, object]:
    """An activity about the record, in the calendar of its owner."""
    said, days, minutes = step.parameters, step.parameters.get("due_in_days"), step.parameters.get("minutes")
    hour, minute = (int(part) for part in str(said.get("at") or "10:00").split(":"))
    day = _day(ctx, days if isinstance(days, int) else 0, said.get("working_days"))
    starts = instant(day, ctx.tenant.timezone, time(hour, minute))
    values = {"subject": said["subject"], "kind": said.get("kind") or "call", "about": _about(step), "starts_at": starts,
              "ends_at": starts + timedelta(minutes=minutes if isinstance(minutes, int) else 30),
              "owner": said.get("owner") or _owner(ctx, step), "notes": said.get("notes")}  # fmt: skip
    return _made(ctx, "teamwork.activity", values)


def apply_template(ctx: Context, step: Step) -> Mapping[str, object]:
    """The tasks of a template about the record: the run's own mark makes that once."""
    application = apply(ctx, Wish(UUID(str(step.parameters["template"])), _about(step)))
    return {"entity": APPLICATION, "id": str(application["id"]), "tasks": [str(task["id"]) for task in tasks_of(ctx, application)]}


def check_template(ctx: Context, entity: str, parameters: Parameters) -> list[Problem]:
    """Whether there is such a template for the records of the rule."""
    return named(ctx, entity, UUID(str(parameters["template"])))


def add_comment(ctx: Context, step: Step) -> Mapping[str, object]:
    """A comment on the record."""
    return _made(ctx, "teamwork.comment", {"about": _about(step), "body": step.parameters["body"]})


ACTIONS = (
    Action("create_task", _("Create a task"), create_task, NewTask),
    Action("apply_task_template", _("Apply a task template"), apply_template, AppliedTemplate, check=check_template, outcome=MadeTasks),
    Action("create_activity", _("Create an activity"), create_activity, NewActivity),
    Action("add_comment", _("Add a comment"), add_comment, NewComment),
)


def _about(step: Step) -> Reference:
    return Reference(step.entity, step.record_id)


def _day(ctx: Context, days: int, working: object) -> date:
    now = today(ctx)
    return after_workdays(now, days, holidays(ctx, now)) if working is not False else now + timedelta(days=days)


def _owner(ctx: Context, step: Step) -> UUID | None:
    """The owner of the record, if it has one who is still there."""
    row = ctx.as_system().records(step.entity).values([step.record_id]).get(step.record_id)
    if row is None:
        raise GiveUp(_("the record {record} is gone"), record=f"{step.entity}:{step.record_id}")
    owner = row.get("owner")
    return owner if isinstance(owner, UUID) else None


def _made(ctx: Context, entity: str, values: Mapping[str, object]) -> Mapping[str, object]:
    return {"entity": entity, "id": str(ctx.records(entity).create(values)["id"])}
