"""Sample activities, tasks, comments and files on the accounts and deals that are there; targets and evaluations of the people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from io import BytesIO
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

from plugins.teamwork import evaluation, files, follows, notices
from plugins.teamwork.assignments import RECORD
from plugins.teamwork.periods import Period, starting
from plugins.teamwork.tables import CANCELLED, DONE, NEW_CUSTOMERS, ON_TIME_TASKS, OPEN, PLANNED, WON_AMOUNT
from plugins.teamwork.targets import TOLD
from plugins.teamwork.workdays import today
from sdk import Condition, Context, Draft, Told, Upload, _
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
NOTES = ("大客户跟进扎实，下季度多开拓新客户。", "Strong close of the quarter; keep the tasks on schedule.", "报价响应及时，团队协作好。")
FILES = (("采购清单.csv", "产品,数量\nGTX,20\nMG,5\n"), ("Requirements.txt", "Delivery in May, training on site.\n"))
JOINT = 3
AHEAD = 14
A_MONTH = 5
QUARTERS = 4
LOWEST, HIGHEST = 300, 700
"""What a person is to sell in a month, in thousands of the company's currency."""


def fill(ctx: Context, random: Random, months: int) -> None:
    """Activities over the months and two weeks ahead, tasks around today, a few comments; then what people are measured by."""
    found = [(name, row) for name in PARTNERS if ctx.offers(name) for row in ctx.records(name).find((), EACH)]
    if found:
        _work(ctx, random, months, found)
        for (name, row), (file, content) in zip(found, FILES, strict=False):
            files.upload(ctx, f"{name}:{row['id']}", Upload(file, BytesIO(content.encode())))
    people = ctx.records("core.user").find((Condition("team", "empty", ("false",)), Condition("active", "eq", (True,))))
    if people:
        _share(ctx, people, found)
        _past(ctx, random, months, people, found)
        _goals(ctx, random, months, people)
        _evaluate(ctx, random, months)
        _tell(ctx, ctx.records("core.user").find((Condition("active", "eq", (True,)),)), found)


def _work(ctx: Context, random: Random, months: int, found: Sequence[tuple[str, Row]]) -> None:
    zone, now = ZoneInfo(ctx.tenant.timezone), ctx.now()
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
        state = random.choice((OPEN, OPEN, DONE, CANCELLED))
        tasks.append(Draft("create", {"subject": random.choice(TASKS), "about": about, "owner": owner, "due_on": due,
                                      "priority": random.choice(("high", "normal", "low")), "state": state,
                                      "done_at": now if state == DONE else None}, act=RECORD))  # fmt: skip
        if number % 3 == 0:
            comments.append(Draft("create", {"about": about, "body": random.choice(SAID), "owner": owner}))
    for entity, drafts in (("teamwork.activity", calls), ("teamwork.task", tasks), ("teamwork.comment", comments)):
        _write(ctx, entity, drafts)


def _share(ctx: Context, people: Sequence[Row], found: Sequence[tuple[str, Row]]) -> None:
    """Tasks for several people, and a record that each person follows."""
    due = today(ctx) + timedelta(days=AHEAD)
    _write(ctx, "teamwork.task", [
        Draft("create", {"subject": subject, "due_on": due, "owner": owner["id"], "helpers": [str(helper["id"])]}, act=RECORD)
        for subject, owner, helper in zip(TASKS[:JOINT], people, people[1:], strict=False)
    ])  # fmt: skip
    followed = [Reference(name, id_of(row)) for name, row in found[: len(people)]]
    _write(
        ctx,
        follows.NAME,
        [Draft("create", {"about": about, "owner": person["id"]}) for person, about in zip(people, followed, strict=False)],
    )


def _past(ctx: Context, random: Random, months: int, people: Sequence[Row], found: Sequence[tuple[str, Row]]) -> None:
    """Tasks that were done over the months, four of five in time."""
    zone, drafts = ZoneInfo(ctx.tenant.timezone), list[Draft]()
    for period in _months(ctx, months)[:-1]:
        for person in people:
            for _number in range(A_MONTH):
                due = period.start + timedelta(days=random.randint(0, 27))
                done = datetime.combine(due + timedelta(days=random.choice((-2, -1, 0, 0, 3))), time(15), zone)
                name, row = random.choice(found) if found else ("", None)
                about = Reference(name, id_of(row)) if row is not None else None
                drafts.append(Draft("create", {"subject": random.choice(TASKS), "about": about, "owner": person["id"], "due_on": due,
                                               "state": DONE, "done_at": done}, act=RECORD))  # fmt: skip
    _write(ctx, "teamwork.task", drafts)


def _goals(ctx: Context, random: Random, months: int, people: Sequence[Row]) -> None:
    """Targets: people by month, teams by quarter, the company by year."""
    currency, drafts = ctx.tenant.currency, list[Draft]()

    def add(period: Period, thousands: int, **subject: object) -> None:
        amount = {"amount": str(Decimal(thousands) * 1000), "currency": currency}
        values = {"measure": WON_AMOUNT, "period": period.kind, "period_start": period.start, "amount": amount, **subject}
        drafts.append(Draft("create", {**values, "told": 100}, act=TOLD))

    teams = sorted({UUID(str(row["team"])) for row in people}, key=str)
    within = _months(ctx, months)
    for period in within:
        for person in people:
            add(period, random.randrange(LOWEST, HIGHEST, 50), person=person["id"])
    for quarter in dict.fromkeys(starting("quarter", period.start) for period in within):
        for team in teams:
            add(quarter, random.randrange(3 * LOWEST, 3 * HIGHEST, 100) * len(people) // len(teams), team=team)
    for year in dict.fromkeys(starting("year", period.start) for period in within):
        add(year, 6 * (LOWEST + HIGHEST) * len(people))
    _write(ctx, "teamwork.target", drafts)


def _evaluate(ctx: Context, random: Random, months: int) -> None:
    """Closed evaluations of the last quarters, and an open one of the present."""
    (scheme,) = _write(ctx, "teamwork.scheme", [Draft("create", {"name": ctx.say(_("Quarterly sales evaluation"))})])
    kpis = ((WON_AMOUNT, 60, None), (NEW_CUSTOMERS, 20, "4"), (ON_TIME_TASKS, 20, "90"))
    _write(ctx, "teamwork.kpi", [Draft("create", {"scheme": scheme["id"], "measure": measure, "weight": weight, "goal": goal})
                                 for measure, weight, goal in kpis])  # fmt: skip
    quarters = list(dict.fromkeys(starting("quarter", period.start) for period in _months(ctx, months)[1:]))[-QUARTERS - 1 :]
    drafts = [
        Draft("create", {"name": name, "scheme": scheme["id"], "period": quarter.kind, "period_start": quarter.start})
        for quarter in quarters
        for name in (quarter.name.replace("-", " "),)  # as it reads in any language
    ]
    rows = _write(ctx, evaluation.NAME, drafts)
    for row in rows:
        evaluation.compute(ctx, id_of(row))
    scores = ctx.records(evaluation.SCORE).find((), 10_000)
    _write(ctx, evaluation.SCORE, [Draft("update", {"note": random.choice(NOTES)}, id_of(row)) for row in scores])
    for row in rows[:-1]:
        evaluation.close(ctx, id_of(row), quietly=True)


def _tell(ctx: Context, people: Sequence[Row], found: Sequence[tuple[str, Row]]) -> None:
    """Some notices in the application; no letters are written for samples."""
    told = list[Told]()
    for number, person in enumerate(people):
        name, row = found[number % len(found)] if found else ("", None)
        about = Reference(name, id_of(row)) if row is not None else None
        chinese = str(person["locale"] or ctx.tenant.locale).startswith("zh")
        words = ("周敏提到了您", "请看一下报价。") if chinese else ("Anna Berg mentioned you", "Please look at the offer.")
        told.append(Told(id_of(person), "", ctx.locale, "teamwork.mention", *words, about))
        words = ("提醒：准备报价", "明天到期。") if chinese else ("Reminder: send references", "Due tomorrow.")
        told.append(Told(id_of(person), "", ctx.locale, "teamwork.reminder", *words, about))
    notices.in_app(ctx, told)


def _months(ctx: Context, months: int) -> list[Period]:
    """The months before this one and this one."""
    now: date = today(ctx)
    first = now.year * 12 + now.month - 1 - months
    return [Period("month", date(at // 12, at % 12 + 1, 1)) for at in range(first, first + months + 1)]


def _write(ctx: Context, entity: str, drafts: Sequence[Draft]) -> list[Row]:
    return [outcome.row for outcome in ctx.records(entity).write_all(drafts) if outcome.row is not None]
