"""Deals in the company’s own currency, at a rate that is kept with them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from sdk import Batch, Change, Condition, Context, Draft, Event, Filter, Query, at_rate, priced
from sdk.columns import LIMIT
from sdk.context import Records, id_of
from sdk.fields import Money

NAME = "pipeline.deal"
ACT, JOB = "price", "catch_up"
PART = 500
_UNPRICED = (Condition("base_amount", "empty", ("true",)), Condition("amount", "empty", ("false",)))
log = logging.getLogger("dealwright.pipeline")


def price(ctx: Context, batch: Batch, today: date) -> None:
    """Open deals at the rate of the day on which their amount changed, closed ones at that of their close date, once and for all."""
    wanted: list[tuple[Change, Money, date]] = []
    for change in [*batch.standing(), *(one for one in batch.changes if one.verb == "restore" and one.stands)]:
        amount = change.after("amount")
        if not isinstance(amount, Money):
            if change.changes("amount") or change.before is None:
                change.values |= {"base_amount": None, "rate": None}
        elif (rate := _kept(change, amount)) is not None:
            change.values["base_amount"] = at_rate(ctx, amount, rate)
        elif _again(change):
            wanted.append((change, amount, _day(change, today)))
    for (change, _amount, _on), found in zip(wanted, priced(ctx, [(amount, day) for _change, amount, day in wanted]), strict=True):
        late = change.act == ACT or change.verb == "restore"
        if late and found.amount is not None and abs(found.amount.amount) >= LIMIT:
            continue  # it stays without: others are priced with it, and nothing else of it changes
        change.values |= {"base_amount": found.amount, "rate": found.rate}


def _kept(change: Change, amount: Money) -> Decimal | None:
    """The rate at which a deal was closed, where nothing but its amount is corrected since."""
    before = change.before
    if (
        before is None
        or not change.changes("amount")
        or before["status"] == "open"
        or change.changes("status")
        or change.changes("close_date")
    ):
        return None
    was, rate = before["amount"], before["rate"]
    return rate if isinstance(rate, Decimal) and isinstance(was, Money) and was.currency == amount.currency else None


def _again(change: Change) -> bool:
    """Whether a deal gets another price now; a rate that was entered late comes only to deals that have none."""
    if change.act == ACT or change.verb == "restore":  # it may have come while the deal was in the recycle bin
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
        _price_where(deals, (Condition("status", "in", ("won", "lost")), Condition("close_date", "gte", (str(on),))), currency)
        if on <= ctx.now().astimezone(ZoneInfo(ctx.tenant.timezone)).date():
            _price_where(deals, (Condition("status", "eq", ("open",)),), currency)


def price_unpriced(ctx: Context) -> None:
    """Try once more the deals that have no price: a rate has come into force, or came while nobody was told of it."""
    _price_where(ctx.as_system().records(NAME), ())


def begin(ctx: Context) -> None:
    """In the background, where there is anything to look at."""
    if ctx.as_system().records(NAME).find(_UNPRICED, 1):
        ctx.enqueue(f"pipeline.{JOB}", {})


def catch_up(ctx: Context, _arguments: Mapping[str, object]) -> None:
    """The plugin was off: rates may have come meanwhile."""
    price_unpriced(ctx)


def _price_where(deals: Records, these: Filter, currency: str | None = None) -> None:
    """Price those of these deals that have no price, of all currencies or of one. One that is refused keeps none of the others from theirs."""
    cursor: str | None = ""
    while cursor is not None:
        page = deals.query(Query((*_UNPRICED, *these), fields=("id",), limit=PART, cursor=cursor))
        cursor, rows = page.next, deals.values(UUID(str(row["id"])) for row in page.data).values()
        mine = [row for row in rows if isinstance(row["amount"], Money) and currency in (None, row["amount"].currency)]
        drafts = [Draft("update", {"amount": row["amount"]}, id_of(row), act=ACT) for row in mine]
        done = deals.write(drafts)
        for row, refusal in [(row, one.refusal) for row, one in zip(mine, done, strict=True) if one.refusal is not None]:
            log.warning("deal %s is not priced: %s", row["id"], refusal)
