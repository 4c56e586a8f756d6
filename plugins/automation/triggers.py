"""The kinds of beginnings that automation brings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import time
from typing import cast

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from plugins.automation import choices
from plugins.automation.conditions import where_problems
from plugins.automation.schemas import Nothing
from sdk import Context, Event, Problem, Trigger, _
from sdk import fields as f
from sdk.workflow import Parameters, Shape, parameter

DELETED, DATE, SCHEDULE, MANUAL, INLET = (
    "automation.deleted",
    "automation.date",
    "automation.schedule",
    "automation.manual",
    "automation.inlet",
)
MOST_DAYS = 3660
LEAST_MINUTES = 5


class Updated(Schema):
    """Only where one of these fields has changed; none named: any."""

    fields_ = fields.List(
        fields.String(validate=validate.Length(1, 80)),
        load_default=list,
        data_key="fields",
        validate=validate.Length(0, 50),
        metadata=parameter(_("Only if one of these changes"), _("None selected: any of them."), options=choices.fields_of),
    )


class OfDomain(Schema):
    """The full name of an event that a plugin declares."""

    event = fields.String(required=True, validate=validate.Length(1, 100), metadata=parameter(_("What happens"), options=choices.events_of))


class ByDate(Schema):
    """So many days before or after a date of the record, at a local time of the tenant."""

    field = fields.String(required=True, validate=validate.Length(1, 80), metadata=parameter(_("Which date"), options=choices.dates_of))
    days = fields.Integer(required=True, strict=True, validate=validate.Range(0, MOST_DAYS), metadata=parameter(_("Number of days")))
    direction = fields.String(
        load_default="before",
        validate=validate.OneOf(("before", "after")),
        metadata=parameter(_("Before or after"), options=choices.listed({"before": _("before it"), "after": _("after it")})),
    )
    at = fields.Time(format="%H:%M", load_default=time(9), metadata=parameter(_("Time")))


class ByClock(Schema):
    """Every so many minutes, or daily at a local time of the tenant, on these days of the week (1 Monday); for the records for
    which all clauses hold."""

    every_minutes = fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=validate.Range(LEAST_MINUTES, 60 * 24 * 31),
        metadata=parameter(_("Every (minutes)"), _("Or a time of day.")),
    )
    at = fields.Time(format="%H:%M", load_default=None, allow_none=True, metadata=parameter(_("Time")))
    weekdays = fields.List(
        fields.Integer(strict=True, validate=validate.Range(1, 7)),
        load_default=lambda: [1, 2, 3, 4, 5, 6, 7],
        validate=validate.Length(1, 7),
        metadata=parameter(_("On which days"), options=choices.listed(choices.WEEKDAYS)),
    )
    where = fields.List(
        fields.String(validate=validate.Length(1, 300)),
        load_default=list,
        validate=validate.Length(0, 20),
        metadata=parameter(_("For which records"), shape=Shape.CLAUSES),
    )

    @validates_schema
    def _one_of_both(self, data: dict[str, object], **_kwargs: object) -> None:
        if (data.get("every_minutes") is None) == (data.get("at") is None):
            raise ValidationError(_("expected either every_minutes or at"), "at")


def _of_record(verb: str) -> Callable[[str, Parameters], Sequence[str]]:
    return lambda entity, _parameters: (f"{entity}.{verb}",)


def _touches(event: Event, parameters: Parameters) -> bool:
    wanted = cast("list[str]", parameters["fields_"])
    return not wanted or not set(wanted).isdisjoint(cast("list[str]", event.payload.get("fields", ())))


def _check_updated(ctx: Context, entity: str, parameters: Parameters) -> list[Problem]:
    own = ctx.records(entity).fields()
    return [
        Problem(f"fields.{place}", "unknown_field", _("{entity} has no field {field!r}"), {"entity": entity, "field": name})
        for place, name in enumerate(cast("list[str]", parameters["fields_"])) if name not in own
    ]  # fmt: skip


def _check_event(ctx: Context, entity: str, parameters: Parameters) -> list[Problem]:
    known = [event.name for event in ctx.events() if event.name.rpartition(".")[0] == entity]
    if parameters["event"] in known:
        return []
    params = {"event": parameters["event"], "entity": entity, "known": ", ".join(known) or "-"}
    return [Problem("event", "unknown_event", _("{entity} has no event {event!r}; available: {known}"), params)]


def date_events(entity: str, _parameters: Parameters) -> Sequence[str]:
    """What may bring a record into a window that has been looked at already."""
    return tuple(f"{entity}.{verb}" for verb in ("created", "updated", "restored"))


def date_begins(event: Event, parameters: Parameters) -> bool:
    """Whether the date may be another one now."""
    return not event.name.endswith(".updated") or parameters["field"] in cast("list[str]", event.payload.get("fields", ()))


def _check_date(ctx: Context, entity: str, parameters: Parameters) -> list[Problem]:
    own = ctx.records(entity).fields()
    dates = [name for name, field in own.items() if isinstance(field, f.DateField | f.DateTimeField) and "." not in name]
    if parameters["field"] in dates:
        return []
    params = {"field": parameters["field"], "entity": entity, "known": ", ".join(dates)}
    return [Problem("field", "unknown_field", _("{entity} has no date {field!r}; available: {known}"), params)]


def _check_clock(ctx: Context, entity: str, parameters: Parameters) -> list[Problem]:
    return where_problems(ctx, entity, cast("list[str]", parameters["where"]))


def _never(_entity: str, _parameters: Parameters) -> Sequence[str]:
    return ()


KINDS: Sequence[Trigger] = (
    Trigger("created", _("A record is created"), Nothing, _of_record("created")),
    Trigger("updated", _("A record is updated"), Updated, _of_record("updated"), _touches, _check_updated),
    Trigger("deleted", _("A record is deleted"), Nothing, _of_record("deleted")),
    Trigger("restored", _("A record is restored"), Nothing, _of_record("restored")),
    Trigger("event", _("Something happens to it"), OfDomain, lambda _entity, given: (str(given["event"]),), check=_check_event),
    Trigger("date", _("A date is approaching or has passed"), ByDate, date_events, date_begins, _check_date),
    Trigger("schedule", _("On a schedule"), ByClock, _never, check=_check_clock),
    Trigger("manual", _("Manually"), Nothing, _never),
    Trigger("inlet", _("A message from another system"), Nothing, _never),
)
