"""The menu of the from_salesforce plugin."""

from __future__ import annotations

from collections.abc import Sequence

from plugins.from_salesforce.sources import SOURCES
from sdk import Importer, Manifest, _, hookimpl

manifest = Manifest(
    name="from_salesforce",
    version="0.1",
    title=_("From Salesforce"),
    summary=_("Turns Salesforce exports into accounts, contacts, leads, deals, tasks and activities, with their owners."),
    requires=("import_export", "pipeline"),
    after=("customers", "leads", "teamwork"),
)


@hookimpl
def register_importers() -> Sequence[Importer]:
    return (Importer("salesforce", label=_("Salesforce"), sources=SOURCES),)
