"""The menu of the from_odoo plugin."""

from __future__ import annotations

from collections.abc import Sequence

from plugins.from_odoo.sources import SOURCES
from sdk import Importer, Manifest, _, hookimpl

manifest = Manifest(
    name="from_odoo",
    version="0.1",
    title=_("From Odoo"),
    summary=_("Turns Odoo exports and import templates into accounts, contacts and leads."),
    requires=("import_export",),
    after=("customers", "leads"),
)


@hookimpl
def register_importers() -> Sequence[Importer]:
    return (Importer("odoo", label=_("Odoo"), sources=SOURCES),)
