"""What imports put into the pages of others: the act above a list, and by a record the row that it came from."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from plugins.import_export import imports
from plugins.import_export.journal import IMPORT
from plugins.import_export.origins import origins
from plugins.import_export.pages.start import open_to
from sdk import SIGNED_IN, Context, Panel, Rendering, Slot, _
from sdk.pages import ABOUT, ANY_ENTITY

_MOST = 5


def above(ctx: Context, about: Mapping[str, object]) -> Rendering | None:
    """The way from a list to the import of more."""
    name = str(about[ABOUT])
    return Rendering("import_export/list_act.html", {"entity": name}) if open_to(ctx, name) else None


def origin(ctx: Context, record: Mapping[str, object]) -> Rendering | None:
    """By which rows of which imports a record was made or changed; nothing for what people have typed."""
    name = str(record[ABOUT])
    found = origins(ctx, name, UUID(str(record["id"])))[:_MOST]
    if not found:
        return None
    mine = ctx.records(IMPORT).values({UUID(str(one["import"])) for one in found}) if ctx.can(f"{IMPORT}.read") else {}
    return Rendering("import_export/origin.html", {"origins": [{**one, "seen": UUID(str(one["import"])) in mine} for one in found]})


PANELS = (
    Panel("import", slot=Slot.LIST, label=_("Import"), permission=imports.PERMISSION, view=above, entity=ANY_ENTITY, position=20),
    Panel("origin", slot=Slot.PANEL, label=_("Source"), permission=SIGNED_IN, view=origin, entity=ANY_ENTITY, position=90),
)
