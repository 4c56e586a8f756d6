"""Lines of quotes, orders and invoices: their prices and amounts, and the sums of their documents."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from plugins.orders.amounts import PARTS, Amounts, line_amounts, rounded, summed
from plugins.orders.tables import state_of
from sdk import Batch, Change, Condition, Context, _
from sdk.changes import HISTORY
from sdk.columns import LIMIT
from sdk.context import Row, id_of
from sdk.fields import Money

MOST = 1_000_000
"""Lines that are read together, of up to 500 documents: more than anybody has, as a sum over some of them would be wrong."""
ACT = "sum"
CREDIT = "credit"
"""The act of crediting, which says what its lines come to."""
BY_PLAN = "by_plan"
"""The act of invoicing an instalment, which does, too."""
PART = 500


@dataclass(frozen=True)
class Kind:
    """Which document a kind of line belongs to, and in which states its lines may change."""

    document: str
    link: str
    open_states: frozenset[str]


@dataclass(frozen=True)
class Sum:
    """What a document comes to, and one of the changes that move it."""

    bearer: Change
    amounts: Amounts


KINDS: Mapping[str, Kind] = {
    "orders.quote_line": Kind("orders.quote", "quote", frozenset({"draft"})),
    "orders.order_line": Kind("orders.order", "order", frozenset({"draft"})),
    "orders.invoice_line": Kind("orders.invoice", "invoice", frozenset({"draft"})),
}


type_documents = Mapping[object, Row]


def price_lines(ctx: Context, batch: Batch) -> type_documents:
    """Price each line, refuse lines of documents that are closed to changes; answers the documents as they are."""
    kind = KINDS[batch.entity]
    touched = [change for change in batch.changes if change.stands]
    ids = {id for change in touched for id in documents_of(change, kind)}
    # Held, since two who write lines of one document at the same moment would each miss the other's in its sum.
    documents: dict[object, Row] = dict(ctx.as_system().records(kind.document).values(ids, hold=True).items())
    _price(ctx, batch, kind, documents)
    for change in touched:
        for id in documents_of(change, kind):
            document = documents.get(id)
            if document is not None and document["state"] not in kind.open_states and not _of_history(change, document):
                text = _("the lines of {number} can no longer be changed: it is {state}")
                if not shows(ctx, kind.document, [id], "state"):
                    text = _("the lines of {number} can no longer be changed")
                state = state_of(kind.document, document["state"])
                change.forbid("document_closed", text, number=number_of(ctx, kind.document, id), state=state)
    return documents


def _of_history(change: Change, document: Row) -> bool:
    """What came in closed gets its lines in the same way, and they are taken back in that way; nobody edits them."""
    return change.act == HISTORY and change.verb in ("create", "delete") and bool(document["history"])


def sum_documents(batch: Batch, documents: type_documents, sums: Mapping[UUID, Sum]) -> None:
    """Bring the documents' sums up to date; what is refused after this is not in them."""
    for id, one in sums.items():
        batch.also_update(KINDS[batch.entity].document, one.bearer, id, one.amounts.values(str(documents[id]["currency"])), ACT)


def keep_room(ctx: Context, batch: Batch, documents: type_documents, sums: Mapping[UUID, Sum]) -> bool:
    """Refuse the lines with which a document would come to more than an amount has room for, the greatest first; whether there were any."""
    kind, refused, rates = KINDS[batch.entity], False, _rates(ctx, batch, documents, sums)
    for id, one in sums.items():
        left, rate = one.amounts, rates.get(id)
        if _fits(left, rate):
            continue
        mine = [(_adds(change, kind, id), change) for change in batch.changes if change.stands and id in documents_of(change, kind)]
        for more, change in sorted(mine, key=lambda pair: -abs(pair[0].total)):
            if _fits(left, rate):
                break
            if more.total * left.total <= 0:  # which makes it smaller
                continue
            number, limit = number_of(ctx, kind.document, id), f"{LIMIT:f}"
            if _wide(left):
                text = _("with this line, {number} would come to more than an amount can hold: less than {limit} is possible")
                change.refuse("unit_price", "out_of_range", text, number=number, limit=limit)
            else:
                text = _(
                    "with this line, {number} would come to more {currency}, at a rate of {rate}, than an amount can hold: less than {limit}"
                )
                change.refuse(
                    "unit_price", "out_of_range", text, number=number, currency=ctx.tenant.currency, rate=f"{rate:f}", limit=limit
                )
            left, refused = Amounts(left.net - more.net, left.tax - more.tax), True
    return refused


def _fits(amounts: Amounts, rate: Decimal | None = None) -> bool:
    return not _wide(amounts) and (rate is None or abs(amounts.net * rate) <= LIMIT - 1)


def _wide(amounts: Amounts) -> list[str]:
    return [part for part in PARTS if abs(getattr(amounts, part)) >= LIMIT]


def _rates(ctx: Context, batch: Batch, documents: type_documents, sums: Mapping[UUID, Sum]) -> dict[UUID, Decimal]:
    """At which rates orders in other currencies are kept in the company’s own: there is to be room for that, too."""
    if KINDS[batch.entity].document != "orders.order":
        return {}
    days = {id: (str(documents[id]["currency"]), on) for id in sums if isinstance(on := documents[id]["ordered_on"], date)}
    rates = ctx.rates(list({pair for pair in days.values() if pair[0] != ctx.tenant.currency}))
    return {id: rate for id, pair in days.items() if (rate := rates.get(pair)) is not None}


def _adds(change: Change, kind: Kind, document: UUID) -> Amounts:
    """What a document comes to with a change more than without it."""
    was = [change.before] if change.before is not None and change.verb != "restore" and change.before[kind.link] == document else []
    now = [{name: change.after(name) for name in ("net", "tax")}] if change.verb != "delete" and change.after(kind.link) == document else []
    before, after = summed(was), summed(now)
    return Amounts(after.net - before.net, after.tax - before.tax)


def documents_of(change: Change, kind: Kind) -> set[UUID]:
    found = {change.after(kind.link), change.before[kind.link] if change.before else None}
    return {id for id in found if isinstance(id, UUID)}


def number_of(ctx: Context, entity: str, id: UUID) -> str:
    """What the actor sees a document called: no refusal tells the number of one that is hidden."""
    row = ctx.records(entity).values([id]).get(id, {}) if ctx.can(f"{entity}.read") else {}
    return str(row.get("number") or row.get("name") or "—")


def shows(ctx: Context, entity: str, ids: Collection[UUID], name: str) -> bool:
    """Whether the actor sees a field on all of these records: no refusal quotes a number that is hidden."""
    return not ids or (ctx.can(f"{entity}.read") and ctx.records(entity).reached(ids, field=name) >= {*ids})


def _price(ctx: Context, batch: Batch, kind: Kind, documents: Mapping[object, Row]) -> None:
    """A line costs what it says, or what its product's list price is, in the currency of its document."""
    wanted = {change.after("product") for change in batch.standing() if change.after("unit_price") is None}
    asked = {id for id in wanted if isinstance(id, UUID)}
    products: dict[object, Row] = dict(ctx.as_system().records("catalog.product").values(asked).items())
    for change in batch.standing():
        document, product = documents.get(change.after(kind.link)), products.get(change.after("product"))
        price = change.after("unit_price") or (product["price"] if product is not None else None)
        quantity = change.after("quantity")
        if document is None or not isinstance(quantity, Decimal) or change.act in (CREDIT, BY_PLAN):
            continue
        if not isinstance(price, Money):
            change.refuse("unit_price", "required", _("is required: the product has no list price"))
        elif price.currency != document["currency"]:
            text = _("expected the currency of the document")
            if change.changes("unit_price") and shows(ctx, kind.document, [id_of(document)], "currency"):
                text = _("expected {expected}, the currency of the document, got {got}")
            change.refuse("unit_price", "other_currency", text, expected=str(document["currency"]), got=price.currency)
        else:
            amounts = line_amounts(quantity, price, change.after("discount"), change.after("tax_rate"))
            if change.act == HISTORY and (then := _as_it_was(change, price.currency, amounts)) is not None:
                amounts = then
            if wide := _wide(amounts):  # now: what is refused later is in the sums of its document
                text = _("the line would come to {amount}; from −{limit} to {limit} is possible")
                change.refuse("unit_price", "out_of_range", text, amount=f"{amounts.total:f}", limit=f"{LIMIT - 1:f}")
            change.values |= {"unit_price": price, **({} if wide else amounts.values(price.currency))}
            if change.after("description") is None and product is not None:
                change.values["description"] = product["name"]


def _as_it_was(change: Change, currency: str, worked_out: Amounts) -> Amounts | None:
    """What a line of history came to then, which another way of rounding may have made: as it says, and for the rest as we work it out."""
    said: dict[str, Decimal] = {}
    for name in ("net", "tax"):
        value = change.after(name)
        if isinstance(value, Money) and value.currency != currency:
            text = _("expected {expected}, the currency of the document, got {got}")
            change.refuse(name, "other_currency", text, expected=currency, got=value.currency)
            return None
        if isinstance(value, Money):
            said[name] = rounded(value.amount, currency)
    return Amounts(said.get("net", worked_out.net), said.get("tax", worked_out.tax))


def sums_of(ctx: Context, batch: Batch, documents: type_documents) -> dict[UUID, Sum]:
    """What the documents come to with the changes that stand, where that may be other than before."""
    kind = KINDS[batch.entity]
    changes = [change for change in batch.changes if change.stands and _moves(change)]
    bearers: dict[UUID, Change] = {}
    for change in changes:
        for id in documents_of(change, kind) & documents.keys():
            bearers.setdefault(id, change)
    lines: dict[UUID, Mapping[str, object]] = {}
    ids = list(bearers)
    for start in range(0, len(ids), PART):
        among = Condition(kind.link, "in", tuple(ids[start : start + PART]))
        lines |= {id_of(row): row for row in ctx.as_system().records(batch.entity).find((among,), MOST)}
    for change in changes:
        if change.verb == "delete":
            lines.pop(change.id, None)
        else:
            lines[change.id] = {**(change.before or {}), **change.values}
    of: dict[object, list[Mapping[str, object]]] = {}
    for line in lines.values():
        of.setdefault(line[kind.link], []).append(line)
    return {id: Sum(change, summed(of.get(id, ()))) for id, change in bearers.items()}


def _moves(change: Change) -> bool:
    return change.verb != "update" or any(change.changes(name) for name in ("net", "tax", "quote", "order", "invoice"))
