"""What is due of one's own orders and contracts, on the first page: payments that should be there, contracts that end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from uuid import UUID

from plugins.orders.process import today
from sdk import Condition, Context, Panel, Query, Rendering, Slot, _
from sdk.context import Row

INSTALMENT, CONTRACT = "orders.instalment", "orders.contract"
SOON, ENDING = timedelta(days=14), timedelta(days=60)
_FEW = 6


def due(ctx: Context, _nothing: Mapping[str, object]) -> Rendering | None:
    """Instalments of the actor's orders that are due within two weeks or were, and contracts in force that end within sixty days and are not
    renewed yet; nothing where there is neither."""
    day = today(ctx)
    payments, contracts = _payments(ctx, day), _contracts(ctx, day)
    if not payments and not contracts:
        return None
    return Rendering("orders/due.html", {"payments": payments, "contracts": contracts})


def _payments(ctx: Context, day: date) -> list[Row]:
    wanted, order = {"order", "due_on", "settled", "open"}, "orders.order"
    if ctx.actor.user_id is None or not ctx.can(f"{INSTALMENT}.read") or not wanted <= ctx.records(INSTALMENT).fields().keys():
        return []
    if "owner" not in ctx.records(order).fields():
        return []
    mine = (Condition("settled", "eq", (False,)), Condition("due_on", "lte", (day + SOON,)), Condition("order.owner", "eq", (ctx.actor.user_id,)),
            Condition("order.state", "eq", ("confirmed",)))  # fmt: skip
    rows = ctx.records(INSTALMENT).query(Query(mine, ("due_on",), ("id", "order", "due_on", "open"), limit=_FEW)).data
    names = {str(id): title for id, title in ctx.records(order).titles({_id(row["order"]) for row in rows}).items()}
    return [{"name": names.get(str(row["order"]), "•••"), "href": ctx.page(f"/orders/orders/{row['order']}"), "amount": row["open"],
             "on": row["due_on"], "late": str(row["due_on"]) < day.isoformat()} for row in rows]  # fmt: skip


def _id(value: object) -> UUID:
    return value if isinstance(value, UUID) else UUID(str(value))


def _contracts(ctx: Context, day: date) -> list[Row]:
    if ctx.actor.user_id is None or not ctx.can(f"{CONTRACT}.read"):
        return []
    known = ctx.records(CONTRACT).fields()
    if not {"state", "ends_on", "owner", "successor"} <= known.keys():
        return []
    mine = (Condition("state", "eq", ("active",)), Condition("ends_on", "lte", (day + ENDING,)), Condition("owner", "eq", (ctx.actor.user_id,)),
            Condition("successor", "empty", ("true",)))  # fmt: skip
    names = tuple(name for name in ("id", "name", "number", "ends_on") if name == "id" or name in known)
    rows = ctx.records(CONTRACT).query(Query(mine, ("ends_on",), names, limit=_FEW)).data
    return [{"name": row.get("name") or row.get("number") or "—", "href": ctx.page(f"/orders/contracts/{row['id']}"), "on": row["ends_on"],
             "late": str(row["ends_on"]) < day.isoformat()} for row in rows]  # fmt: skip


PANELS = (Panel("due", slot=Slot.HOME, label=_("Outstanding from orders"), permission="orders.order.read", view=due, position=35),)
