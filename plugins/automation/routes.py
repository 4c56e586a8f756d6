"""What people do with rules, runs, webhooks and inlets, beyond their collections."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import cast
from uuid import UUID

from marshmallow import Schema, fields, validate

from plugins.automation import inlets, rehearsal, revisions, rules, running, trials, webhooks
from plugins.automation.matching import by_hand, rule_by_id
from plugins.automation.triggers import MANUAL
from sdk import PUBLIC, Action, Conflict, Context, Permission, Request, Response, Route, RuleCondition, Scope, Text, Trigger, _
from sdk.context import id_of
from sdk.links import TOKEN

SALES = {"sales_manager": Scope.ALL}
PERMISSIONS = (
    Permission("automation.rule.run", _("Start rules manually and retry failed runs"), SALES),
    Permission("automation.rule.delegate", _("Let rules run as someone else or as the system")),
    Permission("automation.rule.stop", _("Turn off all rules at once, whoever owns them")),
)


class Chosen(Schema):
    """The records for which a rule is started."""

    records = fields.List(fields.UUID(), required=True, validate=validate.Length(1, 500))


class Started(Schema):
    """The runs that were made: one for each record for which the rule's conditions hold."""

    runs = fields.List(fields.UUID(), required=True)


class Wanted(Schema):
    """The version that a draft begins from; left out, the one in force."""

    revision = fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(1, 1_000_000))


class Days(Schema):
    """How far to look back."""

    days = fields.Integer(load_default=30, validate=validate.Range(1, 90))


class Rehearsed(Schema):
    """How often the rule would have begun, by day of the tenant, and for which records last; see `unsure` in the guide."""

    from_ = fields.String(required=True, data_key="from")
    complete = fields.Boolean(required=True)
    looked_at = fields.Integer(required=True)
    fired = fields.Integer(required=True)
    unsure = fields.Integer(required=True)
    days = fields.List(fields.Dict(), required=True)
    samples = fields.List(fields.Dict(), required=True)


class Subject(Schema):
    """The record on which a rule is tried."""

    record = fields.UUID(required=True)


class Tried(Schema):
    """When the rule would begin by its date, which conditions hold, and what each action takes and makes; see the guide."""

    begins = fields.Dict(required=True, allow_none=True)
    conditions = fields.List(fields.Dict(), required=True)
    holds = fields.Boolean(required=True)
    steps = fields.List(fields.Dict(), required=True)


class Stopped(Schema):
    """How many rules were switched off."""

    stopped = fields.Integer(required=True)


class Waiting(Schema):
    """What waits again."""

    id = fields.UUID(required=True)
    state = fields.String(required=True)


class Secret(Schema):
    """Shown once."""

    secret = fields.String(required=True)


class Address(Schema):
    """Shown once."""

    address = fields.String(required=True)


class Taken(Schema):
    """Whether something came of the message, and the record that was made of it."""

    taken = fields.Boolean(required=True)
    id = fields.UUID(required=True, allow_none=True)


RECORD = {"type": "object", "properties": {"id": {"type": "string", "format": "uuid"}}, "required": ["id"]}
_KIND = {"type": "object", "properties": {"key": {"type": "string"}, "label": {"type": "string"}}, "required": ["key", "label"]}
_KINDS = {
    "type": "object",
    "properties": {name: {"type": "array", "items": _KIND} for name in ("triggers", "conditions", "actions")},
    "required": ["triggers", "conditions", "actions"],
}


def list_kinds(ctx: Context, _request: Request) -> object:
    """What rules can be made of here, each with the form of its parameters."""
    kinds: Mapping[str, type[Trigger] | type[RuleCondition] | type[Action]] = {
        "triggers": Trigger,
        "conditions": RuleCondition,
        "actions": Action,
    }
    return {
        name: [
            {"key": one.full_key, "label": ctx.say(one.label), "parameters": _form(ctx, one.parameters()), "entities": list(getattr(one, "entities", ()))}
            for one in ctx.declared(kind)
        ]
        for name, kind in kinds.items()
    }  # fmt: skip


def _form(ctx: Context, schema: Schema) -> list[dict[str, object]]:
    return [
        {"name": one.data_key or name, "label": _label(ctx, one.metadata.get("label"), one.data_key or name), "type": type(one).__name__.lower(),
         "required": one.required, "options": list(next((rule.choices for rule in one.validators if isinstance(rule, validate.OneOf)), ()))}
        for name, one in schema.fields.items()
    ]  # fmt: skip


def _label(ctx: Context, label: Text | None, name: str) -> str:
    return name if label is None else ctx.say(label)


def start_rule(ctx: Context, request: Request) -> object:
    """Start a rule for chosen records; those that one may not see, or for which its conditions do not hold, are left out."""
    return {"runs": start_for(ctx, request.id(), cast("list[UUID]", request.body["records"]))}


def start_for(ctx: Context, id: UUID, asked: Sequence[UUID]) -> list[UUID]:
    """The runs that were made; raises Conflict for a rule that is not started by hand, or is off."""
    rule = rule_by_id(ctx, id)
    if rule.trigger != MANUAL or not ctx.records("automation.rule").get(rule.id, fields=("active",))["active"]:
        raise Conflict(_("the rule is not started manually, or is turned off"), code="not_manual")
    seen = ctx.records(rule.entity).values(asked) if ctx.can(f"{rule.entity}.read") else {}
    return by_hand(ctx, rule, [id for id in dict.fromkeys(asked) if id in seen], MANUAL, f"hand:{secrets.token_hex(8)}")


def make_draft(ctx: Context, request: Request) -> object:
    """A draft of a rule's next version."""
    made = revisions.draft(ctx, request.id(), cast("int | None", request.body["revision"]))
    return Response(ctx.records("automation.rule").get(id_of(made)), 201, {"Location": f"/api/v1/automation/rules/{id_of(made)}"})


def publish_draft(ctx: Context, request: Request) -> object:
    """Put a draft in force."""
    return ctx.records("automation.rule").get(id_of(revisions.publish(ctx, request.id())))


def rehearse_rule(ctx: Context, request: Request) -> object:
    """What a rule, active or not, would have done; nothing is done."""
    return rehearsal.rehearse(ctx, rule_by_id(ctx, request.id()), cast("int", request.query["days"]))


def try_rule(ctx: Context, request: Request) -> object:
    """What a rule would do for a record; nothing of it stays."""
    return trials.tried(ctx, rule_by_id(ctx, request.id()), cast("UUID", request.body["record"]))


def stop_rules(ctx: Context, _request: Request) -> object:
    """Switch every rule off at once."""
    return {"stopped": rules.stop_all(ctx)}


def retry_run(ctx: Context, request: Request) -> object:
    """Let a failed run wait again."""
    return running.again(ctx, request.id())


def new_secret(ctx: Context, request: Request) -> object:
    """Another secret of a webhook."""
    return webhooks.new_secret(ctx, request.id())


def send_test(ctx: Context, request: Request) -> object:
    """Tell a webhook that this is a test."""
    return webhooks.send_test(ctx, request.id())


def redeliver(ctx: Context, request: Request) -> object:
    """Send a delivery once more."""
    return webhooks.redeliver(ctx, request.id())


def new_address(ctx: Context, request: Request) -> object:
    """Another secret address of an inlet."""
    return inlets.new_address(ctx, request.id())


@contextmanager
def stop_circles(ctx: Context, request: Request) -> Iterator[object]:
    """Before the transaction of `take_message`, which would undo what is told."""
    inlets.keep_apart(ctx, request.path[TOKEN], request.guest.chain)
    yield None


def take_message(ctx: Context, request: Request) -> object:
    """A message from a system outside."""
    return inlets.take(ctx, request.path[TOKEN], request.body, request.guest.chain)


ROUTES = (
    Route(method="GET", path="/kinds", view=list_kinds, permission="automation.rule.read", summary=_(
        "Rule building blocks"
    ), answer=_KINDS),
    Route(method="POST", path="/rules/{id}/runs", view=start_rule, permission="automation.rule.run", summary=_("Start a rule manually"),
          body=Chosen, answer=Started, status=202),
    Route(method="GET", path="/rules/{id}/rehearsal", view=rehearse_rule, permission="automation.rule.read",
          summary=_("Test a rule on past events"), query=Days, answer=Rehearsed),
    Route(method="POST", path="/rules/{id}/trials", view=try_rule, permission="automation.rule.read",
          summary=_("Test a rule on a record"), body=Subject, answer=Tried),
    Route(method="POST", path="/rules/{id}/drafts", view=make_draft, permission="automation.rule.create", summary=_(
        "Create a draft of a rule’s next version"
    ),
          body=Wanted, answer=RECORD, status=201),
    Route(method="POST", path="/rules/{id}/publications", view=publish_draft, permission="automation.rule.update",
          summary=_("Activate a draft"), answer=RECORD),
    Route(method="POST", path="/rules/stops", view=stop_rules, permission="automation.rule.stop", summary=_("Turn off all rules"),
          answer=Stopped),
    Route(method="POST", path="/runs/{id}/retry", view=retry_run, permission="automation.rule.run", summary=_("Retry a failed run"),
          answer=Waiting),
    Route(method="POST", path="/webhooks/{id}/secret", view=new_secret, permission="automation.webhook.update",
          summary=_("New webhook secret"), answer=Secret),
    Route(method="POST", path="/webhooks/{id}/tests", view=send_test, permission="automation.webhook.update",
          summary=_("Send a test"), answer=Waiting, status=202),
    Route(method="POST", path="/deliveries/{id}/redeliver", view=redeliver, permission="automation.webhook.update",
          summary=_("Deliver again"), answer=Waiting),
    Route(method="POST", path="/inlets/{id}/address", view=new_address, permission="automation.inlet.update",
          summary=_("New secret URL for an inlet"), answer=Address),
    Route(method="POST", path="/hooks/{token}", view=take_message, permission=PUBLIC,
          summary=_("A message from another system"), any_object=True, answer=Taken, prepare=stop_circles),
)  # fmt: skip
