"""What the console puts on dashboards: saved views, as the first of their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from plugins.console import asked as asked_
from plugins.console.cells import cells, course_of
from plugins.console.paths import placed
from plugins.console.registry import kind_of
from plugins.console.views import MOST, NAME, address
from sdk import SIGNED_IN, Context, NotFound, Panel, Query, Rendering, Slot, _
from sdk.pages import VARIANT
from sdk.routes import record_id

ROWS, COLUMNS = 8, 4


def views(ctx: Context) -> Sequence[tuple[str, str]]:
    """The views that the actor sees, each with the name of what it lists."""
    if not ctx.can(f"{NAME}.read"):
        return ()
    names = set(ctx.entities())
    rows = ctx.records(NAME).query(Query(sort=("entity", "name"), limit=MOST)).data
    return [
        (str(row["id"]), f"{ctx.say(ctx.entity(str(row['entity'])).plural_label)}: {row['name']}") for row in rows if row["entity"] in names
    ]


def view(ctx: Context, narrow: Mapping[str, object]) -> Rendering:
    """A saved view's first rows, and how many there are; raises NotFound for one that is gone, or asks by what its reader does not see."""
    row = ctx.records(NAME).get(record_id(str(narrow[VARIANT])))
    kind = kind_of(ctx, str(row["entity"]))
    asked = asked_.of_view(row).seen(kind)
    query = replace(asked.query(kind), limit=ROWS, count=True)
    if any(placed(kind, one.field) is None for one in query.filter):
        raise NotFound(_("This view filters by something you don’t have access to, so no records are shown."))
    names = asked.shown(kind)[:COLUMNS]
    page = ctx.records(kind.name).query(replace(query, fields=tuple(dict.fromkeys(("id", "version", *names, *course_of(kind, names))))))
    return Rendering(
        "console/view_tile.html",
        {
            "kind": kind,
            "title": str(row["name"]),
            "href": address(kind, row),
            "columns": [(kind.labels[name], kind.fields[name].kind) for name in names],
            "rows": cells(kind, names, page.data),
            "total": page.total,
            "zone": ctx.zone,
        },
    )


PANELS = (Panel("view", slot=Slot.TILE, label=_("Saved view"), permission=SIGNED_IN, view=view, variants=views),)
