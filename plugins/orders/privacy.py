"""Invoices that were issued to a person stay."""

from __future__ import annotations

from collections.abc import Sequence

from sdk import Condition, Context, Person, Trace, _
from sdk.context import id_of

INVOICE = "orders.invoice"
_PART = 500


def traces_of(ctx: Context, person: Person) -> Sequence[Trace]:
    """See `sdk.hooks`."""
    ids = person.linked.get(INVOICE, ())
    issued = [
        id_of(row)
        for start in range(0, len(ids), _PART)
        for row in ctx.records(INVOICE).find((Condition("id", "in", tuple(ids[start : start + _PART])),), _PART)
        if row["state"] != "draft"
    ]
    return (Trace(INVOICE, issued, keep=_("an issued invoice can’t be changed: it must be kept as long as the law requires")),)
