"""What the pages of an import say of modes, outcomes and states."""

from __future__ import annotations

from collections.abc import Mapping

from plugins.import_export.migrating.running import MIGRATION
from plugins.import_export.sheets import WORKBOOK
from plugins.import_export.tables import OUTCOMES
from sdk import Context, Text, _
from sdk.context import Row

MODES: Mapping[str, tuple[Text, Text]] = {
    "create": (_("Create new only"), _("Each row creates a new record. Existing records are left alone.")),
    "upsert": (
        _("Create new and update existing"),
        _("Rows that match an existing record update it; the others create new records."),
    ),
    "update": (_("Update existing only"), _("Rows update the record they match; rows without a match are skipped.")),
}
TOTALS: Mapping[str, Text] = {
    "skip": _("Skip them, and list them"),
    "take": _("Import them, with a warning"),
}
DUPLICATES: Mapping[str, Text] = {
    "skip": _("Skip rows that are likely duplicates, and list them"),
    "take": _("Import them anyway, with a warning"),
}
WOULD: Mapping[str, Text] = {
    "created": _("will be created"),
    "updated": _("will be updated"),
    "unchanged": _("keep their value"),
    "skipped": _("will be skipped"),
    "failed": _("can’t be imported"),
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
    "succeeded": _("Every row was accepted."),
    "partial": _(
        "Some rows were rejected. They are listed below with the reason, and you can download them as a file to fix and import again."
    ),
    "empty": _("The file has headings but no rows, so nothing was imported."),
    "failed": _("No row was accepted."),
    "cancelled": _("The import was cancelled. Rows written before that are kept, and can be undone."),
    "undone": _("The import was undone: created records are in the recycle bin, and updated records are back to their previous values."),
    "partly_undone": _("The import was undone as far as possible. Anything edited since has been kept, and is listed."),
}
LEFT_OUT = _("Every record was accepted. Rows that are no records, such as totals, were skipped and are listed below.")
SKIPPED = _("Some rows were skipped. They are listed below with the reason.")
TONES = {"succeeded": "good", "partial": "warm", "empty": "warm", "failed": "bad", "cancelled": "warm", "partly_undone": "warm"}
UNDONE_FROM = ("succeeded", "partial", "failed", "cancelled", "partly_undone")


def state_words(ctx: Context, record: Row) -> str:
    """What became of an import, in a sentence."""
    state, skipped = str(record["state"]), bool(record["skipped"])
    if state == "succeeded" and skipped:
        return ctx.say(LEFT_OUT)
    if state == "partial" and skipped and not record["failed"]:
        return ctx.say(SKIPPED)
    return ctx.say(STATE_WORDS[state]) if state in STATE_WORDS else ""


def label_of(ctx: Context, name: str) -> str:
    """What was imported, many of it; an entity that is not here any more by its name."""
    if name == WORKBOOK:
        return ctx.say(_("A workbook with several sheets"))
    if name == MIGRATION:
        return ctx.say(_("From another system"))
    return ctx.say(ctx.entity(name).plural_label) if ctx.offers(name) else name
