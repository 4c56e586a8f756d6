"""What is worked out for each row that is shown costs a look-up for each row, whatever databases know of their tables."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from core.context import Work
from core.data.statistics import FIRST
from core.entities.ids import new_id
from core.platform import Platform
from core.testkit.fixtures import Api, People
from sdk import Channel, Draft
from tests.plugins.process import Process

type_statement = tuple[str, Any]
_LOOKED_UP = re.compile(r"SEARCH (?!core_)(\S+) USING (?:COVERING )?INDEX \S+ \((.*)\)")


def asked(work: Work, do: Callable[[], object]) -> list[type_statement]:
    """The statements that something sends, with their parameters."""
    found, engine = list[type_statement](), work.platform.database.engine

    def hear(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        found.append((statement, parameters))

    sa.event.listen(engine, "before_cursor_execute", hear)
    try:
        do()
    finally:
        sa.event.remove(engine, "before_cursor_execute", hear)
    return found


@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
def test_records_beside_a_row_are_found_by_the_link_that_leads_there_and_not_by_owner_state_or_day(
    platform: Platform, work: Work, people: People, process: Process
) -> None:
    """SQLite has no statistics and takes the index of a state for as good as that of a link."""
    roll_up = {"kind": "roll_up", "label": "R", "source": "pipeline.deal", "measure": "sum:amount", "where": "status=open"}
    work.records("core.custom_field").create({**roll_up, "entity": "customers.account", "key": "open", "link": "account"})
    work.records("core.custom_field").create({**roll_up, "entity": "leads.campaign", "key": "open", "link": "leads.campaign"})
    seen = set[str]()
    for own in (work, platform.user(work.tenant.id, people.rep, Channel.API)):
        for name in ("customers.account", "leads.campaign", "pipeline.deal", "leads.lead"):
            with own.transaction():
                reader = own.reader(own.catalog.entities[name])
                for statement, parameters in asked(own, lambda reader=reader: reader.many([new_id(), new_id()])):  # type: ignore[misc]
                    plan = own.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
                    within = dict[int, bool]()
                    for id, parent, _unused, text in plan:
                        within[id] = within.get(parent, False) or "CORRELATED" in text
                        if within[id] and (found := _LOOKED_UP.match(text)):
                            seen.add(f"{found[1].partition('_1')[0]}: {found[2]}")
    by = {one: re.findall(r"(\w+)[=<>]", one.partition(": ")[2]) for one in seen}
    assert {"orders_orders: tenant_id=? AND account_id=?", "leads_origins: tenant_id=? AND campaign_id=?"} <= seen
    links = {"id", "about", "account_id", "campaign_id", "last_campaign_id", "parent_id", "deal_id", "person_id"}
    assert [one for one, columns in by.items() if not links & {*columns}] == []


@pytest.mark.parametrize("database_templates", ["postgresql"], indirect=True)
def test_the_list_of_campaigns_does_not_read_the_deals_anew_for_each_deal(client: Api, work: Work, process: Process) -> None:
    campaigns = [done.id for done in work.records("leads.campaign").write_all([Draft("create", {"name": f"C{n}"}) for n in range(4)])]
    work.records("pipeline.deal").write_all([
        Draft("create", {"name": f"D{n}", "pipeline": process.id, "stage": process.stages["won"], "amount": {"amount": "10"}, "leads.campaign": campaigns[n % 4]})
        for n in range(FIRST)
    ])  # fmt: skip
    rows = list[dict[str, Any]]()
    (statement, given) = next(
        one for one in asked(work, lambda: rows.extend(client.get("/api/v1/leads/campaigns").json["data"])) if "leads_origins" in one[0]
    )
    assert sum(row["leads.won_deals"] for row in rows) == FIRST
    said = re.sub(
        r"\$(\d+)",
        lambda place: str(given[int(place[1]) - 1]) if isinstance(given[int(place[1]) - 1], int) else f"'{given[int(place[1]) - 1]}'",
        statement,
    )
    with work.transaction():
        (plan,) = work.connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {said}").scalar_one()
    assert read(plan["Plan"]) < 100 * FIRST, "each deal once for each figure and campaign at the most, and not as often as there are deals"


def read(node: dict[str, Any]) -> int:
    """How many rows a plan has looked at in all."""
    mine = sum(node.get(name, 0) for name in ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter"))
    return int(mine * node.get("Actual Loops", 1)) + sum(read(one) for one in node.get("Plans", ()))
