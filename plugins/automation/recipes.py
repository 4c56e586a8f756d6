"""Rules to begin with: what many want, ready to be changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plugins.automation.master import CONTRACT_ENDS
from plugins.automation.rule import kind_of
from plugins.automation.triggers import MANUAL
from sdk import Action, Context, Text, _


@dataclass(frozen=True)
class Recipe:
    """A rule as somebody might want it; its texts are said in the language of who makes it."""

    key: str
    name: Text
    icon: str
    rule: Mapping[str, Any]


RECIPES = (
    Recipe("contract-ends", _("Remind the owner one week before a contract ends"), "clock", CONTRACT_ENDS),
    Recipe("invoice-late", _("Notify the owner when an invoice is three days late"), "receipt", {
        "entity": "orders.invoice", "trigger": "automation.date",
        "parameters": {"field": "due_on", "days": 3, "direction": "after", "at": "09:00"},
        "conditions": [{"kind": "automation.filter", "parameters": {"where": ["state=issued"]}}],
        "actions": [{"action": "automation.notify", "parameters": {"to": "owner", "title": _("Invoice {{{{ number }}}} was due on {{{{ due_on }}}}")}}],
    }),
    Recipe("big-deal", _("Notify the manager when a deal becomes big"), "target", {
        "entity": "pipeline.deal", "trigger": "automation.updated", "parameters": {"fields": ["amount"]},
        "conditions": [{"kind": "automation.crossed", "parameters": {"field": "amount", "direction": "up", "value": "500000 CNY"}}],
        "actions": [{"action": "automation.notify", "parameters": {"to": "manager", "title": _(
        "The deal {{{{ name }}}} is now worth {{{{ amount }}}}"
    )}}],
    }),
    Recipe("new-lead", _("Create a call task for each new lead"), "task", {
        "entity": "leads.lead", "trigger": "automation.created", "parameters": {}, "conditions": [],
        "actions": [{"action": "teamwork.create_task", "parameters": {"subject": _("Call {{{{ name }}}}"), "due_in_days": 1}}],
    }),
    Recipe("deal-outside", _("Notify another system when a deal changes"), "out", {
        "entity": "pipeline.deal", "trigger": "automation.updated", "parameters": {}, "conditions": [],
        "actions": [{"action": "automation.call_webhook", "parameters": {"url": "https://", "body": {"deal": "{{ name }}"}}}],
    }),
    Recipe("by-hand", _("Button on an account that creates a task"), "bolt", {
        "entity": "customers.account", "trigger": MANUAL, "parameters": {}, "conditions": [],
        "actions": [{"action": "teamwork.create_task", "parameters": {"subject": _("Visit {{{{ name }}}}"), "due_in_days": 5}}],
    }),
)  # fmt: skip


def offered(ctx: Context) -> list[Recipe]:
    """Those whose records and actions the tenant has and who asks may see."""
    return [one for one in RECIPES if _fits(ctx, one)]


def _fits(ctx: Context, one: Recipe) -> bool:
    entity = str(one.rule["entity"])
    there = ctx.offers(entity) and ctx.can(f"{entity}.read")
    return there and all(kind_of(ctx, Action, str(action["action"])) is not None for action in one.rule["actions"])


def said(ctx: Context, value: Any) -> Any:
    """The parts of a recipe with its texts in the language of who makes the rule."""
    if isinstance(value, Text):
        return ctx.say(value)
    if isinstance(value, Mapping):
        return {name: said(ctx, one) for name, one in value.items()}
    return [said(ctx, one) for one in value] if isinstance(value, list | tuple) else value
