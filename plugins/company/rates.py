"""The dated rates as everybody's rate source."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from sdk import Batch, Condition, Context, Query, _, where
from sdk.context import id_of
from sdk.rates import Pair

NAME, CURRENCY = "company.rate", "company.currency"
FEW = 4
"""Up to so many days are asked for one by one; for more, the rates between the first and the last are read at once."""
MOST = 100_000


def rates_of(ctx: Context, pairs: Sequence[Pair]) -> Mapping[Pair, Decimal]:
    """For each currency and day the latest rate that is dated no later."""
    days: dict[str, set[date]] = {}
    for currency, day in pairs:
        days.setdefault(currency, set()).add(day)
    found: dict[Pair, Decimal] = {}
    for currency, wanted in days.items():
        known = _between(ctx, currency, sorted(wanted))
        starts = [start for start, _rate in known]
        for day in wanted:
            if place := bisect_right(starts, day):
                found[currency, day] = known[place - 1][1]
    return found


def _between(ctx: Context, currency: str, days: Sequence[date]) -> list[tuple[date, Decimal]]:
    """The rates of a currency that matter for these days, by date."""
    if len(days) <= FEW:
        return sorted({rate for day in days if (rate := _latest(ctx, currency, day)) is not None})
    first = _latest(ctx, currency, days[0])
    within = (Condition("currency", "eq", (currency,)), Condition("on", "gt", (str(days[0]),)), Condition("on", "lte", (str(days[-1]),)))
    rows = ctx.as_system().records(NAME).find(within, MOST)
    return sorted([*([first] if first is not None else []), *((row["on"], row["rate"]) for row in rows)])  # type: ignore[list-item]


def _latest(ctx: Context, currency: str, day: date) -> tuple[date, Decimal] | None:
    filter = (Condition("currency", "eq", (currency,)), Condition("on", "lte", (str(day),)))
    page = ctx.as_system().records(NAME).query(Query(filter, sort=("-on",), fields=("on", "rate"), limit=1))
    for row in page.data:
        return row["on"], Decimal(str(row["rate"]))  # type: ignore[return-value]
    return None


def prepare_rates(ctx: Context, batch: Batch) -> None:
    """A rate is one of a foreign currency; a deleted one stays deleted: the company’s own may be another one since."""
    for change in batch.changes:
        if change.verb == "restore":
            change.forbid("rate_deleted", _("a deleted rate can’t be restored; enter it again"))
    for change in batch.standing():
        if change.after("currency") == ctx.tenant.currency:
            text = _("{value} is the company’s own currency; its rate is always 1")
            change.refuse("currency", "own_currency", text, value=ctx.tenant.currency)


def keep_currency(ctx: Context, batch: Batch) -> None:
    """The company’s own currency stays once there are rates: they are all worth something in it."""
    for change in batch.changes:
        if change.changes("currency") and ctx.as_system().records(NAME).find((), 1):
            change.forbid("rates_exist", _("exchange rates exist for the current currency; delete them before changing the currency"))


def keep_one_default(ctx: Context, batch: Batch) -> None:
    """Forms begin in one currency, if in another than the company's own."""
    ctx.lock(CURRENCY)
    there = {id_of(row) for row in ctx.as_system().records(CURRENCY).find(where(is_default=True))}
    there -= {change.id for change in batch.changes if change.stands and (change.verb == "delete" or not change.after("is_default"))}
    for change in batch.changes:
        if change.stands and change.verb != "delete" and change.after("is_default"):
            if there - {change.id}:
                change.refuse("is_default", "second_default", _("another currency is the default; change that one first"))
            there.add(change.id)
