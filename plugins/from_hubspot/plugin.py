"""The menu of the from_hubspot plugin."""

from __future__ import annotations

from collections.abc import Sequence

from plugins.from_hubspot.sources import SOURCES
from sdk import Importer, Manifest, _, hookimpl

manifest = Manifest(
    name="from_hubspot",
    version="0.1",
    title=_("From HubSpot"),
    summary=_("Turns HubSpot exports into accounts, contacts, deals, tasks and notes, with their owners."),
    requires=("import_export", "pipeline"),
    after=("customers", "teamwork"),
)


@hookimpl
def register_importers() -> Sequence[Importer]:
    return (Importer("hubspot", label=_("HubSpot"), sources=SOURCES),)
