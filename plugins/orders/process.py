"""The rules of quotes, orders and contracts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from plugins.company.api import give_back, next_numbers
from plugins.orders.amounts import PARTS
from plugins.orders.lines import ACT as SUM
from plugins.orders.lines import CREDIT, MOST
from plugins.orders.pricing import price
from plugins.orders.settlement import SETTLE
from plugins.orders.tables import state_of
from sdk import Batch, Change, Condition, Conflict, Context, Draft, NotFound, _, keep_days, where
from sdk.changes import HISTORY, MERGES
from sdk.context import Row, id_of
from sdk.fields import Money

ACCEPT, BILL, BILLED_BEFORE = "accept", "bill", "billed_before"
_BILLED = ("none", "partial", "billed")
_TOGETHER = 500
MAIL = "mail"
"""The act of noting that a document was mailed."""
LINE = ("position", "product", "description", "quantity", "unit_price", "discount", "tax_rate")


def today(ctx: Context) -> date:
    """The day in the tenant's zone."""
    return ctx.now().astimezone(ZoneInfo(ctx.tenant.timezone)).date()


def prepare_documents(ctx: Context, batch: Batch) -> None:
    """Numbers for quotes, orders and contracts when they are made, a currency, dates that fit each other."""
    fresh = [change for change in batch.standing() if change.verb == "create"]
    day = "quoted_on" if batch.entity == "orders.quote" else "ordered_on" if batch.entity == "orders.order" else ""
    for change in fresh:
        if day and change.after(day) is None:
            change.values[day] = today(ctx)
    if batch.entity != "orders.contract":
        keep_currency(ctx, batch)
    keep_days(batch, "quoted_on", "valid_until", "ordered_on", "signed_on", "starts_on")  # 9999-12-31 is how many say that there is no end
    for change in batch.standing():
        for first, last in (("starts_on", "ends_on"), ("quoted_on", "valid_until")):
            start, end = change.after(first), change.after(last)
            if isinstance(start, date) and isinstance(end, date) and end < start:
                change.refuse(last, "before_start", _("is before {start}"), start=start.isoformat())
    if batch.entity == "orders.order":
        price(ctx, batch)
    mark_history(batch)
    if batch.entity != "orders.invoice":
        batch.at_last(lambda sure: _number(ctx, batch.entity, [change for change in sure if change.verb == "create"]))


def _number(ctx: Context, entity: str, fresh: Sequence[Change]) -> None:
    """The next numbers, to those that have none of elsewhere."""
    numbered = [change for change in fresh if change.act != HISTORY or change.after("number") is None]
    given = {change.after("number") for change in fresh}
    for change, number in zip(numbered, free_numbers(ctx, entity, entity, len(numbered), given), strict=True):
        change.values["number"] = number


def free_numbers(ctx: Context, entity: str, key: str, count: int, given: Collection[object] = ()) -> list[str]:
    """The next numbers of today, past those that documents of elsewhere have brought along, or are `given` to some at this moment."""
    records, free, together = ctx.as_system().records(entity), list[str](), count
    while len(free) < count:
        fresh = next_numbers(ctx, key, today(ctx), min(together, _TOGETHER))
        taken = {*given, *(row["number"] for row in records.find((Condition("number", "in", tuple(fresh)),), _TOGETHER))}
        places = [place for place, number in enumerate(fresh) if number not in taken][: count - len(free)]
        free += [fresh[place] for place in places]
        if len(free) == count and (rest := len(fresh) - 1 - places[-1]):
            give_back(ctx, key, today(ctx), rest)
        together *= 2  # what came along stands one behind the other, often thousands
    return free


def mark_history(batch: Batch) -> None:
    """What comes in closed says so from then on: its lines come behind it, and no other way."""
    for change in batch.standing():
        if change.verb == "create" and batch.entity != "orders.contract":
            change.values["history"] = change.act == HISTORY and change.after("state") != "draft"


_MOVED: Mapping[str, frozenset[str]] = {
    CREDIT: frozenset({"state"}),
    MAIL: frozenset({"mailed_at", "mailed_to"}),
    SETTLE: frozenset({"paid", "open", "payment_state"}),
}
"""What an act changes of an issued invoice; whoever names the act for something else is refused as everybody."""


def moves_issued(change: Change, before: Row) -> bool:
    """Whether a change of an issued invoice is an act of ours; to history its sums come with its lines, and it goes by the way on which it came."""
    if change.act in _MOVED and change.verb == "update":
        return _MOVED[change.act].issuperset(change.changed)
    return change.act in MERGES or (change.act in (SUM, HISTORY) and bool(before["history"]))


def keep_history(batch: Batch) -> None:
    """An invoice that was issued elsewhere has the number and the day that it had there; a credit note says what it credits."""
    for change in batch.standing():
        if change.verb != "create" or change.act != HISTORY:
            continue
        if change.after("state") == "draft":
            for name in ("number", "issued_on", "paid_before"):
                if change.after(name) is not None:
                    change.refuse(name, "not_issued", _("applies to issued invoices only: set the status to issued"))
            if change.after("kind") == "credit_note":
                change.refuse("state", "draft_credit", _("a credit note must be imported as issued"))
            continue
        before = change.after("paid_before")
        if isinstance(before, Money) and change.after("kind") == "credit_note":
            change.refuse("paid_before", "not_issued", _("applies to invoices only, not to credit notes"))
        elif isinstance(before, Money) and before.currency != change.after("currency"):
            text = _("expected {expected}, the currency of the document, got {got}")
            change.refuse("paid_before", "other_currency", text, expected=str(change.after("currency")), got=before.currency)
        needed = ("number", "issued_on", *(("credits",) if change.after("kind") == "credit_note" else ()))
        for name in needed:
            if change.after(name) is None:
                change.refuse(name, "required", _("is required for an issued invoice"))
        if change.after("due_on") is None:
            change.values["due_on"] = change.after("issued_on")


def keep_currency(ctx: Context, batch: Batch) -> None:
    """A document is in one currency, the tenant's own unless it says another; once it has lines it stays in it."""
    for change in batch.standing():
        if change.after("currency") is None:
            change.values["currency"] = ctx.tenant.currency
        elif change.before is not None and change.changes("currency") and change.before["net"] is not None:
            change.refuse(
                "currency", "has_lines", _("can’t be changed: the lines are in {currency}"), currency=str(change.before["currency"])
            )


# --- quotes ------------------------------------------------------------------------------------------------------------


def accept(ctx: Context, id: UUID) -> Row:
    """An order with the quote's lines; accepting again answers the same order. Raises NotFound, Conflict."""
    with ctx.transaction(write=True):
        ctx.lock(f"orders.quote:{id}")
        quote = found(ctx, "orders.quote", id)
        orders = ctx.records("orders.order")
        accepted = quote["state"] == "accepted"
        if accepted and (made := orders.find(where(quote=id), 1)):
            return made[0]
        until = None if accepted else quote["valid_until"]  # it was accepted in time, by whoever wrote that down
        if quote["state"] not in ("draft", "sent", "accepted"):
            raise Conflict(
                _("the quote is {state}, so it can’t be accepted"), code="quote_closed", state=state_of("orders.quote", quote["state"])
            )
        _refuse_second(ctx, id)
        if isinstance(until, date) and until < today(ctx):
            raise Conflict(_("the quote was valid until {until}; extend it first"), code="quote_expired", until=until.isoformat())
        given = {name: quote[name] for name in ("name", "account", "contact", "currency", "owner", "deal") if quote.get(name) is not None}
        order = orders.create({**given, "quote": id})
        copy_lines(ctx, "orders.quote_line", where(quote=id), "orders.order_line", {"order": order["id"]})
        ctx.records("orders.quote").update(id, {"state": "accepted"}, act=ACCEPT)
        return orders.values([id_of(order)])[id_of(order)]


def _refuse_second(ctx: Context, quote: UUID) -> None:
    """No second order of a quote, whatever the quote says by now; one in the recycle bin may come back. Raises Conflict."""
    for gone in (True, False):
        if not ctx.as_system().records("orders.order").find(where(quote=quote), 1, deleted=gone):
            continue
        seen = ctx.records("orders.order").find(where(quote=quote), 1, deleted=gone)
        number = str(seen[0].get("number") or seen[0].get("name") or seen[0]["id"]) if seen else ""
        if gone and number:
            text = _("order {number}, made from this quote, is in the recycle bin: restore it, or delete it permanently first")
        elif gone:
            text = _("an order made from this quote is in the recycle bin, and you don’t have access to it: ask an administrator")
        elif number:
            text = _("order {number} has already been made from this quote: change that order, or delete it permanently first")
        else:
            text = _("an order has already been made from this quote, and you don’t have access to it: ask an administrator")
        raise Conflict(text, code="order_deleted" if gone else "order_made", number=number)


def copy_lines(ctx: Context, source: str, filter: Sequence[Condition], target: str, link: Mapping[str, object], back: str = "") -> None:
    """The lines of one document as lines of another; `back` names the link to where each came from."""
    rows = ctx.records(source).find(tuple(filter), MOST)
    drafts = [Draft("create", {**{name: row[name] for name in LINE}, **link, **({back: row["id"]} if back else {})}) for row in rows]
    ctx.records(target).write_all(drafts)


def found(ctx: Context, entity: str, id: UUID) -> Row:
    """One record as Python values; raises NotFound."""
    row = ctx.records(entity).values([id]).get(id)
    if row is None:
        raise NotFound(_("{entity} {id} does not exist"), entity=entity, id=str(id))
    return row


def require_account(ctx: Context, row: Row) -> None:
    """The customer of a document is there; raises Conflict where it is in the recycle bin."""
    account = row.get("account")
    if isinstance(account, UUID) and account not in ctx.as_system().records("customers.account").values([account]):
        named = str(row.get("number") or row.get("name") or row["id"])
        raise Conflict(_("the customer of {number} is in the recycle bin; restore it first"), code="account_gone", number=named)


def _billed_before(change: Change) -> str:
    return str(change.before["billed"] or "none") if change.before is not None else "none"


def keep_closed(_ctx: Context, batch: Batch) -> None:
    """Sums and numbers are nobody's to write but the platform's; a confirmed order keeps its account and currency, a billed one its lines."""
    for change in batch.changes:
        billed = change.before is not None and change.before.get("billed") in ("partial", "billed") and change.stands
        if billed and (change.verb == "delete" or (change.changes("state") and change.after("state") != "confirmed")):
            change.forbid("order_billed", _("the order is at least partly invoiced: credit its invoices or delete their drafts first"))
        open_ = ("confirmed", "cancelled") if change.act == BILLED_BEFORE else ("confirmed",)  # what was billed elsewhere was
        more = change.act in (BILL, BILLED_BEFORE) and _BILLED.index(str(change.after("billed") or "none")) > _BILLED.index(
            _billed_before(change)
        )
        if more and change.after("state") not in open_:
            # Reopened or cancelled while it was being billed: this row is locked and read anew, what billing has read may be older.
            state = state_of(batch.entity, change.after("state"))
            change.forbid("order_not_confirmed", _("the order is {state}; confirm it before invoicing"), state=state)
    for change in batch.standing():
        if change.before is None or change.act in (SUM, ACCEPT, *MERGES):
            continue
        fixed = [name for name in ("account", "currency") if change.changes(name) and change.before["state"] not in ("draft",)]
        if fixed and change.before.get(PARTS[0]) is not None:
            change.forbid(
                "document_closed",
                _("{fields} can no longer be changed: it is {state}"),
                fields=", ".join(fixed),
                state=state_of(batch.entity, change.before["state"]),
            )
