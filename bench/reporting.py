"""Deals by stage and month, with the rights of who asks."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import sqlalchemy as sa

from bench.data import Installation
from bench.table import Line, times
from core.context import Work
from core.platform import Platform
from sdk import Channel

BUDGET = "<= 1.5x by hand"
PEER = "Odoo 2.5x"
ROUNDS = 9
_BY_HAND = """
SELECT s.name, d.stage_id, {month}, d.amount_currency, count(*), sum(d.amount)
FROM pipeline_deals d LEFT JOIN pipeline_stages s ON s.tenant_id = d.tenant_id AND s.id = d.stage_id
WHERE d.tenant_id = :tenant AND d.deleted_at IS NULL {scope}
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""
_SCOPE = """AND d.owner_id IN (SELECT id FROM core_users WHERE tenant_id = :tenant
    AND team_id = (SELECT team_id FROM core_users WHERE tenant_id = :tenant AND id = :rep))"""


def measure(installation: Installation) -> list[Line]:
    """All deals as the system, and a team's as one of its representatives."""
    booted = installation.boot()
    everybody, rep = booted.system(installation.tenant), booted.user(installation.tenant, installation.rep_id, Channel.API)
    lines = [
        _line("report: all by stage and month", installation, booted, everybody, ""),
        _line("report: the team's, as representative", installation, booted, rep, _SCOPE),
    ]
    booted.close()
    return lines


def _line(work: str, installation: Installation, booted: Platform, who: Work, scope: str) -> Line:
    month = "strftime('%Y-%m', d.close_date)" if installation.kind == "SQLite" else "to_char(d.close_date, 'YYYY-MM')"
    statement = sa.text(_BY_HAND.format(month=month, scope=scope))
    given = {
        name: value.hex if installation.kind == "SQLite" else value
        for name, value in {"tenant": installation.tenant, "rep": installation.rep_id}.items()
        if f":{name}" in statement.text
    }

    def by_hand() -> int:
        with booted.database.begin(write=False, tenant=installation.tenant) as connection:
            return sum(row[4] for row in connection.execute(statement, given))

    def ours() -> int:
        return sum(
            int(str(row["count"])) for row in who.records("pipeline.deal").aggregate(["count", "sum:amount"], ["stage", "close_date:month"])
        )

    if ours() != by_hand():
        raise RuntimeError(f"{work}: the platform counts {ours()} deals, the hand-written statement {by_hand()}")
    pairs = [(_seconds(ours), _seconds(by_hand)) for _round in range(ROUNDS)]
    mine, raw = (median(each) * 1000 for each in zip(*pairs, strict=True))
    ratio = median(one / other for one, other in pairs)
    return Line(work, installation.kind, f"{mine:.1f} ms", f"{raw:.1f} ms hand-written SQL", times(ratio), BUDGET, PEER)


def _seconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started
