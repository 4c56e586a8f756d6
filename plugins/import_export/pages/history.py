"""All imports that one may see: which file, into what, by whom, when, with what outcome."""

from __future__ import annotations

from uuid import UUID

from plugins.import_export import imports
from plugins.import_export.journal import IMPORT
from plugins.import_export.pages.seen import OF_IMPORTS, whole
from plugins.import_export.pages.start import AT
from plugins.import_export.pages.words import DONE, UNDONE_FROM, label_of
from plugins.import_export.tables import STATES
from plugins.import_export.tally import FATES
from sdk import Condition, Context, PageRequest, PageRoute, Query, Rendering, _, where
from sdk.context import Row

PAGE = 50
EXPORT = "import_export.export"


def show(ctx: Context, request: PageRequest) -> Rendering:
    """Imports, or the rehearsals before them, the last first."""
    dry = request.asked("show") == "checks"
    whole = (*where(dry_run=dry), Condition("part_of", "empty", ("true",)))  # a sheet is found by its workbook
    found = ctx.records(IMPORT).query(Query(whole, ("-created_at",), limit=PAGE, cursor=request.asked("cursor")))
    owners = {UUID(str(row["owner"])) for row in found.data if row.get("owner")}
    names = (
        {str(id): str(row.get("name") or "") for id, row in ctx.records("core.user").values(owners).items()}
        if ctx.can("core.user.read")
        else {}
    )
    cursor = f"?show={'checks' if dry else 'imports'}&cursor={found.next}" if found.next else ""
    return Rendering(
        "import_export/history.html",
        {
            "dry": dry, "lines": [_line(ctx, row, names) for row in found.data], "next": cursor, "may": ctx.can(imports.PERMISSION),
            "exports": ctx.page("/import_export/exports") if ctx.offers(EXPORT) and ctx.can(f"{EXPORT}.read") else "",
        },
    )  # fmt: skip


def _line(ctx: Context, row: Row, names: dict[str, str]) -> dict[str, object]:
    whole(row, OF_IMPORTS)
    name, state = str(row["entity"]), str(row["state"])
    counts = [(fate, ctx.say(DONE[fate]), row[fate]) for fate in FATES if row[fate]]
    return {
        "row": row, "at": ctx.page(f"{AT}/{row['id']}"), "label": label_of(ctx, name),
        "state": ctx.say(STATES[state]), "key": state, "who": names.get(str(row.get("owner")), ""), "counts": counts,
        "undoable": state in UNDONE_FROM and not row["dry_run"] and int(str(row["created"])) + int(str(row["updated"])) > 0,
    }  # fmt: skip


PAGES = (PageRoute("history", path="/imports", title=_("Import and export"), permission=f"{IMPORT}.read", view=show),)
