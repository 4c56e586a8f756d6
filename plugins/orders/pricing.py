"""Orders in the company’s own currency, at a rate that is kept with them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date

from plugins.orders.lines import ACT as SUM
from sdk import Batch, Condition, Context, Draft, Event, Filter, Query, priced
from sdk.columns import LIMIT
from sdk.context import id_of
from sdk.fields import Money

ORDER, RATE, ACT = "orders.order", "company.rate", "price"
PART = 500
log = logging.getLogger("dealwright.orders")


def price(ctx: Context, batch: Batch) -> None:
    """An order is priced at the rate of its day when its net or its day changes; one without a rate is not priced."""
    wanted = []
    for change in [*batch.standing(), *(one for one in batch.changes if one.verb == "restore" and one.stands)]:
        net, on = change.after("net"), change.after("ordered_on")
        late = (change.act == ACT or change.verb == "restore") and change.after("base_amount") is None
        if isinstance(net, Money) and isinstance(on, date) and (late or change.changes("net") or change.changes("ordered_on")):
            wanted.append((change, net, on))
    for (change, _net, _on), found in zip(wanted, priced(ctx, [(net, on) for _change, net, on in wanted]), strict=True):
        late = change.act in (ACT, SUM) or change.verb == "restore"
        if late and found.amount is not None and abs(found.amount.amount) >= LIMIT:
            # It stays without: others are priced with it, it gets smaller, or nothing else of it changes.
            change.values |= {"base_amount": None, "rate": None}
            continue
        change.values |= {"base_amount": found.amount, "rate": found.rate}


def price_late(ctx: Context, events: Sequence[Event]) -> None:
    """A rate was entered: orders in its currency that had none are priced with it; those that have one keep it."""
    system, first = ctx.as_system(), dict[str, date]()
    for row in system.records(RATE).values({event.record_id for event in events}).values():
        currency, on = str(row["currency"]), row["on"]
        assert isinstance(on, date)
        first[currency] = min(first.get(currency, on), on)
    for currency, on in first.items():
        price_unpriced(system, (Condition("currency", "eq", (currency,)), Condition("ordered_on", "gte", (str(on),))))


def price_unpriced(ctx: Context, filter: Filter = ()) -> None:
    """Try once more the orders that have no price; those without a rate stay as they are."""
    orders, unpriced = ctx.records(ORDER), (Condition("base_amount", "empty", ("true",)), Condition("net", "empty", ("false",)), *filter)
    cursor: str | None = ""
    while cursor is not None:
        page = orders.query(Query(unpriced, fields=("id", "ordered_on"), limit=PART, cursor=cursor))
        cursor = page.next
        done = orders.write([Draft("update", {"ordered_on": row["ordered_on"]}, id_of(row), act=ACT) for row in page.data])
        for row, refusal in [(row, one.refusal) for row, one in zip(page.data, done, strict=True) if one.refusal is not None]:
            log.warning("order %s is not priced: %s", row["id"], refusal)
