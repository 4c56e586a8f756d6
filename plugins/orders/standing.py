"""How accounts stand with us: new, active or lost, and since when they buy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from uuid import UUID

from plugins.orders.process import today
from plugins.orders.settings import Purchases
from sdk import Batch, Condition, Context, Draft, Event, Filter, Query, where
from sdk.context import Row, id_of

ACCOUNT, ORDER = "customers.account", "orders.order"
COUNTED, ACT = "orders.order.counted", "count"
JOB = "recount_all"
PART = 500


def tell(batch: Batch) -> None:
    """Say of which accounts the purchases change with this batch of orders."""
    for change in batch.changes:
        before = change.before or {}
        moved = change.verb in ("delete", "restore") or any(change.changes(name) for name in ("state", "account", "ordered_on"))
        counted = "confirmed" in (before.get("state"), change.after("state"))
        if change.stands and moved and counted:
            accounts = {str(id) for id in (before.get("account"), change.after("account")) if id is not None}
            batch.emit(COUNTED, change, {"accounts": sorted(accounts)})


def recount(ctx: Context, events: Sequence[Event]) -> None:
    """Bring the accounts of changed orders up to date."""
    named = (ids for event in events if isinstance(ids := event.payload.get("accounts"), list))
    refresh(ctx.as_system(), {UUID(str(id)) for ids in named for id in ids})


def refresh(ctx: Context, accounts: Iterable[UUID]) -> None:
    """Count what these accounts bought, 500 at a time."""
    wanted, day = sorted(accounts), today(ctx)
    set_ = ctx.settings(Purchases)
    since = {name: day - timedelta(days=int(str(set_[f"{name}_days"]))) for name in ("new", "active")}
    for start in range(0, len(wanted), PART):
        part = tuple(wanted[start : start + PART])
        bought = (*where(state="confirmed"), Condition("account", "in", part))
        sums = {row["account.id"]: row for row in ctx.records(ORDER).aggregate(["min:ordered_on", "max:ordered_on"], ["account"], bought)}
        there = ctx.records(ACCOUNT).values(part)
        drafts = [Draft("update", _standing(sums.get(id), since), id, act=ACT) for id in there]
        ctx.records(ACCOUNT).write_all(drafts)


def _standing(sums: Row | None, since: Mapping[str, date]) -> dict[str, object]:
    first, last = (date.fromisoformat(str(sums[f"{f}:ordered_on"])) if sums and sums[f"{f}:ordered_on"] else None for f in ("min", "max"))
    standing = None
    if first is not None and last is not None:
        standing = "new" if first > since["new"] else "active" if last > since["active"] else "lost"
    return {"orders.first_order_on": first, "orders.standing": standing}


def each_night(ctx: Context) -> None:
    """Who was new or active may be no longer (who is lost comes back by an order alone); accounts that were never counted are."""
    never = (Condition("orders.standing", "empty", ("true",)), Condition("orders.last_order_on", "empty", ("false",)))
    _look_at(ctx, (where(**{"orders.standing": "new"}), where(**{"orders.standing": "active"}), never))


def count_anew(ctx: Context, events: Sequence[Event]) -> None:
    """Other settings may make even a lost account an active one."""
    if any(event.payload["plugin"] == "orders" for event in events):
        ctx.enqueue(f"orders.{JOB}", {})


def recount_all(ctx: Context, _arguments: Mapping[str, object]) -> None:
    """All accounts that ever bought."""
    _look_at(ctx, ((Condition("orders.last_order_on", "empty", ("false",)),),))


def _look_at(ctx: Context, filters: Iterable[Filter]) -> None:
    for filter in filters:
        cursor: str | None = ""
        ids: list[UUID] = []
        while cursor is not None:
            page = ctx.records(ACCOUNT).query(Query(filter=filter, fields=("id",), limit=PART, cursor=cursor))
            ids += [id_of(row) for row in page.data]
            cursor = page.next
        refresh(ctx, ids)
