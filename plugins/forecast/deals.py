"""Deals as they were known while they were open: what a win probability may learn from, and nothing that came after."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from math import log, log1p, nan
from uuid import UUID

from plugins.forecast.paths import Step, way
from sdk import Condition, Context, Query
from sdk.context import Row
from sdk.fields import Reference

DEAL, CHANGE, ACTIVITY = "pipeline.deal", "pipeline.stage_change", "teamwork.activity"
MOST_DEALS, PART, MOST_CHANGES, MOST_ACTIVITIES = 10_000, 500, 20_000, 50_000
SHRINKAGE = 10
"""How many closed deals of the average an owner is given beside his own: two wins in two are no 100 %."""
CLOSED = Condition("status", "in", ("won", "lost"))
CHOICES = ("stage", "source", "product", "tier", "industry")
NUMBERS = ("amount", "days_in_stage", "days_open", "owner_history", "account_history", "activities")
PLAIN_CHOICES, PLAIN_NUMBERS = ("source", "product", "industry"), ("owner_history", "account_history")
"""What closing does not change: a lost deal's amount is often written down to nothing, a buyer's class up, and a life has no length before its end."""
_FIELDS = ("owner", "account", "product", "stage", "status", "base_amount", "opened_on", "close_date", "stage_since", "source")


@dataclass(frozen=True)
class Stay:
    """A deal at one moment while it was open; of one without a history the stage is not known. `stage_share` is what the stage says, from 0 to 1."""

    deal: UUID
    won: bool
    weight: float
    stage_share: float | None
    choices: Mapping[str, str]
    numbers: Mapping[str, float]


class Outcomes:
    """Who won and lost what by when: for each owner and account only what had been closed before a moment counts."""

    def __init__(self, closed: Iterable[tuple[object, object, datetime, bool]]) -> None:
        self._owners: dict[object, tuple[list[datetime], list[int]]] = {}
        self._accounts: dict[object, tuple[list[datetime], list[int]]] = {}
        for owner, account, at, won in sorted(closed, key=lambda one: one[2]):
            for place, key in ((self._owners, owner), (self._owners, None), (self._accounts, account)):
                moments, wins = place.setdefault(key, ([], [0]))
                moments.append(at)
                wins.append(wins[-1] + won)

    def owner(self, owner: object, at: datetime) -> float:
        """The logit of the owner's share of wins, drawn to everybody's."""
        wins, count = _before(self._owners, None, at)
        share = (wins + 1) / (count + 2)
        wins, count = _before(self._owners, owner, at) if owner is not None else (0, 0)
        shrunk = (wins + SHRINKAGE * share) / (count + SHRINKAGE)
        return log(shrunk / (1 - shrunk))

    def account(self, account: object, at: datetime) -> float:
        """How often the account had bought, on a logarithmic scale."""
        return log1p(_before(self._accounts, account, at)[0]) if account is not None else 0.0


def _before(place: Mapping[object, tuple[list[datetime], list[int]]], key: object, at: datetime) -> tuple[int, int]:
    moments, wins = place.get(key, ([], [0]))
    count = bisect_left(moments, at)
    return wins[count], count


class Deals:
    """The deals of a tenant, read as the system, in parts."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        rows = ctx.records("pipeline.stage").find((), MOST_DEALS)
        self.stages = {row["id"]: row for row in rows}
        self.closed = [row for part in self._pages((CLOSED,), ("-close_date", "id")) for row in part]
        self._paths = self._read_paths({_id(row["id"]): row for row in self.closed})
        self._activities = self._read_activities()
        self.outcomes = Outcomes((row["owner"], row["account"], self._closed_at(row), row["status"] == "won") for row in self.closed)

    def learned_from(self) -> list[Stay]:
        """A moment in the middle of each stay of a closed deal in an open stage, in the order of the deals' ids."""
        accounts, stays = self._accounts_of(self.closed), list[Stay]()
        for row in sorted(self.closed, key=lambda row: str(row["id"])):
            path = self._paths.get(_id(row["id"]), [])
            there = [(stage, begin, end) for (begin, stage), (end, _next) in itertools.pairwise(path) if self._is_open(stage)]
            for stage, begin, end in there:
                stays.append(self._stay(row, stage, begin, begin + (end - begin) / 2, accounts, 1 / len(there)))
        return stays

    def plainly(self, but: Iterable[UUID] = ()) -> list[Stay]:
        """Each closed deal, but for those named, as it was when it was opened: with what is the same before and after its end, in the order of ids."""
        accounts, known, plain = self._accounts_of(self.closed), set(but), list[Stay]()
        for row in sorted(self.closed, key=lambda row: str(row["id"])):
            if _id(row["id"]) in known:
                continue
            end = self._closed_at(row)
            whole = self._stay(row, None, end, min(_morning(row["opened_on"]) or end, end), accounts, 1.0)
            words = {name: word for name, word in whole.choices.items() if name in PLAIN_CHOICES}
            numbers = {name: number if name in PLAIN_NUMBERS else nan for name, number in whole.numbers.items()}
            plain.append(replace(whole, choices=words, numbers=numbers))
        return plain

    def open_now(self) -> Iterator[list[Stay]]:
        """The open deals as they stand, a part at a time."""
        now = self.ctx.now()
        for part in self._pages((Condition("status", "eq", ("open",)),), ("id",), most=None):
            accounts = self._accounts_of(part)
            yield [self._stay(row, row["stage"], _instant(row["stage_since"]) or now, now, accounts, 1.0) for row in part]

    def _stay(self, row: Row, stage: object, since: datetime, at: datetime, accounts: Mapping[UUID, Row], weight: float) -> Stay:
        id, account = _id(row["id"]), accounts.get(row["account"]) if isinstance(row["account"], UUID) else None
        opened = _morning(row["opened_on"]) or since
        known = self.stages.get(stage)
        amount = row["base_amount"]
        share = None if known is None or known["probability"] is None else float(str(known["probability"])) / 100
        words = {"stage": None if known is None else f"{known['key']}", "source": row.get("source"), "product": row.get("product"),
                 "tier": account and account["tier"], "industry": account and account["industry"]}  # fmt: skip
        value = log1p(max(float(str(amount["amount"])), 0.0)) if isinstance(amount, Mapping) else nan  # unknown is not nothing
        done = self._activities.get(id, [])
        numbers = {
            "amount": value, "days_in_stage": _days(since, at), "days_open": _days(min(opened, since), at),
            "owner_history": self.outcomes.owner(row["owner"], at), "account_history": self.outcomes.account(row["account"], at),
            "activities": log1p(bisect_left(done, at)),
        }  # fmt: skip
        return Stay(
            id, row["status"] == "won", weight, share, {name: str(word) for name, word in words.items() if word is not None}, numbers
        )

    def _is_open(self, stage: object) -> bool:
        found = self.stages.get(stage)
        return found is not None and found["type"] == "open"

    def _closed_at(self, row: Row) -> datetime:
        path = self._paths.get(_id(row["id"]))
        return path[-1][0] if path and len(path) > 1 else _morning(row["close_date"]) or self.ctx.now()

    def _pages(self, filter: tuple[Condition, ...], sort: tuple[str, ...], most: int | None = MOST_DEALS) -> Iterator[list[Row]]:
        cursor, seen = "", 0
        there = self.ctx.records(DEAL).fields()
        fields = tuple(name for name in _FIELDS if name in there)  # without a catalogue deals have no product
        while most is None or seen < most:
            page = self.ctx.records(DEAL).query(Query(filter, sort, fields=fields, limit=PART, cursor=cursor))
            seen += len(page.data)
            yield list(page.data)
            if page.next is None:
                return
            cursor = page.next

    def _read_paths(self, deals: Mapping[UUID, Row]) -> dict[UUID, list[tuple[datetime, object]]]:
        """For each deal when it entered which stage, oldest first."""
        steps, ids = dict[UUID, list[Step]](), list(deals)
        for begin in range(0, len(ids), PART):
            among = (Condition("deal", "in", tuple(ids[begin : begin + PART])),)
            for row in self.ctx.records(CHANGE).find(among, MOST_CHANGES):
                at = row["moved_at"]
                assert isinstance(at, datetime)
                seconds = row["seconds"]
                step = Step(at, row["to_stage"], row["from_stage"], seconds if isinstance(seconds, int) else None)
                steps.setdefault(_id(row["deal"]), []).append(step)
        ways = {id: way(taken, deals[id]["stage"], _instant(deals[id]["stage_since"])) for id, taken in steps.items()}
        return {id: [(step.at, step.stage) for step in taken] for id, taken in ways.items()}

    def _read_activities(self) -> dict[UUID, list[datetime]]:
        """When something was done about a deal, where the tenant keeps activities."""
        found: dict[UUID, list[datetime]] = {}
        if self.ctx.offers(ACTIVITY):
            for row in self.ctx.records(ACTIVITY).find((Condition("state", "eq", ("done",)),), MOST_ACTIVITIES):
                about, at = row["about"], row["starts_at"]
                if isinstance(about, Reference) and about.entity == DEAL and isinstance(at, datetime):
                    found.setdefault(about.id, []).append(at)
        for moments in found.values():
            moments.sort()
        return found

    def _accounts_of(self, rows: Sequence[Row]) -> Mapping[UUID, Row]:
        wanted = {_id(row["account"]) for row in rows if row["account"] is not None}
        return self.ctx.records("customers.account").values(wanted) if wanted else {}


def _id(value: object) -> UUID:
    return value if isinstance(value, UUID) else UUID(str(value))


def _days(since: datetime, at: datetime) -> float:
    return log1p(max((at - since) / timedelta(days=1), 0.0))


def _instant(value: object) -> datetime | None:
    if isinstance(value, datetime) or value is None:
        return value
    return datetime.fromisoformat(str(value))


def _morning(value: object) -> datetime | None:
    day = date.fromisoformat(value) if isinstance(value, str) else value
    return datetime.combine(day, time(), UTC) if isinstance(day, date) else None
