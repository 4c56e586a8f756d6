"""What was reached in a period: counted in sets, one statement for all people, teams, products, regions of a measure.

Amounts are in the company’s own currency at the rate of each deal's close date; a deal without a rate is counted as not priced.
Numbers are counted as the system: who may see a target may see how far it is reached, as on a sheet of targets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias
from uuid import UUID

from plugins.teamwork.periods import Period
from plugins.teamwork.tables import ACTIVITIES, DEALS, DONE, NEW_CUSTOMERS, ON_TIME, ON_TIME_TASKS, OPEN, WON_AMOUNT, WON_COUNT
from plugins.teamwork.workdays import today
from sdk import Condition, Context
from sdk.context import Row

KIND = "kind"
PARTS = {
    "product": ("product", DEALS, "product"), "product_line": ("product.series", "catalog.product", "series"),
    "channel": ("source", DEALS, "source"), "campaign": ("leads.campaign", DEALS, "leads.campaign"),
    "region": ("account.region", "customers.account", "region"), "account": ("account", DEALS, "account"),
}  # fmt: skip
"""With what a target may be reached: its field, what that is of a deal, and the partner's field that must be there for it."""
MOST = 10_000
PART = 500
MOST_PEOPLE = 100_000
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of what was reached: by whom, with what. `value` is an amount in the company's currency, or a count."""

    owner: object
    parts: Mapping[str, object] = field(default_factory=dict)
    value: Decimal = Decimal(0)
    of: Decimal = Decimal(0)
    """For shares: how many there were in all."""
    unpriced: int = 0


@dataclass(frozen=True, slots=True)
class Reached:
    """What a person, a team or the company reached."""

    value: Decimal
    unpriced: int = 0


@dataclass(frozen=True, slots=True)
class Subject:
    """Of whom, and of what: None is everybody, everything."""

    people: frozenset[UUID] | None = None
    parts: Mapping[str, object] = field(default_factory=dict)

    def has(self, piece: Piece) -> bool:
        """Whether the piece counts for it."""
        mine = self.people is None or piece.owner in self.people
        return mine and all(wanted is None or wanted == piece.parts.get(name) for name, wanted in self.parts.items())


By: TypeAlias = "Mapping[str, frozenset[object]]"
"""The parts by which to count, and of each what is asked for; the kind of activities is counted whole."""
Count: TypeAlias = "Callable[[Context, Period, By], list[Piece]]"


def pieces(ctx: Context, measure: str, period: Period, by: By | None = None) -> list[Piece]:
    """What was reached in a period, by owner and by the parts that are asked for."""
    return COUNTS[measure](ctx, period, by or {})


def parts_there(ctx: Context) -> frozenset[str]:
    """The parts of deals that the tenant's plugins know."""
    system, entities = ctx.as_system(), {entity for _path, entity, _name in PARTS.values()}
    fields = {entity: system.records(entity).fields() for entity in entities if ctx.offers(entity)} if ctx.offers(DEALS) else {}
    return frozenset(part for part, (_path, entity, name) in PARTS.items() if name in fields.get(entity, {}))


def total(measure: str, found: Sequence[Piece], subject: Subject) -> Reached:
    """The sum of the pieces of a subject; a share of what was due, in per cent (nothing due: 100, nobody was late)."""
    mine = [piece for piece in found if subject.has(piece)]
    value = sum((piece.value for piece in mine), Decimal(0))
    if measure == ON_TIME_TASKS:
        of = sum((piece.of for piece in mine), Decimal(0))
        value = (value * HUNDRED / of).quantize(Decimal("0.0001")) if of else HUNDRED
    return Reached(value, sum(piece.unpriced for piece in mine))


def _won(period: Period) -> tuple[Condition, ...]:
    return (
        Condition("status", "eq", ("won",)), Condition("close_date", "gte", (period.start,)), Condition("close_date", "lt", (period.end,)),
    )  # fmt: skip


def _of(row: Row, path: str) -> object:
    """What a group is by: of a link its id."""
    return row.get(f"{path}.id", row.get(path))


def _parts(row: Row, by: By) -> dict[str, object]:
    return {part: _of(row, PARTS[part][0]) for part in by}


def _grouped(ctx: Context, measures: Sequence[str], by: By, filter: tuple[Condition, ...]) -> list[Row]:
    """The groups of won deals by owner and parts; only those that are asked for, so that few targets of a large market are few groups."""
    if not ctx.offers(DEALS):
        return []
    paths = {part: PARTS[part][0] for part in by}
    only = [Condition(path, "in", tuple(sorted(by[part], key=str))) for part, path in paths.items() if len(by[part]) <= PART]
    return ctx.as_system().records(DEALS).aggregate(measures, ["owner", *paths.values()], (*filter, *only), MOST)


def _won_amount(ctx: Context, period: Period, by: By) -> list[Piece]:
    priced = [
        Piece(row["owner.id"], _parts(row, by), _amount(row["sum:base_amount"]))
        for row in _grouped(ctx, ["sum:base_amount"], by, (*_won(period), Condition("base_amount", "empty", ("false",))))
    ]
    without = (*_won(period), Condition("amount", "empty", ("false",)), Condition("base_amount", "empty", ("true",)))
    unpriced = _grouped(ctx, ["count"], by, without)
    return priced + [Piece(row["owner.id"], _parts(row, by), unpriced=int(str(row["count"]))) for row in unpriced]


def _amount(value: object) -> Decimal:
    """A sum in the one currency that base amounts have."""
    assert isinstance(value, Mapping), "base amounts are in one currency"
    return Decimal(str(value["amount"]))


def _won_count(ctx: Context, period: Period, by: By) -> list[Piece]:
    return [Piece(row["owner.id"], _parts(row, by), Decimal(str(row["count"]))) for row in _grouped(ctx, ["count"], by, _won(period))]


def _new_customers(ctx: Context, period: Period, by: By) -> list[Piece]:
    """Accounts whose first won deal, of all deals, is in the period; each counts once, for whoever won it and with what it was won
    (of several at one day, the lowest id)."""
    if not ctx.offers(DEALS):
        return []
    deals, having = ctx.as_system().records(DEALS), Condition("account", "empty", ("false",))
    columns = list(dict.fromkeys(["account", "owner", *(PARTS[part][0] for part in by)]))
    first: dict[object, tuple[tuple[str, ...], Row]] = {}
    won = [row for month in period.months for row in deals.aggregate(["min:close_date"], columns, (*_won(month), having), MOST)]
    for row in won:
        order = (str(row["min:close_date"]), *(str(_of(row, column)) for column in columns[1:]))
        if row["account.id"] not in first or order < first[row["account.id"]][0]:
            first[row["account.id"]] = (order, row)
    accounts = sorted(UUID(str(id)) for id in first)
    for start in range(0, len(accounts), PART):
        among = Condition("account", "in", tuple(accounts[start : start + PART]))
        before = (Condition("status", "eq", ("won",)), Condition("close_date", "lt", (period.start,)), among)
        for row in deals.aggregate(["count"], ["account"], before, MOST):
            first.pop(row["account.id"], None)
    return [Piece(row["owner.id"], _parts(row, by), Decimal(1)) for _order, row in first.values()]


def _activities(ctx: Context, period: Period, by: By) -> list[Piece]:
    start, end = period.instants(ctx)
    done = (Condition("state", "eq", (DONE,)), Condition("starts_at", "gte", (start,)), Condition("starts_at", "lt", (end,)))
    rows = ctx.as_system().records("teamwork.activity").aggregate(["count"], ["owner", *([KIND] if KIND in by else [])], done, MOST)
    return [Piece(row["owner.id"], {KIND: row.get(KIND)}, Decimal(str(row["count"]))) for row in rows]


def _on_time_tasks(ctx: Context, period: Period, _by: By) -> list[Piece]:
    """Of the tasks that were due in the period and are done, or should be by now, those that were done in time."""
    tasks, start = ctx.as_system().records("teamwork.task"), Condition("due_on", "gte", (period.start,))
    done = (start, Condition("due_on", "lt", (period.end,)), Condition("state", "eq", (DONE,)))
    overdue = (start, Condition("due_on", "lt", (min(period.end, today(ctx)),)), Condition("state", "eq", (OPEN,)))
    rows = [
        *tasks.aggregate(["count"], ["owner", "timeliness"], done, MOST),
        *tasks.aggregate(["count"], ["owner", "timeliness"], overdue, MOST),
    ]
    counted = [(row["owner.id"], row["timeliness"], Decimal(str(row["count"]))) for row in rows]
    return [Piece(owner, {}, count if timeliness == ON_TIME else Decimal(0), count) for owner, timeliness, count in counted]


COUNTS: dict[str, Count] = {
    WON_AMOUNT: _won_amount, WON_COUNT: _won_count, NEW_CUSTOMERS: _new_customers, ACTIVITIES: _activities, ON_TIME_TASKS: _on_time_tasks,
}  # fmt: skip


class Staff:
    """Who belongs to which team, teams below it included: the named people, and those of the named teams."""

    def __init__(self, ctx: Context, people: Iterable[object] = (), teams: Iterable[object] = ()) -> None:
        system = ctx.as_system()
        self.teams: dict[UUID, Row] = {UUID(str(row["id"])): row for row in system.records("core.team").find((), MOST)}
        self._below: dict[object, list[UUID]] = {}
        for id, row in self.teams.items():
            self._below.setdefault(row["parent"], []).append(id)
        users = system.records("core.user")
        self.people: dict[UUID, Row] = users.values({id for id in people if isinstance(id, UUID)})
        wanted = sorted({below for team in teams if isinstance(team, UUID) for below in self._reached(team)})
        for start in range(0, len(wanted), PART):
            among = Condition("team", "in", tuple(wanted[start : start + PART]))
            self.people |= {UUID(str(row["id"])): row for row in users.find((among,), MOST_PEOPLE)}

    def _reached(self, team: UUID) -> set[UUID]:
        reached, open_ = set[UUID](), [team]
        while open_:
            here = open_.pop()
            if here not in reached:
                reached.add(here)
                open_ += self._below.get(here, [])
        return reached

    def of_team(self, team: UUID) -> frozenset[UUID]:
        """The people of a team that was named."""
        reached = self._reached(team)
        return frozenset(id for id, row in self.people.items() if row["team"] in reached)

    def manager(self, person: object) -> UUID | None:
        """Whom somebody answers to: the own manager, or the manager of the team."""
        row = self.people.get(person) if isinstance(person, UUID) else None
        if row is None:
            return None
        boss = row["manager"]
        if boss is None and isinstance(row["team"], UUID) and row["team"] in self.teams:
            boss = self.teams[row["team"]]["manager"]
        return boss if isinstance(boss, UUID) and boss != person else None
