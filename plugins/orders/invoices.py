"""Invoices: issued once, billed never beyond the order, corrected by credit notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from plugins.orders import by_plan
from plugins.orders.amounts import Amounts, part_amounts, rounded, summed
from plugins.orders.lines import CREDIT, MOST, number_of, shows
from plugins.orders.process import (
    BILL,
    BILLED_BEFORE,
    LINE,
    found,
    free_numbers,
    keep_currency,
    keep_history,
    mark_history,
    moves_issued,
    require_account,
    today,
)
from plugins.orders.tables import state_of
from sdk import Batch, Change, Condition, Conflict, Context, Draft, NotFound, _, keep_days, where
from sdk.changes import HISTORY
from sdk.context import Row, id_of
from sdk.fields import Money
from sdk.fields.money import minor_units
from sdk.fields.number import exact_text

ISSUE = "issue"
ISSUED = "orders.invoice.issued"


def prepare_invoices(ctx: Context, batch: Batch) -> None:
    """An issued invoice stays as it is; only issuing and crediting move it on."""
    for change in batch.changes:
        moved = change.verb != "update" or change.changed
        if moved and change.before is not None and change.before["state"] != "draft" and not moves_issued(change, change.before):
            text = _("invoice {number} is issued and can’t be changed; correct it with a credit note")
            change.forbid("invoice_issued", text, number=number_of(ctx, batch.entity, change.id))
        if change.before is not None and change.act != CREDIT and change.changes("kind"):
            change.refuse("kind", "fixed", _("can’t be changed later"))
        if change.before is None and change.act not in (CREDIT, HISTORY) and change.after("kind") == "credit_note":
            change.refuse(
                "kind", "by_crediting", _("create a credit note from an issued invoice: POST /orders/invoices/{{id}}/credit_notes")
            )
        if change.verb == "restore":
            change.forbid(
                "invoice_deleted", _("a deleted invoice can’t be restored: its items may have been invoiced again; create a new invoice")
            )
    _free_orders(ctx, batch)
    keep_days(batch, "issued_on", "due_on")
    for change in batch.standing():
        issued, due = change.after("issued_on"), change.after("due_on")
        if change.act == ISSUE and isinstance(issued, date) and isinstance(due, date) and due < issued:
            change.forbid(
                "due_before_issue",
                _("the invoice would be due on {due}, before it is issued: change the due date first"),
                due=due.isoformat(),
            )
        elif change.act == ISSUE and change.changes("state"):
            by = ctx.actor.user_id
            batch.emit(ISSUED, change, {"number": change.after("number"), "by": str(by) if by else None})
    keep_currency(ctx, batch)
    keep_history(batch)
    mark_history(batch)


def _free_orders(ctx: Context, batch: Batch) -> None:
    """What a deleted draft would have billed is open again."""
    gone = {change.id: change for change in batch.changes if change.verb == "delete" and change.stands}
    system, ids = ctx.as_system(), list(gone)
    for start in range(0, len(ids), 500):
        among = (Condition("invoice", "in", tuple(ids[start : start + 500])), Condition("order_line", "empty", ("false",)))
        lines = system.records("orders.invoice_line").find(among, MOST)
        billed = system.records("orders.order_line").values({line["order_line"] for line in lines})  # type: ignore[misc]
        siblings = _siblings(ctx, sorted({line["order"] for line in billed.values()}))  # type: ignore[type-var]
        left, by_line = open_quantities(ctx, siblings, [id_of(line) for line in lines]), {id_of(line): line for line in siblings}
        bearers = {by_line[line["order_line"]]["order"]: gone[line["invoice"]] for line in lines if line["order_line"] in by_line}  # type: ignore[index]
        _tell(batch, bearers, siblings, left)


def issue(ctx: Context, id: UUID) -> Row:
    """Give an invoice its number and date; from then on it stays as it is. Issuing again changes nothing."""
    with ctx.transaction(write=True):
        ctx.lock(f"orders.invoice:{id}")
        invoice = found(ctx, "orders.invoice", id)
        if invoice["state"] != "draft":
            return invoice
        if invoice["kind"] == "credit_note" and invoice["credits"] is None:
            raise Conflict(_("this credit note doesn’t credit an invoice; delete it and credit the invoice"), code="credits_nothing")
        if not ctx.records("orders.invoice_line").find(where(invoice=id), 1):
            raise Conflict(_("the invoice has no lines; add some before it is issued"), code="invoice_empty")
        require_account(ctx, invoice)
        on = today(ctx)
        key = "orders.invoice" if invoice["kind"] == "invoice" else "orders.credit_note"
        values = {"number": free_numbers(ctx, "orders.invoice", key, 1)[0], "issued_on": on, "state": "issued"}
        if invoice["due_on"] is None:
            values["due_on"] = on
        return ctx.records("orders.invoice").update(id, values, act=ISSUE)


def bill(ctx: Context, order: UUID, quantities: Mapping[UUID, Decimal] | None) -> Row:
    """A draft invoice for an order: the given quantities of its lines, or all that is not billed yet. Raises Conflict."""
    with ctx.transaction(write=True):
        ctx.lock(f"orders.order:{order}")
        row = found(ctx, "orders.order", order)
        if row["state"] != "confirmed":
            raise Conflict(
                _("the order is {state}; confirm it before invoicing"),
                code="order_not_confirmed",
                state=state_of("orders.order", row["state"]),
            )
        if by_plan.invoices_of(ctx, [order]):
            raise Conflict(by_plan.BILLED_BY_PLAN, code="billed_by_plan")
        lines = ctx.records("orders.order_line").find(where(order=order), MOST)
        if not lines:
            raise Conflict(_("the order has no lines; add some before invoicing it"), code="order_empty")
        ordered = {id_of(line): Decimal(str(line["quantity"])) for line in lines}
        left = {id: amount for id, amount in open_quantities(ctx, lines).items() if amount * ordered[id] > 0}
        if not left:
            raise Conflict(_("the whole order has already been invoiced"), code="order_billed")
        wanted = left if quantities is None else {id: amount for id, amount in quantities.items() if amount}
        if not wanted:
            raise Conflict(_("nothing to invoice; choose a line and a quantity"), code="nothing_to_bill")
        given = {name: row[name] for name in ("name", "account", "contact", "currency", "owner") if row[name] is not None}
        invoice = ctx.records("orders.invoice").create({**given, "order": order})
        by_id = {id_of(line): line for line in lines}
        if unknown := wanted.keys() - by_id.keys():
            raise NotFound(_("{entity} {id} does not exist"), entity="orders.order_line", id=str(min(unknown)))
        drafts = [
            Draft("create", {**{name: by_id[id][name] for name in LINE}, "quantity": amount, "invoice": invoice["id"], "order_line": id})
            for id, amount in wanted.items()
        ]
        ctx.records("orders.invoice_line").write_all(drafts)
        return ctx.records("orders.invoice").values([id_of(invoice)])[id_of(invoice)]


def open_quantities(ctx: Context, lines: Sequence[Row], but: Sequence[UUID] = ()) -> dict[UUID, Decimal]:
    """How much of each order line is not billed; what was credited does not count, nor do the invoice lines in `but`."""
    return _left(lines, _billed(ctx, [id_of(line) for line in lines], but))


@dataclass(frozen=True)
class _Part:
    """A line of an invoice over a part of an order's line, with what was credited of it."""

    row: Row
    credits: Sequence[Row]

    @property
    def quantity(self) -> Decimal:
        """What is left of it."""
        return Decimal(str(self.row["quantity"])) - _quantity(self.credits)

    @property
    def amounts(self) -> Amounts:
        """What is left of what it came to."""
        whole, gone = summed([self.row]), summed(self.credits)
        return Amounts(whole.net - gone.net, whole.tax - gone.tax)


def _billed(ctx: Context, lines: Sequence[UUID], but: Sequence[UUID] = ()) -> dict[object, list[_Part]]:
    """The parts of each order line that are billed."""
    system, ignored = ctx.as_system(), set(but)
    billed = [row for row in _among(system, "order_line", lines) if id_of(row) not in ignored]
    asked = {id for row in billed if isinstance(id := row["invoice"], UUID)}
    states: dict[object, Row] = dict(system.records("orders.invoice").values(asked).items())
    counted = [row for row in billed if _counts(states.get(row["invoice"]))]
    credited, found = _credits(ctx, [id_of(row) for row in counted]), dict[object, list[_Part]]()
    for row in counted:
        found.setdefault(row["order_line"], []).append(_Part(row, credited.get(id_of(row), ())))
    return found


def _beyond(wanted: Decimal, left: Decimal, ordered: Decimal) -> bool:
    """Whether it is more than is left of a line; of one that takes something back, below nothing, it is more the further down it is."""
    return not left <= wanted <= 0 if ordered < 0 else wanted > left if ordered else wanted != 0


def _left(lines: Sequence[Row], billed: Mapping[object, Sequence[_Part]]) -> dict[UUID, Decimal]:
    parts = {id_of(line): billed.get(line["id"], ()) for line in lines}
    return {id_of(line): Decimal(str(line["quantity"])) - sum((part.quantity for part in parts[id_of(line)]), Decimal(0)) for line in lines}


def _counts(invoice: Row | None) -> bool:
    return invoice is not None and invoice["state"] != "credited" and invoice["kind"] == "invoice"


def _credits(ctx: Context, lines: Sequence[UUID]) -> dict[UUID, list[Row]]:
    found: dict[UUID, list[Row]] = {}
    for row in _among(ctx.as_system(), "credits_line", lines):
        line = row["credits_line"]
        assert isinstance(line, UUID)
        found.setdefault(line, []).append(row)
    return found


def _quantity(rows: Sequence[Row]) -> Decimal:
    return sum((Decimal(str(row["quantity"])) for row in rows), Decimal(0))


def _among(system: Context, link: str, ids: Sequence[UUID]) -> list[Row]:
    records, parts = system.records("orders.invoice_line"), [tuple(ids[start : start + 500]) for start in range(0, len(ids), 500)]
    return [row for part in parts for row in records.find((Condition(link, "in", part),), MOST)]


def keep_within_order(ctx: Context, batch: Batch) -> None:
    """No more of an order's line is billed than was ordered, in quantity and to the cent; the order says how far it is billed."""
    touched = [change for change in batch.changes if change.stands and isinstance(change.after("order_line"), UUID)]
    credits = _credits_of_history(ctx, batch)
    ids = {change.after("order_line") for change in touched} | credits.keys()
    lines = ctx.as_system().records("orders.order_line").values(ids)  # type: ignore[arg-type]
    if not lines:
        return
    orders = sorted({line["order"] for line in lines.values()})  # type: ignore[type-var]
    ctx.lock(*(f"orders.order:{order}" for order in orders))
    siblings = _siblings(ctx, orders)
    billed = _billed(ctx, [id_of(line) for line in siblings], [change.id for change in touched])
    left, ordered = _left(siblings, billed), {id_of(line): Decimal(str(line["quantity"])) for line in siblings}
    for credited in credits.keys() & left.keys():
        left[credited] += sum((quantity for _change, quantity in credits[credited]), Decimal(0))
    for change in touched:
        if change.verb == "delete":
            continue
        line, wanted = change.after("order_line"), Decimal(str(change.after("quantity")))
        assert isinstance(line, UUID)
        if line in lines and _other_currency(change, lines[line]):
            continue
        if line in left and wanted < 0 < ordered[line]:
            change.refuse("quantity", "out_of_range", _("expected more than zero: to reverse an invoice, issue a credit note"))
        elif line in left and _beyond(wanted, left[line], ordered[line]):
            text = _("{wanted} is beyond what of this line is not yet invoiced")
            if shown := _shows_parts(ctx, line, billed.get(line, ()), "quantity"):
                text = _("{wanted} is more than the {left} of this line not yet invoiced")
            if shown and ordered[line] <= 0:
                text = _("this line takes something back: expected from {left} to 0, got {wanted}")
            change.refuse("quantity", "over_billed", text, wanted=exact_text(wanted), left=exact_text(left[line]))
        elif line in left:
            _price_part(ctx, change, lines[line], billed.setdefault(line, []))
            left[line] -= wanted if change.stands else 0
    _tell_orders(
        batch,
        [(change.after("order_line"), change) for change in touched] + [(id, parts[0][0]) for id, parts in credits.items()],
        siblings,
        left,
    )


def _other_currency(change: Change, line: Row) -> bool:
    """An order is billed in its own currency: money of two has no sum, and nobody has said at which rate."""
    mine, ordered = change.after("unit_price"), line["unit_price"]
    if not isinstance(mine, Money) or not isinstance(ordered, Money) or mine.currency == ordered.currency:
        return False
    text = _("the order is in {expected} and the invoice in {got}: invoice it in the currency of the order")
    change.refuse("order_line", "other_currency", text, expected=ordered.currency, got=mine.currency)
    return True


def _credits_of_history(ctx: Context, batch: Batch) -> dict[UUID, list[tuple[Change, Decimal]]]:
    """By order line the credits that come in as they stood, and how much each opens again; one that goes closes it. Ours tell their order themselves."""
    system, found = ctx.as_system(), dict[UUID, list[tuple[Change, Decimal]]]()
    mine = [
        change for change in batch.changes if change.stands and change.act == HISTORY and isinstance(change.after("credits_line"), UUID)
    ]
    gone = {change.id for change in batch.changes if change.stands and change.verb == "delete"}
    mine = [change for change in mine if change.after("credits_line") not in gone]  # of what goes with it nothing is closed again
    lines = system.records("orders.invoice_line").values({change.after("credits_line") for change in mine}) if mine else {}  # type: ignore[misc]
    documents: dict[object, Row] = dict(system.records("orders.invoice").values({line["invoice"] for line in lines.values()}).items())  # type: ignore[misc]
    for change in mine:
        line = lines.get(change.after("credits_line"))  # type: ignore[call-overload]
        if line is not None and isinstance(id := line["order_line"], UUID) and _counts(documents.get(line["invoice"])):
            quantity = Decimal(str(change.after("quantity")))
            found.setdefault(id, []).append((change, -quantity if change.verb == "delete" else quantity))
    return found


def _price_part(ctx: Context, change: Change, line: Row, parts: list[_Part]) -> None:
    """What a part comes to is the rest of what it and the parts before it cost in all; parts at other terms are none of its own."""
    price, quantity = change.after("unit_price"), change.after("quantity")
    if not isinstance(price, Money) or not isinstance(quantity, Decimal):
        return
    mine = {"unit_price": price, **{name: change.after(name) for name in (*_RATES, "quantity", "net", "tax")}}
    if _terms(mine) == _terms(line):
        same = [part for part in parts if _terms(part.row) == _terms(line)]
        before, sofar = sum((part.quantity for part in same), Decimal(0)), Amounts(Decimal(0), Decimal(0))
        for part in same:
            sofar = Amounts(sofar.net + part.amounts.net, sofar.tax + part.amounts.tax)
        amounts = part_amounts(before, sofar, quantity, price, change.after("discount"), change.after("tax_rate"))
        if change.act != HISTORY:  # that came to what it came to
            change.values |= amounts.values(price.currency)
            mine |= amounts.values(price.currency)
    parts.append(_Part(mine, ()))
    if change.act != HISTORY and any(change.changes(name) for name in ("order_line", "quantity", "unit_price", "discount")):
        _keep_worth(ctx, change, line, parts)


def _keep_worth(ctx: Context, change: Change, line: Row, parts: list[_Part]) -> None:
    """Refuse a part with which a line's parts would come to more than the line. At other terms each is rounded by itself: half a cent is nothing."""
    net = line["net"]
    assert isinstance(net, Money)
    whole, room = sum((part.amounts.net for part in parts), Decimal(0)), len(parts) * Decimal(5).scaleb(-minor_units(net.currency) - 1)
    if not min(net.amount, Decimal(0)) - room <= whole <= max(net.amount, Decimal(0)) + room:
        text = _("more would be invoiced of a line of the order than it comes to; invoice what is charged beside it as a line of its own")
        if _shows_parts(ctx, id_of(line), parts[:-1], "net"):
            text = _(
                "{got} in all would be invoiced of a line of the order that comes to {net}; invoice what is charged beside it as a line of its own"
            )
        change.refuse("unit_price", "over_billed", text, got=f"{whole:f}", net=f"{net.amount:f}")
        parts.pop()


def _shows_parts(ctx: Context, line: UUID, parts: Sequence[_Part], name: str) -> bool:
    """Whether the actor sees of an order's line, and of what is billed and credited of it, what is left; of those of this batch it was said."""
    rows = [row for part in parts for row in (part.row, *part.credits) if "id" in row]
    return shows(ctx, "orders.order_line", [line], name) and shows(ctx, "orders.invoice_line", [id_of(row) for row in rows], name)


_RATES = ("discount", "tax_rate")


def _terms(line: Row) -> tuple[object, ...]:
    return (line["unit_price"], *(line[name] or 0 for name in _RATES))


def _siblings(ctx: Context, orders: Sequence[object]) -> list[Row]:
    """All lines of these orders."""
    records, parts = (
        ctx.as_system().records("orders.order_line"),
        [tuple(orders[start : start + 500]) for start in range(0, len(orders), 500)],
    )
    return [line for part in parts for line in records.find((Condition("order", "in", part),), MOST)]


def _tell_orders(batch: Batch, touched: Sequence[tuple[object, Change]], siblings: Sequence[Row], left: Mapping[UUID, Decimal]) -> None:
    by_line: dict[object, Row] = {id_of(line): line for line in siblings}
    bearers: dict[object, Change] = {}
    for id, change in touched:
        line = by_line.get(id)
        if line is not None and change.stands:
            bearers.setdefault(line["order"], change)
    _tell(batch, bearers, siblings, left)


def _tell(batch: Batch, bearers: Mapping[object, Change], siblings: Sequence[Row], left: Mapping[UUID, Decimal]) -> None:
    """Each order says how far it is billed."""
    for order, change in bearers.items():
        assert isinstance(order, UUID)
        state = _how_far([line for line in siblings if line["order"] == order], left)
        batch.also_update("orders.order", change, order, {"billed": state}, BILLED_BEFORE if change.act == HISTORY else BILL)


def _how_far(lines: Sequence[Row], left: Mapping[UUID, Decimal]) -> str:
    """How far an order of these lines is billed, where so much of them is left."""
    parts = [(left[id_of(line)], Decimal(str(line["quantity"]))) for line in lines]
    if all(open_ * all_ <= 0 for open_, all_ in parts):
        return "billed"
    return "none" if all(open_ == all_ for open_, all_ in parts) else "partial"


def count_billed(ctx: Context, orders: Sequence[UUID]) -> None:
    """Say anew of confirmed orders how far they are billed, where they say otherwise; nobody bills them meanwhile."""
    ctx.lock(*(f"orders.order:{order}" for order in orders))
    there = ctx.records("orders.order").values(orders)
    lines = [line for line in _siblings(ctx, sorted(there)) if there[line["order"]]["state"] == "confirmed"]  # type: ignore[index]
    left, of = open_quantities(ctx, lines), dict[UUID, list[Row]]()
    for line in lines:
        of.setdefault(line["order"], []).append(line)  # type: ignore[arg-type]
    states = {id: _how_far(mine, left) for id, mine in of.items()} | by_plan.states_of(ctx, sorted(of))
    drafts = [Draft("update", {"billed": state}, id, act=BILL) for id, state in states.items() if there[id]["billed"] != state]
    ctx.records("orders.order").write_all(drafts)


def credit(ctx: Context, id: UUID, quantities: Mapping[UUID, Decimal] | None = None) -> Row:
    """A credit note over an issued invoice, issued at once: over the given quantities of its lines, or all that is left. Raises Conflict.

    An invoice of which nothing is left is credited; until then it stays issued.
    """
    with ctx.transaction(write=True):
        ctx.lock(f"orders.invoice:{id}")
        invoice = found(ctx, "orders.invoice", id)
        if invoice["state"] != "issued" or invoice["kind"] != "invoice":
            raise Conflict(_("only an issued invoice that isn’t fully credited can be credited"), code="not_creditable")
        lines = {id_of(line): line for line in ctx.records("orders.invoice_line").find(where(invoice=id), MOST)}
        gone = _credits(ctx, list(lines))
        left = {key: Decimal(str(line["quantity"])) - _quantity(gone.get(key, ())) for key, line in lines.items()}
        wanted = {key: amount for key, amount in (left if quantities is None else quantities).items() if amount}
        _check_wanted(wanted, left)
        given = {name: invoice[name] for name in ("name", "account", "contact", "currency", "owner", "order") if invoice[name] is not None}
        note = _note(ctx, given, id)
        drafts = [
            Draft("create", {**{name: lines[key][name] for name in LINE}, "quantity": amount, "invoice": note["id"], "credits_line": key,
                             **_credited(lines[key], gone.get(key, ()), amount)}, act=CREDIT)
            for key, amount in wanted.items()
        ]  # fmt: skip
        ctx.records("orders.invoice_line").write_all(drafts)
        issued = issue(ctx, id_of(note))
        if all(amount == wanted.get(key, Decimal(0)) for key, amount in left.items()):
            ctx.records("orders.invoice").update(id, {"state": "credited"}, act=CREDIT)
        if invoice["instalment"] is None:
            _reopen(ctx, invoice)
        return issued


def _credited(line: Row, before: Sequence[Row], quantity: Decimal) -> dict[str, object]:
    """What a credit comes to: with those before it, its share of what the line came to; so that no cent is lost or won by crediting in parts."""
    price, taken, all_ = line["unit_price"], _quantity(before) + quantity, Decimal(str(line["quantity"]))
    assert isinstance(price, Money)
    whole, gone = summed([line]), summed(before)
    net, tax = (rounded(amount * taken / all_, price.currency) for amount in (whole.net, whole.tax))
    return Amounts(net - gone.net, tax - gone.tax).values(price.currency)


def _check_wanted(wanted: Mapping[UUID, Decimal], left: Mapping[UUID, Decimal]) -> None:
    if unknown := wanted.keys() - left.keys():
        raise NotFound(_("{entity} {id} does not exist"), entity="orders.invoice_line", id=str(min(unknown)))
    for key, amount in wanted.items():
        if amount * left[key] <= 0 or abs(amount) > abs(left[key]):
            text = _("{wanted} can’t be credited: {left} of this line remains")
            raise Conflict(text, code="over_credited", wanted=exact_text(amount), left=exact_text(left[key]))
    if not wanted:
        raise Conflict(_("nothing to credit; choose a line and a quantity"), code="nothing_to_credit")


def _note(ctx: Context, given: Mapping[str, object], credited: UUID) -> Row:
    return ctx.records("orders.invoice").create({**given, "kind": "credit_note", "credits": credited}, act=CREDIT)


def _reopen(ctx: Context, invoice: Row) -> None:
    """What was credited can be billed again."""
    if isinstance(order := invoice["order"], UUID):
        lines = ctx.as_system().records("orders.order_line").find(where(order=order), MOST)
        left = open_quantities(ctx, lines)
        none = all(left[id_of(line)] == line["quantity"] for line in lines)
        ctx.as_system().records("orders.order").update(order, {"billed": "none" if none else "partial"}, act=BILL)
