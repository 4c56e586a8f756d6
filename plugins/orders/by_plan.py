"""When an instalment is due, and its invoice: one, over what it asks for. An order is billed by its plan or by its lines, never both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from plugins.orders.amounts import Amounts, rounded
from plugins.orders.lines import ACT as SUM
from plugins.orders.lines import BY_PLAN, CREDIT, MOST, number_of
from plugins.orders.process import BILL, BILLED_BEFORE, found, today
from plugins.orders.settlement import lock
from plugins.orders.tables import state_of
from sdk import Batch, Change, Condition, Conflict, Context, Draft, _, where
from sdk.changes import HISTORY, MERGES
from sdk.context import Row, id_of
from sdk.fields import Money

ORDER, INVOICE, INSTALMENT = "orders.order", "orders.invoice", "orders.instalment"
PART = 500
_OURS = (BY_PLAN, CREDIT, HISTORY)
BILLED_BY_PLAN = _(
    "the order is invoiced by its payment plan; invoice its instalments, or delete those drafts and credit those invoices first"
)


def bill_instalment(ctx: Context, id: UUID) -> Row:
    """A draft invoice over an instalment, with a line for each tax rate of its order; asking again answers the same. Raises NotFound, Conflict."""
    with ctx.transaction(write=True):
        found(ctx, INSTALMENT, id)  # which one sees; what of it is hidden counts all the same
        system = ctx.as_system()
        of = found(system, INSTALMENT, id)["order"]
        assert isinstance(of, UUID)
        lock(ctx, [of])
        ctx.lock(f"{ORDER}:{of}")
        part, order = found(system, INSTALMENT, id), found(system, ORDER, of)
        there = invoices_of(ctx, [of])
        if (made := next((row for row in there if row["instalment"] == id), None)) is not None:
            return found(ctx, INVOICE, id_of(made))
        amount, due = part["amount"], part["due_on"]
        if order["state"] != "confirmed":
            text = _("the order is {state}; confirm it before invoicing")
            raise Conflict(text, code="order_not_confirmed", state=state_of(ORDER, order["state"]))
        if due is None:
            text = _("the milestone “{milestone}” isn’t reached yet; enter the day on which it was, then invoice the instalment")
            raise Conflict(text, code="not_reached", milestone=str(part["milestone"]))
        if order["billed"] != "none" and not there:
            raise Conflict(_("the order is invoiced by its lines, so its instalments can’t be invoiced as well"), code="billed_by_lines")
        if not isinstance(amount, Money) or amount.amount <= 0:
            raise Conflict(_("the instalment asks for nothing"), code="nothing_to_bill")
        given = {name: order[name] for name in ("name", "account", "contact", "currency", "owner") if order[name] is not None}
        late = due < today(ctx)  # type: ignore[operator]
        invoice = ctx.records(INVOICE).create({**given, "order": of, "instalment": id, "due_on": None if late else due}, act=BY_PLAN)
        called = ctx.say(_("{part}, order {order}"), {"part": _called(ctx, part), "order": order["number"]})
        shares = _by_rate(system.records("orders.order_line").find(where(order=of), MOST), amount)
        drafts = [
            Draft("create", {"invoice": invoice["id"], "position": place, "description": called, "quantity": Decimal(1), "tax_rate": rate,
                             "unit_price": Money(one.net, amount.currency), **one.values(amount.currency)}, act=BY_PLAN)
            for place, (rate, one) in enumerate(shares, 1)
        ]  # fmt: skip
        ctx.records("orders.invoice_line").write_all(drafts)
        return found(ctx, INVOICE, id_of(invoice))


def _called(ctx: Context, part: Row) -> str:
    """As the plan calls it, else by its milestone, else by its share."""
    if word := part["name"] or part["milestone"]:
        return str(word)
    share = part["share"]
    return f"{share.normalize():f}%" if isinstance(share, Decimal) else ctx.say(_("Instalment"))


def _by_rate(lines: Iterable[Row], asked: Money) -> list[tuple[Decimal | None, Amounts]]:
    """What is asked for, divided among the tax rates of an order as its lines are, and to the cent."""
    of: dict[Decimal | None, list[Row]] = {}
    for line in lines:
        rate = line["tax_rate"]
        of.setdefault(rate if isinstance(rate, Decimal) and rate else None, []).append(line)
    sums = {rate: _sum(rows) for rate, rows in of.items()}
    whole = sum((one.total for one in sums.values()), Decimal(0))
    upto, done, shares = Decimal(0), Decimal(0), list[tuple[Decimal | None, Amounts]]()
    for rate, one in sorted(sums.items(), key=lambda pair: -(pair[0] or 0)):
        upto += one.total
        mine = rounded(asked.amount * upto / whole, asked.currency) - done
        done += mine
        net = rounded(mine * one.net / one.total, asked.currency) if one.total else Decimal(0)
        if mine:
            shares.append((rate, Amounts(net, mine - net)))
    return shares


def _sum(rows: Sequence[Row]) -> Amounts:
    net, tax = (sum((one.amount for row in rows if isinstance(one := row[name], Money)), Decimal(0)) for name in ("net", "tax"))
    return Amounts(Decimal(net), Decimal(tax))


def invoices_of(ctx: Context, orders: Sequence[UUID]) -> list[Row]:
    """The invoices of these orders that are over an instalment, but for those that were taken back."""
    records, found_ = ctx.as_system().records(INVOICE), list[Row]()
    for start in range(0, len(orders), PART):
        among = (Condition("order", "in", tuple(orders[start : start + PART])), Condition("instalment", "empty", ("false",)))
        found_ += [row for row in records.find(among, MOST) if row["state"] != "credited" and row["kind"] == "invoice"]
    return found_


_WORTH = ("quantity", "unit_price", "discount", "tax_rate", "invoice")


def keep_apart(ctx: Context, batch: Batch, invoices: Mapping[object, Row]) -> None:
    """Refuse lines that bill an order's lines where that is billed by its plan, and such as would change what an instalment's invoice is over."""
    for change in batch.changes if any(row["instalment"] is not None for row in invoices.values()) else ():
        mine = {change.after("invoice"), change.before["invoice"] if change.before is not None else None}
        changed = change.verb != "update" or any(map(change.changes, _WORTH))
        if change.stands and changed and change.act not in _OURS and any(invoices[id]["instalment"] for id in mine & invoices.keys()):
            change.forbid("over_instalment", _("the invoice is over an instalment; delete its draft and change the payment plan instead"))
    touched = {change.id: id for change in batch.standing() if isinstance(id := change.after("order_line"), UUID)}
    lines = ctx.as_system().records("orders.order_line").values(touched.values()) if touched else {}
    orders = sorted({line["order"] for line in lines.values()})  # type: ignore[type-var]
    ctx.lock(*(f"{ORDER}:{order}" for order in orders))
    planned = {row["order"] for row in invoices_of(ctx, orders)}  # type: ignore[arg-type]
    for change in batch.standing() if planned else ():
        line = lines.get(touched[change.id]) if change.id in touched else None
        if line is not None and line["order"] in planned:
            change.refuse("order_line", "billed_by_plan", BILLED_BY_PLAN)


def tell_orders(ctx: Context, batch: Batch) -> None:
    """Orders say how far they are billed by their plan, where invoices over instalments come, go or are taken back."""
    bearers: dict[UUID, Change] = {}
    for change in batch.changes:
        if change.before is not None and change.changes("order") and change.after("instalment") is not None:
            change.refuse("order", "over_instalment", _("the invoice is over an instalment of its order"))
        moved = change.verb != "update" or change.changes("state") or change.changes("instalment")
        order = change.after("order") or (change.before["order"] if change.before is not None else None)
        if change.stands and moved and change.after("instalment") is not None and isinstance(order, UUID):
            bearers.setdefault(order, change)
    if not bearers:
        return
    ctx.lock(*(f"{ORDER}:{order}" for order in sorted(bearers)))
    rows = {id_of(row): row for row in invoices_of(ctx, sorted(bearers))}
    for change in batch.changes:
        rows.pop(change.id, None)
        now = {"id": change.id, **(change.before or {}), **change.values}
        if change.stands and change.verb != "delete" and now.get("instalment") is not None and now["state"] != "credited":
            rows[change.id] = now
    for order, state in _how_far(ctx, sorted(bearers), rows.values()).items():
        batch.also_update(ORDER, bearers[order], order, {"billed": state}, BILLED_BEFORE if bearers[order].act == HISTORY else BILL)


def _how_far(ctx: Context, orders: Sequence[UUID], invoices: Iterable[Row]) -> dict[UUID, str]:
    system, billed = ctx.as_system(), dict[object, Decimal]()
    there = system.records(ORDER).values(orders)
    parts = system.records(INSTALMENT).values({id for row in invoices if isinstance(id := row["instalment"], UUID)})
    for part in parts.values():
        if isinstance(part["amount"], Money):
            billed[part["order"]] = billed.get(part["order"], Decimal(0)) + part["amount"].amount
    return {id: _state(billed.get(id, Decimal(0)), row["total"]) for id, row in there.items()}


def _state(billed: Decimal, total: object) -> str:
    return "none" if not billed else "billed" if isinstance(total, Money) and billed >= total.amount else "partial"


def keep_invoiced(ctx: Context, batch: Batch) -> None:
    """An instalment that has its invoice stays as it was invoiced, until that is deleted or taken back."""
    fields = ("amount", "share", "order")
    touched = {c.id: c for c in batch.changes if c.stands and c.before is not None and (c.verb == "delete" or any(map(c.changes, fields)))}
    if not touched:
        return
    lock(ctx, sorted({id for c in touched.values() if c.before is not None and isinstance(id := c.before["order"], UUID)}))
    records, ids = ctx.as_system().records(INVOICE), sorted(touched)
    for start in range(0, len(ids), PART):
        for row in records.find((Condition("instalment", "in", tuple(ids[start : start + PART])),), MOST):
            if row["state"] != "credited" and row["kind"] == "invoice" and touched[row["instalment"]].act not in (SUM, *MERGES):  # type: ignore[index]
                text = _("invoice {number} was made of this instalment: delete its draft or credit it first")
                touched[row["instalment"]].forbid("instalment_invoiced", text, number=number_of(ctx, INVOICE, id_of(row)))  # type: ignore[index]


def date(changes: Sequence[Change]) -> None:
    """It is due on a day, or by a milestone: then from the day on which that is reached, unless another is said with it."""
    for change in changes:
        reached, before = change.after("reached_on"), change.before["reached_on"] if change.before is not None else None
        if reached is not None and change.after("milestone") is None:
            change.refuse("reached_on", "no_milestone", _("the instalment isn’t due by a milestone; enter one, or leave this empty"))
        elif reached != before and not change.changes("due_on") and change.after("due_on") == before:
            change.values["due_on"] = reached  # also back to none, where it was entered too early
        if change.stands and change.after("due_on") is None and change.after("milestone") is None:
            change.refuse("due_on", "required", _("is required: a day, or the milestone by which it is due"))


def states_of(ctx: Context, orders: Sequence[UUID]) -> dict[UUID, str]:
    """How far those of these orders are billed that are billed by their plan."""
    rows = invoices_of(ctx, orders)
    return _how_far(ctx, sorted({id for row in rows if isinstance(id := row["order"], UUID)}), rows)
