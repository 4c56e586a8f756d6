"""Closed periods: what is dated on or before the day up to which the books are closed stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from plugins.orders.lines import ACT as SUM
from plugins.orders.settings import Purchases
from sdk import Batch, Context, _
from sdk.changes import HISTORY, OF_THE_PLATFORM

BOOKED: Mapping[str, tuple[str, frozenset[str]]] = {
    "orders.order": ("ordered_on", frozenset({"ordered_on", "account", "currency", "net", "tax", "total"})),
    "orders.invoice": ("issued_on", frozenset({"issued_on", "kind", "account", "currency", "net", "tax", "total"})),
    "orders.payment": ("received_on", frozenset({"received_on", "order", "amount"})),
}
"""By entity the day that says to which period a record belongs, and the fields of which the books are made."""
_NOT_YET = frozenset({"draft", "cancelled"})


def keep_books_closed(ctx: Context, batch: Batch) -> None:
    """Refuse what would change the turnover or the payments of a closed period. A draft is in no books; who a record's account has become by a
    merge and what is priced by a late rate change nothing that was booked, and an invoice is credited by a note of its own day."""
    until = ctx.settings(Purchases)["closed_until"]
    if not isinstance(until, date):
        return
    day, fields = BOOKED[batch.entity]
    for change in batch.changes:
        # What was booked elsewhere, before there were books here, still comes in and is taken back; nothing of it is changed in that way.
        history = change.act == HISTORY and change.verb != "update"
        if history or change.act in OF_THE_PLATFORM or (change.act == SUM and change.before is not None and change.before["history"]):
            continue
        before = None if change.before is None or change.verb == "restore" else _booked(change.before, day)
        after = None if change.verb == "delete" else _booked({name: change.after(name) for name in (day, "state")}, day)
        if change.verb == "update" and before == after and not any(change.changes(name) for name in fields):
            continue
        if any(on is not None and on <= until for on in (before, after)):
            text = _("the books are closed up to {day}; use a later date, or ask an administrator to reopen the period")
            change.forbid("period_closed", text, day=until.isoformat())


def _booked(values: Mapping[str, object], day: str) -> date | None:
    """The day on which a record stands in the books; None for what is in none."""
    on = values.get(day)
    return on if isinstance(on, date) and values.get("state") not in _NOT_YET else None
