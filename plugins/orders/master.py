"""What set-up makes for documents."""

from __future__ import annotations

from sdk import MasterData, _

NUMBERS = (
    ("orders.quote", _("Quote"), "QUO-{year}-{number:05}"),
    ("orders.order", _("Order"), "ORD-{year}-{number:05}"),
    ("orders.contract", _("Contract"), "CON-{year}-{number:05}"),
    ("orders.invoice", _("Invoice"), "INV-{year}-{number:05}"),
    ("orders.credit_note", _("Credit note"), "CN-{year}-{number:05}"),
)
"""How documents are numbered: there to be changed before the first of them is made."""
MASTER_DATA = (MasterData("company.sequence", tuple({"key": key, "name": name, "pattern": pattern} for key, name, pattern in NUMBERS)),)
