"""To whom an order is billed: to who ordered, or to a company above."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from plugins.orders.lines import ACT as SUM
from plugins.orders.lines import CREDIT, MOST, number_of
from sdk import Batch, Change, Condition, Context, _
from sdk.changes import HISTORY, MERGES
from sdk.context import Row, id_of

ORDER, ACCOUNT = "orders.order", "customers.account"
_FREE = (SUM, CREDIT, HISTORY, *MERGES)
"""What follows another document, came to pass elsewhere, or says of the same customer what was said before."""
_HIGHEST = 50
"""Levels of companies above each other that are looked at."""
type_bill = tuple[Change, str, UUID, UUID]
"""A change, the field that is to blame, the order and the account that is billed for it."""


def keep_recipients(ctx: Context, batch: Batch) -> None:
    """An invoice goes to whose order it bills, both where it names the order and where its lines do."""
    bills = list[type_bill]()
    moved = [
        one for one in batch.standing() if one.act not in _FREE and (one.before is None or one.changes("account") or one.changes("order"))
    ]
    there = _orders_of_lines(ctx, [one.id for one in moved if one.before is not None and one.changes("account")])
    for change in moved:
        account, order = change.after("account"), change.after("order")
        named = {order} if isinstance(order, UUID) else set()
        if isinstance(account, UUID):
            field = "account" if change.before is not None and change.changes("account") else "order"
            bills += [(change, field, one, account) for one in sorted(named | there.get(change.id, set()))]
    _hold(ctx, {order for _change, _field, order, _account in bills})
    _refuse(ctx, bills)


def keep_lines(ctx: Context, batch: Batch, invoices: Mapping[object, Row]) -> None:
    """The same for lines that come to an invoice, or to another one."""
    moved = [
        one for one in batch.standing()
        if one.act not in _FREE and isinstance(one.after("order_line"), UUID) and (one.changes("order_line") or one.changes("invoice"))
    ]  # fmt: skip
    named = {id for one in batch.standing() if isinstance(id := one.after("order_line"), UUID)} if moved else set()
    lines = ctx.as_system().records("orders.order_line").values(named) if named else {}
    _hold(ctx, {order for line in lines.values() if isinstance(order := line["order"], UUID)})  # of all lines: billing takes the same locks
    bills = list[type_bill]()
    for change in moved:
        line, invoice = lines.get(change.after("order_line")), invoices.get(change.after("invoice"))  # type: ignore[call-overload]
        if line is not None and invoice is not None and isinstance(line["order"], UUID) and isinstance(invoice["account"], UUID):
            bills.append((change, "order_line", line["order"], invoice["account"]))
    _refuse(ctx, bills)


def keep_orders(ctx: Context, batch: Batch) -> None:
    """A draft of an order whose invoices name it stays with whom they go to."""
    moved = {one.id: one for one in batch.standing() if one.before is not None and one.act not in _FREE and one.changes("account")}
    _hold(ctx, moved)
    invoices = ctx.as_system().records("orders.invoice").find((Condition("order", "in", tuple(moved)),), MOST) if moved else []
    above = _above(ctx, {id for one in moved.values() if isinstance(id := one.after("account"), UUID)}) if invoices else {}
    for invoice in invoices:
        change = moved[invoice["order"]]  # type: ignore[index]
        account = change.after("account")
        if change.stands and invoice["state"] != "cancelled" and invoice["account"] not in (account, *above.get(account, ())):
            text = _("invoice {number} is to another account: give it this one, or delete its draft first")
            change.refuse("account", "other_account", text, number=number_of(ctx, "orders.invoice", id_of(invoice)))


def _orders_of_lines(ctx: Context, invoices: Sequence[UUID]) -> dict[UUID, set[UUID]]:
    """By invoice the orders of which its lines bill something."""
    system, found = ctx.as_system(), dict[UUID, set[UUID]]()
    for start in range(0, len(invoices), 500):
        among = (Condition("invoice", "in", tuple(invoices[start : start + 500])), Condition("order_line", "empty", ("false",)))
        rows = system.records("orders.invoice_line").find(among, MOST)
        lines = system.records("orders.order_line").values({row["order_line"] for row in rows})  # type: ignore[misc]
        for row in rows:
            line = lines.get(row["order_line"])  # type: ignore[call-overload]
            if line is not None and isinstance(row["invoice"], UUID) and isinstance(line["order"], UUID):
                found.setdefault(row["invoice"], set()).add(line["order"])
    return found


def _hold(ctx: Context, orders: Iterable[UUID]) -> None:
    """Who bills an order and who gives it to another account wait for each other."""
    ctx.lock(*(f"orders.order:{order}" for order in orders))


def _refuse(ctx: Context, bills: Sequence[type_bill]) -> None:
    orders = ctx.as_system().records(ORDER).values({order for _change, _field, order, _account in bills}) if bills else {}
    strange = [bill for bill in bills if bill[2] in orders and orders[bill[2]]["account"] != bill[3]]
    above = _above(ctx, {id for _change, _field, order, _account in strange if isinstance(id := orders[order]["account"], UUID)})
    for change, field, order, account in strange:
        if account not in above.get(orders[order]["account"], ()):
            text = _("order {number} is another account’s: invoice it to that account, or to a company above it")
            change.refuse(field, "other_account", text, number=number_of(ctx, ORDER, order))


def _above(ctx: Context, accounts: Iterable[UUID]) -> dict[object, set[object]]:
    """By account all companies above it."""
    found: dict[object, set[object]] = {id: set() for id in accounts}
    parents, next_ = dict[object, object](), set(accounts)
    for _level in range(_HIGHEST if found else 0):
        rows = ctx.as_system().records(ACCOUNT).values(next_)
        parents |= {id: row["parent"] for id, row in rows.items()}
        next_ = {parent for row in rows.values() if isinstance(parent := row["parent"], UUID)} - parents.keys()
        if not next_:
            break
    for id, above in found.items():
        at = parents.get(id)
        while at is not None and at not in above:
            above.add(at)
            at = parents.get(at)
    return found
