"""Payment plans: instalments, and payments that settle them in the order of their due dates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from plugins.orders import by_plan
from plugins.orders.amounts import rounded
from plugins.orders.lines import KINDS, MOST, Sum, documents_of, number_of, shows, type_documents
from plugins.orders.process import today
from plugins.orders.settlement import Books, key_of, lock, read
from sdk import Batch, Change, Channel, Condition, Conflict, Context, Draft, _, keep_days
from sdk.changes import UNDO
from sdk.context import Row, id_of
from sdk.fields import Money
from sdk.fields.money import minor_units
from sdk.fields.number import exact_text

ORDER, INSTALMENT, PAYMENT, PAY = "orders.order", "orders.instalment", "orders.payment", "pay"
_PAID_FOR = (ORDER, "orders.invoice", "orders.invoice_line")
KEPT = ("amount", "order", "instalment", "invoice", "reverses")
"""What a payment says once and for all."""
HUNDRED = Decimal(100)
_IN_CURRENCY, _OTHER_CURRENCY = _("expected {expected}, the currency of the order"), _("expected the currency of the order")
"""What is said of money in another currency, to who sees the order's and to who does not."""


@dataclass(frozen=True)
class _Planned:
    """What an instalment asks for, and the share that it was made from."""

    amount: Decimal
    share: Decimal | None

    def rounding(self, total: Money) -> Decimal:
        """How much more than its share it asks for, if that is by rounding."""
        more = Decimal(0) if self.share is None else self.amount - total.amount * self.share / HUNDRED
        return more if abs(more) < Decimal(1).scaleb(-minor_units(total.currency)) else Decimal(0)


type_plan = dict[UUID, _Planned]


def prepare_instalments(ctx: Context, batch: Batch) -> None:
    """An instalment has an amount or a share of the order; together they do not ask for more than the order's total. One that was paid stays."""
    _keep_settled(ctx, batch)
    by_plan.keep_invoiced(ctx, batch)
    keep_days(batch, "due_on", "reached_on")
    standing = batch.standing()
    by_plan.date(standing)
    lock(ctx, {order for change in standing if change.act != PAY and isinstance(order := change.after("order"), UUID)})
    orders, plan = _plans(ctx, standing)
    stored = {order: {*mine} for order, mine in plan.items()}
    for change in standing:
        if change.act == PAY:
            continue
        order = orders.get(change.after("order"))
        total = order["total"] if order is not None else None
        if (
            order is not None
            and order["state"] == "cancelled"
            and not order["history"]
            and (change.before is None or change.changes("order"))
        ):
            change.refuse("order", "order_cancelled", _("the order is cancelled, so nothing is due"))
            continue
        if not isinstance(total, Money):
            change.refuse("order", "no_total", _("the order has no lines yet, so nothing is due"))
            continue
        if total.amount < 0:
            text = _("the order comes to less than zero, so nothing is due")
            if order is not None and shows(ctx, ORDER, [id_of(order)], "total"):
                text = _("the order comes to {total}, so nothing is due")
            change.refuse("order", "no_total", text, total=_said(total.amount, total.currency))
            continue
        mine = plan.setdefault(change.after("order"), {})
        if not (ctx.channel is Channel.IMPORT and change.changes("amount") and change.after("amount") is not None):
            # A file says both of a plan that is there; lines may have been added since it was made.
            _settle_amount(change, total, [other for id, other in mine.items() if id != change.id])
        amount = change.after("amount")
        if not isinstance(amount, Money):
            change.refuse("amount", "required", _("is required: an amount, or a share of the order"))
        elif amount.currency != total.currency:
            quoted = order is not None and shows(ctx, ORDER, [id_of(order)], "total")
            change.refuse("amount", "other_currency", _IN_CURRENCY if quoted else _OTHER_CURRENCY, expected=total.currency)
        else:
            _fit(ctx, change, amount, total, mine, stored.get(change.after("order"), set()))


def _keep_settled(ctx: Context, batch: Batch) -> None:
    """The money is the order's for which it came in: what it settled is not taken away, nor carried to another order."""
    for change in batch.changes:
        if change.act == PAY and change.changes("order"):
            change.forbid("plan_changed", _("the payment plan was changed at this moment: try again"))
            continue
        paid = change.before["paid"] if change.before is not None and change.stands and change.act != PAY else None
        if isinstance(paid, Money) and paid.amount and (change.verb == "delete" or change.changes("order")):
            text = _("part of it has already been paid, so it stays with its order; change its amount or due date instead")
            if shows(ctx, INSTALMENT, [change.id], "paid"):
                text = _("{paid} of it has already been paid, so it stays with its order; change its amount or due date instead")
            change.forbid("paid_already", text, paid=_said(paid.amount, paid.currency))


def _settle_amount(change: Change, total: Money, others: list[_Planned]) -> None:
    """A share of the order, less what rounding gave to the shares before: 100 per cent in shares are the order to the cent."""
    share = change.after("share")
    if isinstance(share, Decimal) and (change.changes("share") or change.after("amount") is None):
        before = sum((other.rounding(total) for other in others), Decimal(0))
        change.values["amount"] = Money(rounded(total.amount * share / HUNDRED - before, total.currency), total.currency)


def _fit(ctx: Context, change: Change, amount: Money, total: Money, mine: type_plan, stored: set[UUID]) -> None:
    paid = change.before["paid"] if change.before else None
    already = paid.amount if isinstance(paid, Money) else Decimal(0)
    planned = sum((other.amount for id, other in mine.items() if id != change.id), Decimal(0))
    if planned + amount.amount > total.amount:
        text = _("the plan would add up to more than the order comes to")
        said = {"planned": _said(planned + amount.amount, amount.currency), "total": _said(total.amount, total.currency)}
        order = change.after("order")
        if isinstance(order, UUID) and shows(ctx, ORDER, [order], "total") and shows(ctx, INSTALMENT, stored, "amount"):
            text = _("the plan would add up to {planned}, but the order comes to {total}")
        change.refuse("amount", "over_planned", text, **said)
    elif amount.amount < already:
        text = _("more than that of it has already been paid")
        if shows(ctx, INSTALMENT, [change.id], "paid"):
            text = _("{paid} of it has already been paid")
        change.refuse("amount", "paid_already", text, paid=_said(already, amount.currency))
    else:
        share = change.after("share")
        mine[change.id] = _Planned(amount.amount, share if isinstance(share, Decimal) else None)
        left = amount.amount - already
        change.values |= {"paid": Money(already, amount.currency), "open": Money(left, amount.currency), "settled": left <= 0}


def _said(amount: Decimal, currency: str) -> str:
    return exact_text(amount, minor_units(currency))


def _plans(ctx: Context, changes: list[Change]) -> tuple[dict[object, Row], dict[object, type_plan]]:
    ids = {order for change in changes if isinstance(order := change.after("order"), UUID)}
    orders: dict[object, Row] = dict(ctx.as_system().records("orders.order").values(ids).items())
    plan = dict[object, type_plan]()
    for row in _instalments(ctx, list(ids)):
        if isinstance(row["amount"], Money) and isinstance(row["order"], UUID):
            share = row["share"] if isinstance(row["share"], Decimal) else None
            plan.setdefault(row["order"], {})[id_of(row)] = _Planned(row["amount"].amount, share)
    return orders, plan


def _instalments(ctx: Context, orders: list[UUID]) -> list[Row]:
    records = ctx.as_system().records(INSTALMENT)
    parts = [tuple(orders[start : start + 500]) for start in range(0, len(orders), 500)]
    return [row for part in parts for row in records.find((Condition("order", "in", part),), MOST)]


def keep_plans(ctx: Context, batch: Batch, documents: type_documents, sums: Mapping[UUID, Sum]) -> bool:
    """Refuse changes of lines with which an order would come to less than its plan asks for; whether there were any."""
    less = sorted(id for id, one in sums.items() if isinstance(was := documents[id]["total"], Money) and one.amounts.total < was.amount)
    lock(ctx, less)
    planned, plan = dict[object, Decimal](), dict[object, list[UUID]]()
    for row in _instalments(ctx, less) if less else ():
        if isinstance(row["amount"], Money):
            planned[row["order"]] = planned.get(row["order"], Decimal(0)) + row["amount"].amount
            plan.setdefault(row["order"], []).append(id_of(row))
    short = {id for id in less if id in planned and sums[id].amounts.total < planned[id]}
    for change in batch.changes if short else ():
        for id in documents_of(change, KINDS[batch.entity]) & short if change.stands else ():
            text = _("the payment plan of {number} adds up to {planned}, and the order would come to {total}; change the plan first")
            was, total = documents[id]["total"], sums[id].amounts.total
            currency = was.currency if isinstance(was, Money) else ""
            said = {"planned": _said(planned[id], currency), "total": _said(total, currency)}
            if not shows(ctx, ORDER, [id], "total") or not shows(ctx, INSTALMENT, plan[id], "amount"):
                text = _("the payment plan of {number} adds up to more than the order would come to; change the plan first")
            change.forbid("below_plan", text, number=number_of(ctx, ORDER, id), **said)
    return bool(short)


def keep_paid(ctx: Context, batch: Batch) -> None:
    """An order or invoice for which money came in stays, and so do the lines of the invoice: payments are not deleted, so neither is what they are
    for."""
    gone, link = dict[UUID, list[Change]](), "order" if batch.entity == ORDER else "invoice"
    for change in batch.changes if batch.entity in _PAID_FOR else ():
        id = change.before["invoice"] if change.before is not None and batch.entity == "orders.invoice_line" else change.id
        if change.verb == "delete" and change.stands and isinstance(id, UUID):
            gone.setdefault(id, []).append(change)
    payments, ids = ctx.as_system().records(PAYMENT), sorted(gone)
    for start in range(0, len(ids), 500):
        among = Condition(link, "in", tuple(ids[start : start + 500]))
        for paid in {row[link] for row in payments.find((among,), MOST)}:
            for change in gone[paid]:  # type: ignore[index]
                if link == "order":
                    change.forbid("order_paid", _("payments were received for the order, so it can’t be deleted; cancel it instead"))
                else:
                    change.forbid("invoice_paid", _("payments were received for the invoice, so it stays with its lines"))


def prepare_payments(ctx: Context, batch: Batch) -> None:
    """Spread each new payment over what is still open of the plan: what it names, or the oldest due date first; more than is due by plan and by
    invoice is refused. What came in stays; what takes one back opens again what that one had settled, and so does the undo of the import that
    brought one in by mistake."""
    undone = _undone(ctx, batch)
    _keep_recorded(batch)
    _keep_past(ctx, batch)
    keep_days(batch, "received_on")
    fresh = [change for change in batch.standing() if change.verb == "create"]
    _find_orders(ctx, fresh)
    fresh = [*undone, *(change for change in fresh if change.stands)]
    lock(ctx, sorted({_key(change) for change in fresh}))
    rows = _rows_beside(ctx, fresh) if fresh else []
    taken = [change for change in fresh if change.stands]

    def settle_plans(sure: Sequence[Change]) -> None:
        written = {change.id for change in sure}
        left = [change for change in taken if change.id in written]
        # Where one was refused after all, what it would have settled is open to the others.
        batch.side_rows += rows if len(left) == len(taken) else _rows_beside(ctx, left)
        if not all(change.stands for change in left):
            raise Conflict(_("the payment plan was changed at this moment: try again"))

    if taken:
        batch.at_last(settle_plans)


def _rows_beside(ctx: Context, fresh: Sequence[Change]) -> list[tuple[str, UUID, Draft]]:
    """What these payments settle, and how the parts of the plans stand then; refuses what is more than is open."""
    beside, keys = Batch(PAYMENT, ()), sorted({_key(change) for change in fresh})
    plan: dict[object, list[Row]] = {}
    for row in sorted(_instalments(ctx, keys), key=lambda row: (str(row["due_on"]), str(row["id"]))):
        plan.setdefault(row["order"], []).append(row)
    left = {id_of(row): row["open"].amount for rows in plan.values() for row in rows if isinstance(row["open"], Money)}
    settled, books = dict[UUID, tuple[Change, Row]](), read(ctx, keys)
    backs = {change.id: back for change in fresh if (back := _back(change)) is not None}
    allocated = _allocated(ctx, sorted({*backs.values()}))
    for change in fresh:
        mine, book = plan.get(change.after("order"), []), books[_key(change)]
        back = backs.get(change.id)
        if change.verb == "delete" and _is_paid_again(change, allocated.get(back, ()), mine, left, book):
            change.forbid("paid_again", _("what it had made due again has been paid since"))
            continue
        for row, amount in _spread(ctx, change, mine, left, book) if back is None else _taken_back(allocated.get(back, ()), mine, left):
            paid = change.after("amount")
            assert isinstance(paid, Money)
            values = {"payment": change.id, "instalment": row["id"], "amount": Money(amount, paid.currency)}
            if change.verb == "create":  # those of one that goes are part of it, and go with it
                beside.also_create("orders.allocation", change, values)
            settled[id_of(row)] = (change, row)
        if change.verb == "delete":
            book.take_back(change.id)
        elif change.stands:
            book.come_in(change.id, {**change.values, "id": change.id})
    for id, (change, row) in settled.items():
        asked = row["amount"]
        assert isinstance(asked, Money)
        now = {"paid": asked.amount - left[id], "open": left[id]}
        paid_so_far = {name: Money(amount, asked.currency) for name, amount in now.items()}
        stands = {"settled": left[id] <= 0, "order": change.after("order")}  # which it may have left meanwhile: see `_keep_settled`
        beside.also_update(INSTALMENT, change, id, {**paid_so_far, **stands}, PAY)
    return beside.side_rows


def _keep_recorded(batch: Batch) -> None:
    for change in batch.changes:
        if change.verb == "restore" and change.stands:
            change.forbid("payment_kept", _("what it had settled has been due again since its import was undone; enter it again"))
        elif change.verb == "create" or (change.verb == "delete" and change.act == UNDO) or not change.stands:
            continue
        elif change.verb != "update" or any(map(change.changes, KEPT)):
            change.forbid("payment_kept", _("a payment can’t be changed or deleted once recorded; reverse it and enter it again"))


def _undone(ctx: Context, batch: Batch) -> list[Change]:
    """The payments that go with the import that brought them; not those that somebody has reversed: both stay on record."""
    gone = {change.id: change for change in batch.changes if change.verb == "delete" and change.act == UNDO and change.stands}
    payments, ids = ctx.as_system().records(PAYMENT), sorted(gone)
    for start in range(0, len(ids), 500):
        for row in payments.find((Condition("reverses", "in", tuple(ids[start : start + 500])),), MOST):
            if id_of(row) not in gone:  # else both go
                gone[row["reverses"]].forbid("payment_reversed", _("the payment has since been reversed, so both stay on record"))  # type: ignore[index]
    # What goes together with what takes it back goes first: one settles as much as the other opens, whatever was paid since. Of the rest payments
    # go before reversals: one that came after a reversal settles what that had opened.
    reverses = {id: change.before["reverses"] for id, change in gone.items() if change.before is not None}
    pairs = {id: back for id, back in reverses.items() if back in gone}
    both = {*pairs, *pairs.values()}
    return sorted((one for one in gone.values() if one.stands), key=lambda one: (one.id not in both, reverses.get(one.id) is not None))


def _key(change: Change) -> UUID:
    return key_of({"id": change.id, **(change.before or {}), **change.values})


def _find_orders(ctx: Context, fresh: Sequence[Change]) -> None:
    """A payment is for an order, and may say for which instalment or which issued invoice of it; who names one of these names its order."""
    system = ctx.as_system()
    _take_back(ctx, fresh)
    named = {
        name: system.records(f"orders.{name}").values({id for one in fresh if isinstance(id := one.after(name), UUID)})
        for name in ("instalment", "invoice")
    }
    for change in fresh:
        change.values.setdefault("order", None)
        for name, rows in named.items():
            row = rows.get(change.after(name))  # type: ignore[call-overload]
            if row is None:
                continue
            if name == "invoice" and (row["kind"] != "invoice" or row["state"] != "issued") and _back(change) is None:
                change.refuse(name, "not_issued", _("expected an issued invoice that isn’t fully credited"))
            elif change.values["order"] is None:
                change.values["order"] = row["order"]
            elif change.values["order"] != row["order"]:
                change.refuse(name, "other_order", _("belongs to another order"))
        if change.stands and change.values["order"] is None and change.after("invoice") is None:
            change.refuse("order", "required", _("is required: an order, or an invoice"))


def _keep_past(ctx: Context, batch: Batch) -> None:
    """Money that came in came in by now; a day more, since it is tomorrow already east of the company."""
    last = today(ctx) + timedelta(days=1)
    for change in batch.standing():
        on = change.after("received_on")
        if change.changes("received_on") and isinstance(on, date) and on > last:
            text = _("is in the future: enter a payment once it has been received; what is still due belongs in the payment plan")
            change.refuse("received_on", "in_future", text)


def _take_back(ctx: Context, fresh: Sequence[Change]) -> None:
    """A payment that takes another back is over as much below nothing, and for what that was for, whether or not its actor sees all of it."""
    named = {back for one in fresh if (back := _back(one)) is not None}
    for back, row in ctx.as_system().records(PAYMENT).values(named).items() if named else ():
        amount = row["amount"]
        assert isinstance(amount, Money)
        back_again, shown = Money(-amount.amount, amount.currency), shows(ctx, PAYMENT, [back], "amount")
        for change in (one for one in fresh if _back(one) == back):
            if change.after("order") not in (None, row["order"]) and shows(ctx, PAYMENT, [back], "order"):
                change.refuse("reverses", "other_order", _("belongs to another order"))
            for name in ("instalment", "invoice"):
                if change.after(name) not in (None, row[name]) and shows(ctx, PAYMENT, [back], name):
                    change.refuse(name, "other_payment", _("isn’t the one of the payment that is reversed; leave it empty"))
            change.values |= {name: row[name] for name in ("order", "invoice", "instalment") if name != "instalment" or change.after(name)}
            if row["reverses"] is not None:
                change.refuse("reverses", "is_reversal", _("this payment reverses another one; enter a new payment instead"))
            elif shown and change.after("amount") != back_again:
                text = _("expected {expected}, the amount of the payment that is reversed with the opposite sign")
                change.refuse("amount", "other_amount", text, expected=f"{_said(-amount.amount, amount.currency)} {amount.currency}")
            change.values["amount"] = back_again


def _back(change: Change) -> UUID | None:
    """The payment of which a change takes back what it had settled: the one that is reversed, or goes."""
    id = change.id if change.verb == "delete" else change.after("reverses") if change.verb == "create" else None
    return id if isinstance(id, UUID) else None


def _allocated(ctx: Context, payments: Sequence[UUID]) -> dict[object, list[Row]]:
    """What these payments had settled."""
    records, found = ctx.as_system().records("orders.allocation"), dict[object, list[Row]]()
    for start in range(0, len(payments), 500):
        for row in records.find((Condition("payment", "in", tuple(payments[start : start + 500])),), MOST):
            found.setdefault(row["payment"], []).append(row)
    return found


def _is_paid_again(change: Change, allocated: Iterable[Row], plan: list[Row], left: dict[UUID, Decimal], book: Books) -> bool:
    """Whether what a reversal that goes had made due again has been paid meanwhile, by plan or by invoice."""
    if any(left.get(row["instalment"], 0) + _amount(row) < 0 for row in allocated):  # type: ignore[call-overload]
        return True
    paid = change.before["amount"] if change.before is not None and change.before["reverses"] in book.payments else None
    if not isinstance(paid, Money):
        return False
    due, unpaid = (left.get(id_of(row), Decimal(0)) for row in plan), book.open(paid.currency).values()
    return -paid.amount > max(sum(due, Decimal(0)), sum(unpaid, Decimal(0)))


def _taken_back(allocated: Iterable[Row], plan: list[Row], left: dict[UUID, Decimal]) -> list[tuple[Row, Decimal]]:
    """What had been settled is open again."""
    parts, back = {id_of(row): row for row in plan}, list[tuple[Row, Decimal]]()
    for row in allocated:
        part = parts[row["instalment"]]  # type: ignore[index]
        left[id_of(part)] += _amount(row)
        back.append((part, -_amount(row)))
    return back


def _amount(row: Row) -> Decimal:
    amount = row["amount"]
    assert isinstance(amount, Money)
    return amount.amount


def _spread(ctx: Context, change: Change, plan: list[Row], left: dict[UUID, Decimal], book: Books) -> list[tuple[Row, Decimal]]:
    paid, instalment, invoice = change.after("amount"), change.after("instalment"), change.after("invoice")
    assert isinstance(paid, Money)
    currencies = {money.currency for row in plan if isinstance(money := row["amount"], Money)} or {
        money.currency for row in book.invoices.values() if isinstance(money := row["total"], Money)
    }
    due, said = {id_of(row): left.get(id_of(row), Decimal(0)) for row in plan}, _("{paid} is more than the {open} still due")
    unpaid = book.open(paid.currency)
    open_ = max(sum(due.values(), Decimal(0)), sum(unpaid.values(), Decimal(0)))
    for id, of, text in (
        (instalment, due, _("{paid} is more than the {open} still due of this instalment")),
        (invoice, unpaid, _("{paid} is more than the {open} still due of this invoice")),
    ):
        if isinstance(id, UUID) and (least := of.get(id, Decimal(0))) <= open_:
            open_, said = least, text
    if paid.amount <= 0:
        change.refuse("amount", "out_of_range", _("expected more than zero"))
    elif currencies and paid.currency not in currencies:
        quoted = shows(ctx, INSTALMENT, due, "amount") and shows(ctx, "orders.invoice", book.invoices, "total")
        change.refuse("amount", "other_currency", _IN_CURRENCY if quoted else _OTHER_CURRENCY, expected=min(currencies))
    elif not plan and not book.invoices:
        text = _("the order has no payment plan and no issued invoice: add an instalment first, of the whole order if it is paid at once")
        change.refuse("order", "no_plan", text)
    elif paid.amount > open_:
        if not (shows(ctx, INSTALMENT, due, "open") and shows(ctx, "orders.invoice", unpaid, "open")):
            said = _("is more than what is still due")
        change.refuse("amount", "over_allocated", said, paid=_said(paid.amount, paid.currency), open=_said(open_, paid.currency))
    if not change.stands:
        return []
    rest, spread = paid.amount, list[tuple[Row, Decimal]]()
    for row in sorted(plan, key=lambda row: row["id"] != instalment):
        part = min(rest, left.get(id_of(row), Decimal(0)))
        if part > 0:
            left[id_of(row)] -= part
            rest -= part
            spread.append((row, part))
    return spread
