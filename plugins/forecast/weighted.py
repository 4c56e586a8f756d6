"""The weighted pipeline: what open deals are worth by their probability and closing period, beside what was won and the targets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import cast
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.sql import FromClause

from plugins.forecast.periods import label_of, number_in, number_of, start_of
from sdk import Condition, Context, Filter, Invalid, _
from sdk import fields as f
from sdk.columns import percent_of
from sdk.context import Row
from sdk.fields.computed import Reach, Source
from sdk.fields.money import money_wire

DEAL, TARGET = "pipeline.deal", "teamwork.target"
SPLITS = {"team": "owner.team", "person": "owner", "product": "product"}
MOST_PERIODS = 60
ZERO = Decimal(0)
OPEN, WON = Condition("status", "eq", ("open",)), Condition("status", "eq", ("won",))


def _weighted(amount: str) -> tuple[Source, Source]:
    """An amount of the deal by its probability, and the currency; both are the deal's own columns."""

    def worth(deal: FromClause, _reach: Reach) -> sa.ColumnElement[object]:
        return cast("sa.ColumnElement[object]", percent_of(deal.c[amount], deal.c.probability))

    def currency(deal: FromClause, _reach: Reach) -> sa.ColumnElement[object]:
        return cast("sa.ColumnElement[object]", deal.c[f"{amount}_currency"])

    return worth, currency


WEIGHTED = {
    "weighted_base": f.computed(
        f.converts(f.money(_("Weighted amount in company currency")), "amount"),
        *_weighted("base_amount"),
        needs=("base_amount", "probability"),
    ),
    "weighted": f.computed(f.money(_("Weighted amount")), *_weighted("amount"), needs=("amount", "probability")),
}
"""Fields beside the deal's, for who sees what they are made from."""


def _per_cent(won: Decimal, target: Decimal) -> Decimal:
    """With two digits; a hundred is what is reached, not what is nearly so."""
    rounded = (won / target * 100).quantize(Decimal("0.01"))
    return min(rounded, Decimal("99.99")) if won < target else rounded


@dataclass
class Cell:
    """One group in one period."""

    weighted: Decimal = ZERO
    open: Decimal = ZERO
    won: Decimal = ZERO
    deals: int = 0
    won_deals: int = 0
    target: Decimal | None = None

    def add(self, other: Cell) -> None:
        """Another cell's figures on top; targets are not added."""
        self.weighted, self.open, self.won = self.weighted + other.weighted, self.open + other.open, self.won + other.won
        self.deals, self.won_deals = self.deals + other.deals, self.won_deals + other.won_deals

    def wire(self, currency: str) -> dict[str, object]:
        """As JSON; `expected` is what was won and what open deals are worth."""
        attained = None if not self.target else str(_per_cent(self.won, self.target))
        return {
            "weighted": money_wire(self.weighted, currency), "open": money_wire(self.open, currency),
            "won": money_wire(self.won, currency), "expected": money_wire(self.won + self.weighted, currency),
            "deals": self.deals, "won_deals": self.won_deals,
            "target": None if self.target is None else money_wire(self.target, currency), "attained": attained,
        }  # fmt: skip


@dataclass
class Group:
    """One person, team or product, or all."""

    key: str | None
    id: str | None
    periods: dict[int, Cell] = field(default_factory=dict)
    overdue: Cell = field(default_factory=Cell)
    undated: Cell = field(default_factory=Cell)


class Pipeline:
    """The open deals that the actor sees, from a period to a period, in the tenant's currency."""

    def __init__(self, ctx: Context, start: date | None, end: date | None, grain: str, by: str) -> None:
        self.ctx, self.grain, self.by = ctx, grain, SPLITS.get(by, "")
        self.today = ctx.now().astimezone(ZoneInfo(ctx.tenant.timezone)).date()
        self.first = number_of(start or self.today, grain)
        self.last = number_of(end, grain) if end is not None else self.first + (11 if grain == "month" else 3)
        if not 0 <= self.last - self.first < MOST_PERIODS or self.last >= number_of(date.max, grain):
            raise Invalid(_("{start} to {end} must span 1 to {most} periods"), start=start, end=end, most=MOST_PERIODS)
        self.groups: dict[str | None, Group] = {}

    def answer(self) -> dict[str, object]:
        """All of it as JSON."""
        self._open()
        self._won()
        targets = _Targets(self.ctx, self.by, self.grain, self._within("period_start"))
        for id, key in targets.named.items():
            self.groups.setdefault(id, Group(key, id))
        groups = sorted(self.groups.values(), key=lambda group: (group.key is None, group.key or "", group.id or ""))
        total = Group(None, None)
        for group in groups:
            for place, cell in group.periods.items():
                total.periods.setdefault(place, Cell()).add(cell)
            total.overdue.add(group.overdue)
            total.undated.add(group.undated)
        if self.by:
            targets.put(groups, by_group=True)
        targets.put([total], by_group=False)
        return {
            "currency": self.ctx.tenant.currency, "grain": self.grain, "by": self.by or None, "today": self.today.isoformat(),
            **self._shown(total), "groups": [{"key": g.key, "id": g.id, **self._shown(g)} for g in groups] if self.by else [],
            "unpriced": self._count("base_amount"), "without_probability": self._count("probability"), "targets": targets.level,
        }  # fmt: skip

    def _shown(self, group: Group) -> dict[str, object]:
        currency, places = self.ctx.tenant.currency, range(self.first, self.last + 1)
        cells = [{"period": label_of(place, self.grain), **group.periods.get(place, Cell()).wire(currency)} for place in places]
        return {"periods": cells, "overdue": group.overdue.wire(currency), "undated": group.undated.wire(currency)}

    def _within(self, name: str, start: date | None = None) -> Filter:
        begin = max(start_of(self.first, self.grain), start or date.min)
        return (Condition(name, "gte", (begin.isoformat(),)), Condition(name, "lt", (start_of(self.last + 1, self.grain).isoformat(),)))

    def _open(self) -> None:
        """What should have closed by now is a heap of its own: in its month it would be counted as if it still could."""
        measures = ["sum:forecast.weighted_base", "sum:base_amount", "count"]
        for row in self._asked(measures, (OPEN, *self._within("close_date", self.today)), dated=True):
            self._cell(row).add(self._figures(row))
        before = Condition("close_date", "lt", (self.today.isoformat(),))
        for row in self._asked(measures, (OPEN, before), dated=False):
            self._group(row).overdue.add(self._figures(row))
        for row in self._asked(measures, (OPEN, Condition("close_date", "empty", ("true",))), dated=False):
            self._group(row).undated.add(self._figures(row))

    def _won(self) -> None:
        for row in self._asked(["sum:base_amount", "count"], (WON, *self._within("close_date")), dated=True):
            self._cell(row).add(Cell(won=self._amount(row["sum:base_amount"]), won_deals=int(str(row["count"]))))

    def _asked(self, measures: Sequence[str], filter: Filter, *, dated: bool) -> Iterable[Row]:
        by = [*([f"close_date:{self.grain}"] if dated else []), *([self.by] if self.by else [])]
        rows = self.ctx.records(DEAL).aggregate(measures, by, filter)
        return rows if by else [row for row in rows if row["count"]]

    def _group(self, row: Row) -> Group:
        id = str(row[f"{self.by}.id"]) if self.by and row[f"{self.by}.id"] is not None else None
        key = str(row[self.by]) if self.by and row[self.by] is not None else None
        return self.groups.setdefault(id, Group(key, id))

    def _cell(self, row: Row) -> Cell:
        return self._group(row).periods.setdefault(number_in(str(row[f"close_date:{self.grain}"]), self.grain), Cell())

    def _figures(self, row: Row) -> Cell:
        weighted, whole = self._amount(row["sum:forecast.weighted_base"]), self._amount(row["sum:base_amount"])
        return Cell(weighted, whole, deals=int(str(row["count"])))

    def _amount(self, value: object) -> Decimal:
        return sum_in(value, self.ctx.tenant.currency)

    def _count(self, missing: str) -> int:
        rows = self.ctx.records(DEAL).aggregate(["count"], (), (OPEN, Condition(missing, "empty", ("true",))))
        return int(str(rows[0]["count"])) if rows else 0


def sum_in(value: object, currency: str) -> Decimal:
    """The part of a reported sum that is in a currency; others are not added to it."""
    parts = value if isinstance(value, list) else [value]
    mine = [part for part in parts if isinstance(part, Mapping) and part["currency"] == currency]
    return sum((Decimal(str(part["amount"])) for part in mine), ZERO)


def target_kinds(ctx: Context, grain: str) -> tuple[str, ...]:
    """Which periods targets have of this grain: quarters of a fiscal year that begins with one of the calendar are quarters of the calendar."""
    fiscal = ("fiscal_quarter",) if grain == "quarter" and ctx.tenant.fiscal_year_start % 3 == 1 else ()
    return (grain, *fiscal)


class _Targets:
    """Targets of what is to be won, where somebody sets them; `level` says whose they are that stand beside the total."""

    def __init__(self, ctx: Context, by: str, grain: str, within: Filter) -> None:
        self.grain, self.level = grain, None if not ctx.offers(TARGET) else "none"
        self.rows: list[Row] = []
        if ctx.offers(TARGET) and ctx.can(f"{TARGET}.read"):
            # A target of one product, channel or region is a part of its subject's whole goal; beside all deals it would be counted on top.
            whole = [Condition("parts", "empty", ("true",))] if "parts" in ctx.records(TARGET).fields() else []
            wanted = (Condition("measure", "eq", ("won_amount",)), Condition("period", "in", target_kinds(ctx, grain)), *within, *whole)
            self.rows = ctx.records(TARGET).aggregate(["sum:amount"], [f"period_start:{grain}", "team", "person"], wanted)
        self.currency, self.kind = ctx.tenant.currency, {"owner.team": "team", "owner": "person"}.get(by, "")
        mine = [row for row in self.rows if self._of(row) == self.kind]
        self.named = {str(row[f"{self.kind}.id"]): None if row[self.kind] is None else str(row[self.kind]) for row in mine}

    def put(self, groups: Sequence[Group], *, by_group: bool) -> None:
        """Beside each group its own; beside the total the company’s own, else the teams', else the people's together."""
        if by_group:
            for group in groups if self.kind else ():
                mine = [row for row in self.rows if self._of(row) == self.kind and str(row[f"{self.kind}.id"]) == group.id]
                self._add(group, mine)
            return
        for level in ("company", "team", "person"):
            mine = [row for row in self.rows if self._of(row) == level]
            if mine:
                self.level = level
                self._add(groups[0], mine)
                return

    def _of(self, row: Row) -> str:
        return "person" if row["person.id"] is not None else "team" if row["team.id"] is not None else "company"

    def _add(self, group: Group, rows: Sequence[Row]) -> None:
        for row in rows:
            cell = group.periods.setdefault(number_in(str(row[f"period_start:{self.grain}"]), self.grain), Cell())
            cell.target = (cell.target or ZERO) + sum_in(row["sum:amount"], self.currency)
