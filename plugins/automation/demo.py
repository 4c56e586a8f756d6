"""Sample rules, with a few runs in their log."""

from __future__ import annotations

from random import Random

from plugins.automation.matching import by_hand
from plugins.automation.revisions import RULE
from plugins.automation.rule import rule_of
from plugins.automation.triggers import MANUAL
from sdk import Context
from sdk.context import id_of

MANY = 5
SAMPLES = (
    {
        "name": "大额商机提醒主管", "entity": "pipeline.deal", "trigger": "automation.updated", "parameters": {"fields": ["amount"]},
        "conditions": [{"kind": "automation.crossed", "parameters": {"field": "amount", "value": "500000 CNY"}}],
        "actions": [{"action": "automation.notify", "parameters": {"to": "manager", "title": "商机 {{ name }} 金额超过 50 万", "body": "{{ account.name }}"}}],
    },
    {
        "name": "Welcome a new account", "entity": "customers.account", "trigger": "automation.created", "parameters": {},
        "conditions": [],
        "actions": [{"action": "automation.notify", "parameters": {"to": "owner", "title": "New account: {{ name }}"}}],
    },
    {
        "name": "Tell the owner to look after this account", "entity": "customers.account", "trigger": MANUAL, "parameters": {}, "conditions": [],
        "actions": [{"action": "automation.notify", "parameters": {"to": "owner", "title": "Please call {{ name }}"}}],
    },
)  # fmt: skip


def fill(ctx: Context, random: Random, months: int) -> None:
    """A few beside the one that set-up brings; the one that is started by hand runs for some accounts."""
    rules = ctx.records(RULE)
    for sample in SAMPLES:
        if not ctx.offers(str(sample["entity"])):
            continue
        rule = rule_of(rules.create(sample))
        if rule.trigger == MANUAL:
            accounts = [row for row in ctx.records(rule.entity).find((), 50) if row["owner"] is not None]
            chosen = random.sample(accounts, min(MANY, len(accounts)))
            by_hand(ctx, rule, [id_of(row) for row in chosen], MANUAL, "demo")
