"""The actions that automation brings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from marshmallow import Schema, fields, validate

from plugins.automation import choices
from plugins.automation.facts import MASK, slots
from sdk import Action, Conflict, Context, Invalid, Mail, NotFound, Notice, Problem, Step, _, where
from sdk.context import id_of
from sdk.fields import FlawError, Reference
from sdk.workflow import Parameters, Shape, parameter

CALL = "automation.call_out"
MOST_BODY = 10_000
MOST_TOLD = 5_000


class Values(Schema):
    """Fields by name with their new values."""

    values_ = fields.Dict(
        keys=fields.String(),
        values=fields.Raw(allow_none=True),
        required=True,
        data_key="values",
        validate=validate.Length(1, 100),
        metadata=parameter(_("Fields and values"), shape=Shape.VALUES),
    )


class NewRecord(Schema):
    """Another record: of which entity, with which values."""

    entity = fields.String(required=True, validate=validate.Length(1, 100), metadata=parameter(_("Of what"), options=choices.creatable))
    values_ = fields.Dict(
        keys=fields.String(),
        values=fields.Raw(allow_none=True),
        required=True,
        data_key="values",
        validate=validate.Length(1, 100),
        metadata=parameter(_("Fields and values"), shape=Shape.VALUES, of="entity"),
    )


class NewOwner(Schema):
    """Who shall own the record: an id, or the name or address of a user."""

    owner = fields.String(required=True, validate=validate.Length(1, 255), metadata=parameter(_("To"), options=choices.people))


class Letter(Schema):
    """To an address, to the owner, or to a user; subject and text."""

    to = fields.String(
        load_default="",
        validate=validate.Length(0, 300),
        metadata=parameter(_("To the address"), _("You can also use a field of the record in braces, for example {{{{ email }}}}")),
    )
    owner = fields.Boolean(load_default=False, metadata=parameter(_("To its owner")))
    user = fields.String(
        load_default="", validate=validate.Length(0, 255), metadata=parameter(_("To someone here"), options=choices.people)
    )
    subject = fields.String(required=True, validate=validate.Length(1, 300), metadata=parameter(_("Subject"), told=True))
    text = fields.String(required=True, validate=validate.Length(1, 20_000), metadata=parameter(_("Text"), shape=Shape.TEXT, told=True))


class Message(Schema):
    """Whom to tell: "owner", "manager" (the owner's), "role:<key>", or "user:<id>"; what to say."""

    to = fields.String(load_default="owner", validate=validate.Length(1, 100), metadata=parameter(_("Recipients"), options=choices.told))
    title = fields.String(required=True, validate=validate.Length(1, 300), metadata=parameter(_("Message"), told=True))
    body = fields.String(load_default="", validate=validate.Length(0, 5_000), metadata=parameter(_("Details"), shape=Shape.TEXT, told=True))


class Outside(Schema):
    """An address outside and the JSON object that it gets."""

    url = fields.Url(
        schemes={"http", "https"},
        require_tld=False,
        required=True,
        validate=validate.Length(1, 500),
        metadata=parameter(_("External URL")),
    )
    body = fields.Dict(
        keys=fields.String(), load_default=dict, metadata=parameter(_("What is sent"), _('JSON, for example {{"name": "{{{{ name }}}}"}}'))
    )


# --- records ----------------------------------------------------------------------------------------------------------


def update_record(ctx: Context, step: Step) -> Mapping[str, object]:
    """Change the record through the door, with the rights of the rule's actor."""
    values = cast("Mapping[str, object]", step.parameters["values_"])
    ctx.records(step.entity).update(step.record_id, values)
    return {"id": str(step.record_id), "fields": sorted(values)}


def create_record(ctx: Context, step: Step) -> Mapping[str, object]:
    """Make another record."""
    entity = str(step.parameters["entity"])
    made = ctx.records(entity).create(cast("Mapping[str, object]", step.parameters["values_"]))
    return {"entity": entity, "id": str(id_of(made))}


def assign(ctx: Context, step: Step) -> Mapping[str, object]:
    """Give the record to somebody."""
    row = ctx.records(step.entity).update(step.record_id, {"owner": step.parameters["owner"]})
    return {"owner": str(row["owner"])}


def _check_values(ctx: Context, entity: str, parameters: Parameters) -> list[Problem]:
    return values_problems(ctx, entity, cast("Mapping[str, object]", parameters["values_"]))


def values_problems(ctx: Context, entity: str, values: Mapping[str, object], where: str = "values") -> list[Problem]:
    """Fields that there are not or that nobody sets, and values that do not fit; what has braces is known when the rule runs."""
    own, found = ctx.records(entity).fields(), list[Problem]()
    for name, value in values.items():
        field, place = own.get(name), f"{where}.{name}"[:200]
        if field is None:
            found.append(Problem(place, "unknown_field", _("{entity} has no field {field!r}"), {"entity": entity, "field": name[:80]}))
        elif field.readonly:
            found.append(Problem(place, "read_only", _("is set by the system; leave it out")))
        elif value is not None and not slots(value):
            try:
                field.check(value)
            except FlawError as flaw:
                found.append(Problem(place, flaw.code, flaw.message, flaw.params))
    return found


def _check_new(ctx: Context, _entity: str, parameters: Parameters) -> list[Problem]:
    entity = str(parameters["entity"])
    if entity not in ctx.entities() or not ctx.can(f"{entity}.create"):
        return [Problem("entity", "unknown_entity", _("entity {entity!r} does not exist here or can’t be created"), {"entity": entity})]
    return values_problems(ctx, entity, cast("Mapping[str, object]", parameters["values_"]))


def _check_owner(ctx: Context, entity: str, parameters: Parameters) -> list[Problem]:
    if "owner" not in ctx.records(entity).fields():
        return [Problem("owner", "unknown_field", _("{entity} has no owner"), {"entity": entity})]
    return []


# --- people -----------------------------------------------------------------------------------------------------------


def send_mail(ctx: Context, step: Step) -> Mapping[str, object]:
    """Write to one or several; the letter goes when the rule's changes have been committed, and not without them."""
    asked = step.parameters
    addresses = [word.strip() for word in str(asked["to"]).replace(";", ",").split(",") if word.strip()]
    if asked["owner"]:
        addresses.append(_address(ctx, owner_of(ctx, step)))
    if asked["user"]:
        addresses.append(_address(ctx, _user(ctx, str(asked["user"]))))
    subject = " ".join(str(asked["subject"]).split())
    ctx.mail(Mail(tuple(dict.fromkeys(addresses)), subject, str(asked["text"]), about=Reference(step.entity, step.record_id)))
    return {"to": list(dict.fromkeys(addresses))}


def _address(ctx: Context, user: Mapping[str, object]) -> str:
    if not user["email"] or not user["active"]:
        raise Conflict(_("{name} has no email address, or is not active"), code="no_address", name=user["name"])
    return str(user["email"])


def owner_of(ctx: Context, step: Step) -> Mapping[str, object]:
    """The user who owns the record; raises Conflict where nobody does."""
    row = ctx.records(step.entity).values([step.record_id]).get(step.record_id, {})
    owner = row.get("owner")
    if not isinstance(owner, UUID):
        raise Conflict(_("the record has no owner"), code="no_owner")
    return _user(ctx, str(owner))


def _user(ctx: Context, word: str) -> Mapping[str, object]:
    users = ctx.as_system().records("core.user")
    field = users.fields()["manager"]
    value = field.check(word)
    rows = (
        [users.values([value]).get(value)]
        if isinstance(value, UUID)
        else users.find(where(**{"email" if "@" in word else "name": word}), 2)
    )
    if len(rows) != 1 or rows[0] is None:
        raise NotFound(_("user {user!r} does not exist"), user=word[:80])
    return rows[0]


def _check_letter(_ctx: Context, _entity: str, parameters: Parameters) -> list[Problem]:
    if not parameters["to"] and not parameters["owner"] and not parameters["user"]:
        return [Problem("to", "required", _("enter an address, the owner or a user"))]
    try:
        if parameters["to"]:
            Mail(tuple(word.strip() for word in str(parameters["to"]).replace(";", ",").split(",")), "x", "x")
    except Invalid as refusal:
        return list(refusal.problems)
    return []


def notify(ctx: Context, step: Step) -> Mapping[str, object]:
    """Tell people by every channel that the tenant has."""
    people = _told(ctx, step, str(step.parameters["to"]))
    about = Reference(step.entity, step.record_id)
    title, body = str(step.parameters["title"]), str(step.parameters["body"])
    seen = [user for user in people if _sees(ctx, user, about)]
    ctx.notify([Notice(user, "automation.rule", title, body, about=about) for user in seen])
    return {"to": [str(user) for user in seen]}


def _sees(ctx: Context, user: UUID, about: Reference) -> bool:
    """Who may not see the record is not told of it."""
    try:
        theirs = ctx.as_user(user)
        return theirs.can(f"{about.entity}.read") and bool(theirs.records(about.entity).reached([about.id]))
    except NotFound:  # has left
        return False


def _told(ctx: Context, step: Step, to: str) -> list[UUID]:
    kind, _colon, word = to.partition(":")
    users = ctx.as_system().records("core.user")
    if kind == "role":
        return [id_of(row) for row in users.find(where(roles=word, active=True), MOST_TOLD)]
    if kind == "user":
        return [id_of(_user(ctx, word))]
    owner = owner_of(ctx, step)
    if kind == "owner":
        return [id_of(owner)]
    manager = owner.get("manager")
    return [manager] if isinstance(manager, UUID) else []


def _check_told(ctx: Context, _entity: str, parameters: Parameters) -> list[Problem]:
    kind, _colon, word = str(parameters["to"]).partition(":")
    text = _("expected owner, manager, role:<key> or user:<id>, got {got!r}")
    if kind not in ("owner", "manager", "role", "user") or (kind in ("role", "user")) != bool(word):
        return [Problem("to", "unknown_choice", text, {"got": str(parameters["to"])[:80]})]
    if kind == "role" and not ctx.as_system().records("core.role").find(where(key=word), 1):
        return [Problem("to", "unknown_choice", _("role {role!r} does not exist"), {"role": word[:80]})]
    return []


# --- outside ----------------------------------------------------------------------------------------------------------


def call_webhook(ctx: Context, step: Step) -> Mapping[str, object]:
    """Send a JSON object to an address outside, after the rule's changes have been committed."""
    body = json.dumps(step.parameters["body"], ensure_ascii=False)
    if len(body) > MOST_BODY:
        raise Conflict(_("the message is longer than {most} characters"), code="too_long", most=MOST_BODY)
    ctx.enqueue(CALL, {"url": step.parameters["url"], "body": body})
    return {"url": step.parameters["url"]}


def masked(ctx: Context, entity: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of an action for the log: values for sensitive fields are not shown."""
    values = parameters.get("values")
    other = str(parameters.get("entity") or entity)
    if not isinstance(values, Mapping) or other not in ctx.entities():
        return dict(parameters)
    own = ctx.records(other).fields()
    return {**parameters, "values": {name: MASK if name in own and own[name].sensitive else value for name, value in values.items()}}


KINDS: Sequence[Action] = (
    Action("update_record", _("Update the record"), update_record, Values, check=_check_values),
    Action("create_record", _("Create a record"), create_record, NewRecord, check=_check_new),
    Action("assign", _("Assign"), assign, NewOwner, check=_check_owner),
    Action("send_mail", _("Send an email"), send_mail, Letter, check=_check_letter),
    Action("notify", _("Notify someone"), notify, Message, check=_check_told),
    Action("call_webhook", _("Call an external URL"), call_webhook, Outside),
)
