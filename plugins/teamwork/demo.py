"""Sample activities, tasks and comments on the accounts and deals that are there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from plugins.teamwork.tables import CANCELLED, DONE, OPEN, PLANNED
from sdk import Context, Draft
from sdk.context import Row, id_of
from sdk.fields import Reference

PARTNERS = ("pipeline.deal", "customers.account", "leads.lead")
EACH = 60
CALLS = (
    ("call", "电话沟通需求"),
    ("visit", "上门拜访"),
    ("meeting", "Product demonstration"),
    ("mail", "Sent the offer"),
    ("call", "Follow-up call"),
)
TASKS = ("准备报价", "Send references", "安排下次会议", "Check the contract")
SAID = ("客户对价格比较敏感。", "They decide next week.", "联系人换了。", "Budget is approved.")
AHEAD = 14


def fill(ctx: Context, random: Random, months: int) -> None:
    """Activities over the months and two weeks ahead, tasks around today, a few comments."""
    found = [(name, row) for name in PARTNERS if ctx.offers(name) for row in ctx.records(name).find((), EACH)]
    if not found:
        return
    zone = ZoneInfo(ctx.tenant.timezone)
    now = ctx.now()
    calls, tasks, comments = list[Draft](), list[Draft](), list[Draft]()
    for number, (name, row) in enumerate(found):
        about, owner = Reference(name, id_of(row)), row.get("owner")
        for _time in range(random.randint(1, 3)):
            day = now.astimezone(zone).date() + timedelta(days=random.randint(-30 * months, AHEAD))
            starts = datetime.combine(day, time(random.randint(9, 17), random.choice((0, 30))), zone)
            kind, subject = random.choice(CALLS)
            calls.append(Draft("create", {"subject": subject, "kind": kind, "about": about, "owner": owner, "starts_at": starts,
                                          "ends_at": starts + timedelta(minutes=random.choice((30, 60, 90))),
                                          "state": DONE if starts < now else PLANNED}))  # fmt: skip
        due = now.astimezone(zone).date() + timedelta(days=random.randint(-10, AHEAD))
        tasks.append(Draft("create", {"subject": random.choice(TASKS), "about": about, "owner": owner, "due_on": due,
                                      "priority": random.choice(("high", "normal", "low")),
                                      "state": random.choice((OPEN, OPEN, DONE, CANCELLED))}))  # fmt: skip
        if number % 3 == 0:
            comments.append(Draft("create", {"about": about, "body": random.choice(SAID), "owner": owner}))
    for entity, drafts in (("teamwork.activity", calls), ("teamwork.task", tasks), ("teamwork.comment", comments)):
        _write(ctx, entity, drafts)


def _write(ctx: Context, entity: str, drafts: Sequence[Draft]) -> list[Row]:
    rows = []
    for outcome in ctx.records(entity).write(drafts):
        if outcome.refusal is not None:
            raise outcome.refusal
        assert outcome.row is not None
        rows.append(outcome.row)
    return rows
