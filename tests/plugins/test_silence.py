"""A silent import tells nobody and plans nothing for anybody: what each subscriber, watch and schedule makes of it, beside a loud one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from core.context import Work
from core.events.states import DEAD
from core.events.tables import outbox
from core.platform import Platform
from core.testkit.fixtures import Clock, People
from core.worker.drain import Drain
from core.worker.schedule import run_due
from plugins.import_export.undo import undoing
from sdk.context import id_of
from tests.plugins.imports import Done
from tests.plugins.process import Process

LEFT = ("teamwork.notification", "customers.invitation", "automation.run", "automation.delivery")
"""What reaches people, or is on its way to them, or to systems of others."""
DEALS = "name,account,owner,stage,amount,close_date,contact\nOne,Alder,rep00,Won,900,2026-01-14,Ann\nTwo,Alder,rep00,Needs analysis,5,2026-02-01,Ann\n"
TASKS = (
    "subject,owner,helpers,state,due_on,remind_days,repeats,about\nCall,rep00,rep01,open,2026-01-16,5,,customers.account:Alder\n"
    "Report,rep00,,done,2026-01-02,,weekly,\n"
)
COMMENTS = "body,about\n@rep01 look at this,customers.account:Alder\n"


@pytest.fixture
def listening(work: Work, process: Process, people: People) -> None:
    """Whatever can hear of an import does: a survey, a plan of a stage, a target, a follower, a rule, a webhook."""
    account = work.records("customers.account").create({"name": "Alder", "owner": people.rep})
    work.records("customers.contact").create({"name": "Ann", "email": "ann@alder.example", "account": id_of(account)})
    work.records("customers.survey").create({"name": "After", "question": "Well?", "after_won": True, "by_mail": True})
    work.records("teamwork.stage_plan").create(
        {"stage": process.stages["needs-analysis"], "kind": "task", "subject": "Ask", "after_days": 1}
    )
    work.records("teamwork.target").create(
        {
            "owner": people.rep,
            "measure": "won_amount",
            "period": "month",
            "period_start": "2026-01-01",
            "amount": {"amount": "900", "currency": "USD"},
        }
    )
    for event in ("created", "updated", "deleted"):
        for entity in ("pipeline.deal", "teamwork.task"):
            work.records("automation.rule").create({
                "name": f"{entity} {event}", "entity": entity, "trigger": f"automation.{event}",
                "actions": [{"action": "automation.notify", "parameters": {"to": "owner", "title": "x"}}],
            })  # fmt: skip
    work.records("automation.webhook").create(
        {"name": "Hook", "url": "https://hooks.example/a", "entity": "pipeline.deal", "events": ["pipeline.deal.created"]}
    )
    Drain(work.platform).run_until_empty()


def _left(work: Work) -> dict[str, int]:
    found = {name: len(work.records(name).find((), 500)) for name in LEFT}
    plans = [row for row in work.records("teamwork.task").find((), 500) if row["subject"] in ("Ask", "Report")]
    with work.transaction():
        mine = outbox.c.tenant_id == work.tenant.id
        found["mail"] = work.connection.execute(sa.select(sa.func.count()).where(mine, outbox.c.name == "core.send_mail")).scalar_one()
        assert not work.connection.execute(sa.select(outbox.c.error).where(mine, outbox.c.state == DEAD)).all()
    return {**found, "planned": len(plans) - 1}


@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize("silent", [True, False], ids=["silent", "loud"])
def test_of_a_silent_import_and_of_its_undo_nobody_hears(
    work: Work, platform: Platform, clock: Clock, taken: Callable[..., Done], silent: bool
) -> None:
    done = [
        taken(entity, content, silent=silent)
        for entity, content in (("pipeline.deal", DEALS), ("teamwork.task", TASKS), ("teamwork.comment", COMMENTS))
    ]
    assert [one.counts for one in done] == [{"created": 2}, {"created": 2}, {"created": 1}], [one.rows for one in done]
    for _time in range(2):
        Drain(platform).run_until_empty()
        run_due(platform)
        clock.move(hours=1)
    left = _left(work)
    if silent:
        for one in reversed(done):
            assert undoing.carry_out(work, undoing.begin_undo(work, one.record))["state"] == "undone"
        Drain(platform).run_until_empty()
        assert _left(work) == {**dict.fromkeys((*LEFT, "mail"), 0), "planned": -1}
        assert left == dict.fromkeys((*LEFT, "mail", "planned"), 0)
    else:
        assert all(count > 0 for name, count in left.items() if name != "automation.delivery"), left
