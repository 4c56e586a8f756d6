"""What the pages of an import say of modes, outcomes and states."""

from __future__ import annotations

from collections.abc import Mapping

from plugins.import_export.migrating.running import MIGRATION
from plugins.import_export.sheets import WORKBOOK
from plugins.import_export.tables import OUTCOMES
from sdk import Context, Text, _

MODES: Mapping[str, tuple[Text, Text]] = {
    "create": (_("Only add new ones"), _("Each row becomes a new record. What is there already is left as it is.")),
    "upsert": (
        _("Add new ones and update the others"),
        _("A row whose record is there already changes that record; the others become new records."),
    ),
    "update": (_("Only update what is there"), _("Rows change the records that they name; rows that name none are skipped.")),
}
DUPLICATES: Mapping[str, Text] = {
    "skip": _("Skip rows that are likely there already, and list them"),
    "take": _("Take them all the same, with a warning"),
}
WOULD: Mapping[str, Text] = {
    "created": _("will be created"),
    "updated": _("will be updated"),
    "unchanged": _("stay as they are"),
    "skipped": _("will be skipped"),
    "failed": _("cannot be taken"),
    "warned": _("with a warning"),
}
DONE: Mapping[str, Text] = {
    "created": _("Created"),
    "updated": _("Updated"),
    "unchanged": _("Unchanged"),
    "skipped": OUTCOMES["skipped"],
    "failed": OUTCOMES["failed"],
    "warned": OUTCOMES["warned"],
    "conflict": OUTCOMES["conflict"],
}
STATE_WORDS: Mapping[str, Text] = {
    "succeeded": _("Everything was taken."),
    "partial": _("Some rows were not taken. They are listed below with the reason, and come as a file to mend and import again."),
    "failed": _("No row was taken."),
    "cancelled": _("It was cancelled. What had been written until then stays, and can be undone."),
    "undone": _("It is undone: what it created is in the recycle bin, what it changed is as it was before."),
    "partly_undone": _("It is undone as far as that was possible. What somebody has edited since stays as it is, and is listed."),
}
TONES = {"succeeded": "good", "partial": "warm", "failed": "bad", "cancelled": "warm", "partly_undone": "warm"}
UNDONE_FROM = ("succeeded", "partial", "failed", "cancelled", "partly_undone")


def label_of(ctx: Context, name: str) -> str:
    """What was imported, many of it; an entity that is not here any more by its name."""
    if name == WORKBOOK:
        return ctx.say(_("A workbook with several sheets"))
    if name == MIGRATION:
        return ctx.say(_("From another system"))
    return ctx.say(ctx.entity(name).plural_label) if ctx.offers(name) else name
