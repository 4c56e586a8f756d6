"""How far issued invoices are paid: what came in for each, and what came in for their order, to the one that is due first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from plugins.orders.lines import MOST
from sdk import Batch, Change, Condition, Context, Draft
from sdk.changes import HISTORY
from sdk.context import Row, id_of
from sdk.fields import Money

INVOICE, PAYMENT, SETTLE = "orders.invoice", "orders.payment", "settle"
PART = 500
_ISSUED = ("issued", "credited")
_MOVES = ("state", "total", "order", "credits")
"""What an invoice may change of what there is to be paid."""
type_keys = Mapping[UUID, Change]


@dataclass
class Books:
    """The invoices of an order, or one that names none; what was taken back of them, and what came in. Rows by id."""

    invoices: dict[UUID, Row] = field(default_factory=dict)
    notes: dict[UUID, Row] = field(default_factory=dict)
    payments: dict[UUID, Row] = field(default_factory=dict)
    _left: dict[str, dict[UUID, Decimal]] = field(default_factory=dict)

    def standings(self) -> dict[UUID, dict[str, object]]:
        """What each invoice says of its payment. Money of two currencies settles nothing of each other."""
        found: dict[UUID, dict[str, object]] = {}
        for currency in {str(_money(row["total"]).currency) for row in self.invoices.values()}:
            found |= self._in(currency)
        return found

    def open(self, currency: str) -> dict[UUID, Decimal]:
        """What is still to be paid of each invoice in a currency, the one that is due first before the others."""
        if currency not in self._left:
            there = self._in(currency)
            self._left[currency] = {id: _money(now["open"]).amount for id, now in there.items() if now["payment_state"] is not None}
        return self._left[currency]

    def come_in(self, id: UUID, payment: Row) -> None:
        """One more payment, of no more than is open. Worked out from what was open before it, as many come in together."""
        self.payments[id], paid = payment, _money(payment["amount"])
        if payment.get("reverses") is not None:
            self._left.clear()
        left, rest, invoice = self._left.get(paid.currency, {}), paid.amount, payment.get("invoice")
        for key in [invoice] if isinstance(invoice, UUID) and invoice in left else left:
            part = min(rest, left[key])
            left[key], rest = left[key] - part, rest - part

    def take_back(self, id: UUID) -> None:
        """A payment that goes."""
        self.payments.pop(id, None)
        self._left.clear()

    def _in(self, currency: str) -> dict[UUID, dict[str, object]]:
        mine = [row for row in self.invoices.values() if _money(row["total"]).currency == currency]
        mine.sort(key=lambda row: (str(row["due_on"]), str(row["issued_on"]), str(row["id"])))
        owed, came, found = {id_of(row): self._owed(row) for row in mine}, self._came_in(currency), dict[UUID, dict[str, object]]()
        named: dict[UUID, Decimal] = {}
        for row in mine:
            id, before = id_of(row), row.get("paid_before")
            already = min(before.amount if isinstance(before, Money) and before.currency == currency else Decimal(0), owed[id])
            named[id] = min(came.get(id, Decimal(0)), owed[id] - already)
            owed[id], found[id] = owed[id] - already, {"paid": already}
        pool = sum(came.values(), Decimal(0)) - sum(named.values(), Decimal(0))
        for row in mine:
            id = id_of(row)
            part = named[id] + (more := max(Decimal(0), min(pool, owed[id] - named[id])))
            pool -= more
            paid, left = _decimal(found[id]["paid"]) + part, owed[id] - part
            state = None if paid + left <= 0 else "paid" if left <= 0 else "partial" if paid > 0 else "open"
            found[id] = {"paid": Money(paid, currency), "open": Money(left, currency), "payment_state": state}
        return found

    def _owed(self, invoice: Row) -> Decimal:
        gone = [_money(note["total"]).amount for note in self.notes.values() if note["credits"] == invoice["id"]]
        left = _money(invoice["total"]).amount - sum(gone, Decimal(0))
        return Decimal(0) if invoice["state"] == "credited" else max(Decimal(0), left)

    def _came_in(self, currency: str) -> dict[object, Decimal]:
        """By the invoice that it is for, None for whichever is due first; what was taken back counts for nothing."""
        back, came = {row.get("reverses") for row in self.payments.values()}, dict[object, Decimal]()
        for id, row in self.payments.items():
            amount = _money(row["amount"])
            if row.get("reverses") is None and id not in back and amount.currency == currency:
                of = row.get("invoice")
                came[of] = came.get(of, Decimal(0)) + amount.amount
        return came


def _money(value: object) -> Money:
    assert isinstance(value, Money)
    return value


def _decimal(value: object) -> Decimal:
    assert isinstance(value, Decimal)
    return value


def _counts(row: Row) -> bool:
    return row.get("state") in _ISSUED and isinstance(row.get("total"), Money)


def key_of(row: Row) -> UUID:
    """By what an invoice or a payment hangs together with others: its order, or the invoice where there is none."""
    key = row.get("order") or row.get("invoice") or row["id"]
    assert isinstance(key, UUID)
    return key


def lock(ctx: Context, keys: Iterable[UUID]) -> None:
    """Nobody else changes what there is to be paid of these orders and invoices, or what came in for them, until the transaction ends."""
    ctx.lock(*(f"orders.plan:{key}" for key in keys))


def read(ctx: Context, keys: Iterable[UUID]) -> dict[UUID, Books]:
    """The books of these orders, and of invoices without one."""
    books = {key: Books() for key in keys}
    system, ids = ctx.as_system(), list(books)
    invoices, payments = system.records(INVOICE), system.records(PAYMENT)
    alone, issued = Condition("order", "empty", ("true",)), Condition("state", "in", _ISSUED)
    for start in range(0, len(ids), PART):
        part = tuple(ids[start : start + PART])
        of_orders, of_invoices = (Condition("order", "in", part),), (Condition("invoice", "in", part), alone)
        rows = [*invoices.find((*of_orders, issued), MOST), *invoices.find((Condition("id", "in", part), alone, issued), MOST)]
        for row in rows:
            if row["kind"] == "invoice" and _counts(row):
                books[key_of(row)].invoices[id_of(row)] = row
        for row in (*payments.find(of_orders, MOST), *payments.find(of_invoices, MOST)):
            books[key_of(row)].payments[id_of(row)] = row
    of = {id: one for one in books.values() for id in one.invoices}
    credited = list(of)
    for start in range(0, len(credited), PART):
        for row in invoices.find((Condition("credits", "in", tuple(credited[start : start + PART])), issued), MOST):
            if _counts(row):
                of[row["credits"]].notes[id_of(row)] = row  # type: ignore[index]
    return books


def settle(ctx: Context, batch: Batch) -> None:
    """Invoices say how far they are paid, wherever these changes of invoices or payments make that another."""
    standing = [change for change in batch.changes if change.stands]
    touched = _touched(ctx, batch.entity, standing)
    lock(ctx, touched)
    if touched:
        books = _filled_in(ctx, batch.entity, standing, touched)
        batch.at_last(
            lambda sure: _tell_others(
                ctx, batch, sure, books if len(sure) == len(standing) else _filled_in(ctx, batch.entity, sure, touched)
            )
        )


def _filled_in(ctx: Context, entity: str, changes: Sequence[Change], keys: Iterable[UUID]) -> dict[UUID, Books]:
    """The books as they are with these changes; those of invoices say how far they are paid."""
    books = read(ctx, keys)
    where = {id: key for key, one in books.items() for id in (*one.invoices, *one.notes)}
    for change in sorted(changes, key=lambda one: one.after("kind") == "credit_note"):  # behind what they credit
        _overlay(books, where, entity, change)
    mine = {one.id: one for one in changes if entity == INVOICE and one.verb in ("create", "update")}
    for one in books.values() if mine else ():
        for id, now in one.standings().items():
            if id in mine:
                mine[id].values |= now
    return books


def _tell_others(ctx: Context, batch: Batch, sure: Sequence[Change], books: Mapping[UUID, Books]) -> None:
    """What other invoices say of it; where some of the changes were refused in the end the books are those of the others alone."""
    if not sure:
        return
    touched = _touched(ctx, batch.entity, sure)
    mine = {change.id for change in sure if batch.entity == INVOICE and change.verb in ("create", "update")}
    for key, one in books.items():
        for id, now in one.standings().items():
            if id not in mine and any(one.invoices[id].get(name) != value for name, value in now.items()):
                batch.also_update(INVOICE, touched.get(key, sure[0]), id, now, SETTLE)


def _overlay(books: Mapping[UUID, Books], where: dict[UUID, UUID], entity: str, change: Change) -> None:
    """The books as they are with a change; `where` says in which of them each invoice and credit note stands."""
    row = {"id": change.id, "reverses": None, **(change.before or {}), **change.values}
    if entity == PAYMENT:
        if (found := books.get(key_of(row))) is not None:  # not where only its reference changes
            found.payments.pop(change.id, None)
            found.payments |= {} if change.verb == "delete" else {change.id: row}
        return
    if (left := where.pop(change.id, None)) is not None:
        books[left].invoices.pop(change.id, None)
        books[left].notes.pop(change.id, None)
    credited, note = row.get("credits"), row["kind"] == "credit_note"
    key = key_of(row) if not note else where.get(credited) if isinstance(credited, UUID) else None
    if key is not None and key in books and change.verb != "delete" and _counts(row):
        (books[key].notes if note else books[key].invoices)[change.id], where[change.id] = row, key


def _touched(ctx: Context, entity: str, changes: Sequence[Change]) -> dict[UUID, Change]:
    """By key one of the changes that may make it another."""
    found: dict[UUID, Change] = {}
    if entity == PAYMENT:
        for change in changes:
            if change.verb != "update" or change.changes("order") or change.changes("invoice"):
                found.setdefault(key_of({"id": change.id, **(change.before or {}), **change.values}), change)
        return found
    moved = list[tuple[Change, Row]]()
    for change in changes:
        if change.act != SETTLE and (change.verb != "update" or any(map(change.changes, _MOVES))):
            now = {"id": change.id, **(change.before or {}), **change.values}
            moved += [(change, row) for row in (change.before, now) if row is not None and _counts(row)]
    keys = _keys(ctx, [row for _change, row in moved])
    for change, row in moved:
        found.setdefault(keys[id_of(row)], change)
    return found


def _keys(ctx: Context, invoices: Sequence[Row]) -> dict[UUID, UUID]:
    """The keys of invoices; that of a credit note is that of what it credits."""
    notes = {id_of(row): id for row in invoices if row.get("kind") == "credit_note" and isinstance(id := row.get("credits"), UUID)}
    credited = {**ctx.as_system().records(INVOICE).values(notes.values())} if notes else {}
    credited |= {id_of(row): row for row in invoices}
    return {id_of(row): key_of(credited.get(notes.get(id_of(row), id_of(row)), row)) for row in invoices}


def hold_history(ctx: Context, batch: Batch) -> None:
    """Lines of history move the total of what is issued: they wait for payments before they hold an invoice, as payments hold it last."""
    ids = {id for one in batch.changes if one.act == HISTORY and isinstance(id := one.after("invoice"), UUID)}
    invoices = ctx.as_system().records(INVOICE).values(ids) if ids else {}
    lock(ctx, _keys(ctx, list(invoices.values())).values())


def count_paid(ctx: Context, keys: Iterable[UUID]) -> None:
    """Say anew of issued invoices how far they are paid, where they say otherwise."""
    wanted = sorted(keys)
    lock(ctx, wanted)
    drafts = [
        Draft("update", now, id, act=SETTLE)
        for one in read(ctx, wanted).values()
        for id, now in one.standings().items()
        if any(one.invoices[id][name] != value for name, value in now.items())
    ]
    ctx.as_system().records(INVOICE).write_all(drafts)
