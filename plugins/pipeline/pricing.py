"""Deals in the company's own currency, at a rate that is kept with them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from sdk import Batch, Change, Condition, Context, Draft, Event, Filter, Query, priced
from sdk.columns import LIMIT
from sdk.context import Records, id_of
from sdk.fields import Money

NAME = "pipeline.deal"
ACT = "price"
PART = 500


def price(ctx: Context, batch: Batch, today: date) -> None:
    """Open deals at the rate of the day on which their amount changed, closed ones at that of their close date, once and for all."""
    wanted: list[tuple[Change, Money, date]] = []
    for change in batch.standing():
        amount = change.after("amount")
        if not isinstance(amount, Money):
            if change.changes("amount") or change.before is None:
                change.values |= {"base_amount": None, "rate": None}
        elif _again(change):
            wanted.append((change, amount, _day(change, today)))
    for (change, _amount, _on), found in zip(wanted, priced(ctx, [(amount, day) for _change, amount, day in wanted]), strict=True):
        if change.act == ACT and found.amount is not None and abs(found.amount.amount) >= LIMIT:
            continue  # it stays without, as others are priced with it
        change.values |= {"base_amount": found.amount, "rate": found.rate}


def _again(change: Change) -> bool:
    """Whether a deal gets another price now; a rate that was entered late comes only to deals that have none."""
    if change.act == ACT:
        return change.after("base_amount") is None
    closing = change.after("status") != "open" and change.changes("close_date")
    return change.before is None or closing or change.changes("amount") or change.changes("status")


def _day(change: Change, today: date) -> date:
    close = change.after("close_date")
    return close if change.after("status") != "open" and isinstance(close, date) else today


def price_late(ctx: Context, events: Sequence[Event]) -> None:
    """A rate was entered: deals in its currency that had none are priced, open ones as of today, closed ones as of their close date."""
    ids = {event.record_id for event in events}
    rates = ctx.as_system().records("company.rate").values(ids).values() if ctx.offers("company.rate") else ()
    deals = ctx.as_system().records(NAME)
    first: dict[str, date] = {}
    for row in rates:
        currency, on = str(row["currency"]), row["on"]
        assert isinstance(on, date)
        first[currency] = min(first.get(currency, on), on)
    for currency, on in first.items():
        _price_where(deals, currency, (Condition("status", "in", ("won", "lost")), Condition("close_date", "gte", (str(on),))))
        if on <= ctx.now().astimezone(ZoneInfo(ctx.tenant.timezone)).date():
            _price_where(deals, currency, (Condition("status", "eq", ("open",)),))


def _price_where(deals: Records, currency: str, these: Filter) -> None:
    """Price those of these deals in the currency that have no price."""
    unpriced = (Condition("base_amount", "empty", ("true",)), Condition("amount", "empty", ("false",)), *these)
    cursor: str | None = ""
    while cursor is not None:
        page = deals.query(Query(unpriced, fields=("id",), limit=PART, cursor=cursor))
        cursor, rows = page.next, deals.values(UUID(str(row["id"])) for row in page.data).values()
        mine = [row for row in rows if isinstance(row["amount"], Money) and row["amount"].currency == currency]
        deals.write_all([Draft("update", {"amount": row["amount"]}, id_of(row), act=ACT) for row in mine])
