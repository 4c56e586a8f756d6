"""Coming from another system: its files, what they are and what will become of them, then the migration with its files and the way back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import cast
from uuid import UUID

from plugins.import_export import imports
from plugins.import_export.files import Reading
from plugins.import_export.files.encodings import KNOWN
from plugins.import_export.journal import IMPORT
from plugins.import_export.migrating import running
from plugins.import_export.migrating.keeping import keep
from plugins.import_export.migrating.recognition import systems
from plugins.import_export.migrating.running import Asked
from plugins.import_export.pages.start import AT
from plugins.import_export.pages.words import DONE, TONES, UNDONE_FROM, WOULD, label_of, state_words
from plugins.import_export.staging import files
from plugins.import_export.styles import NUMBERS, ORDERS
from plugins.import_export.tables import STATES
from plugins.import_export.tally import FATES
from sdk import Context, Importer, PageRequest, PageRoute, Redirect, Refusal, Rendering, _, where
from sdk.context import Row, id_of
from sdk.pages import told

MOST_PEOPLE, MOST_PARTS = 500, 500
ORDER_WORDS = {"dmy": _("Day, month, year"), "mdy": _("Month, day, year"), "ymd": _("Year, month, day")}
NUMBER_WORDS = {"point": _("Point: 1,234.56"), "comma": _("Comma: 1.234,56")}


def ask(ctx: Context, request: PageRequest) -> Rendering:
    """Which system, and its files."""
    return _form(ctx, request)


def take(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Keep the files, and check them."""
    try:
        file = keep(ctx, request.sent("file"))
        asked = Asked(
            str(file["file_name"]), request.typed("system"), dry_run=True, dates=request.typed("dates"), numbers=request.typed("numbers"),
            totals="skip" if request.typed("totals") else "take", nothing="all" if request.typed("nothing") else "values",
            reading=Reading(request.typed("encoding")),
        )  # fmt: skip
        return Redirect(ctx.page(f"{AT}/{id_of(running.begin_staged(ctx, file, asked))}"))
    except Refusal as refusal:
        return _form(ctx, request, refusal)


def _form(ctx: Context, request: PageRequest, refusal: Refusal | None = None) -> Rendering:
    said = {name: request.typed(name) for name in ("system", "encoding", "dates", "numbers", "totals", "nothing")}
    values = {
        "systems": [(name, ctx.say(one.label)) for name, one in systems(ctx).items()], "said": said, "problems": told(ctx, refusal),
        "encodings": sorted(KNOWN), "orders": _words(ctx, ORDERS, ORDER_WORDS), "numbers": _words(ctx, NUMBERS, NUMBER_WORDS),
        "kept": f"{files.KEPT.days}",
    }  # fmt: skip
    return Rendering("import_export/migrate.html", values, refusal.status if refusal is not None else 200)


def _words(ctx: Context, keys: Iterable[str], words: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(key, ctx.say(words.get(key, key))) for key in keys]


def show(ctx: Context, request: PageRequest, record: Row, refusal: Refusal | None = None) -> Rendering:
    """What the files were recognised as, with their counts: of a check what will be, of a migration what was."""
    state, dry, report = str(record["state"]), bool(record["dry_run"]), running.told(ctx, id_of(record))
    words, written = WOULD if dry else DONE, int(str(record["created"])) + int(str(record["updated"]))
    under_way = state in imports.UNDER_WAY
    sheets = cast("list[dict[str, object]]", report["imports"])
    parts = [] if dry else ctx.records(IMPORT).find(where(part_of=id_of(record)), MOST_PARTS)
    now = {str(part["id"]): part for part in parts}
    owners = cast("Mapping[str, Mapping[str, object]]", report["owners"])
    system = next((ctx.say(one.label) for one in ctx.declared(Importer) if one.full_key == report["system"]), "")
    values = {
        "record": record, "dry": dry, "kept": _kept(ctx, record), "alive": under_way, "undoing": state == "undoing",
        "state": ctx.say(STATES[state]), "words": state_words(ctx, record), "tone": TONES.get(state, ""),
        "counts": [(name, ctx.say(words[name]), record[name]) for name in FATES], "problems": told(ctx, refusal), "system": system,
        "sheets": [_told(ctx, one, words, now.get(str(one["id"]))) for one in sheets] or [_begun(ctx, one) for one in parts], "unknown": report["unknown"],
        "matched": owners["matched"], "strangers": list(owners["unknown"].items()), "people": _people(ctx) if owners["unknown"] and dry else [],
        "undoable": not dry and written > 0 and state in UNDONE_FROM, "written": written,
    }  # fmt: skip
    return Rendering("import_export/migration.html", values, refusal.status if refusal is not None else 200)


def _kept(ctx: Context, record: Row) -> bool:
    if record["file"] is None:
        return False
    id = UUID(str(record["file"]))
    row = ctx.records("import_export.file").values([id]).get(id)
    return row is not None and row.get("content") is not None


def _told(ctx: Context, one: Mapping[str, object], words: Mapping[str, str], now: Row | None) -> dict[str, object]:
    """A file as the report has it; what an undo has changed since is what its import says now."""
    counts = [(name, ctx.say(words[name]), one[name]) for name in FATES if one[name]]
    more = [("known", ctx.say(_("already exists")), one["known"]), ("left_out", ctx.say(_("skipped")), one["left_out"])]
    problems = [
        {**row, "said": ctx.say(DONE[str(row["outcome"])]) if row["outcome"] in DONE else "", "column": _column(ctx, one, row)}
        for row in cast("list[dict[str, object]]", one["problems"])
    ]
    if now is not None and now["conflicts"]:
        more.append(("failed", ctx.say(DONE["conflict"]), now["conflicts"]))
    state = str(one["state"] if now is None else now["state"])
    return {
        **one, "state": state, "label": label_of(ctx, str(one["entity"])), "counts": [*counts, *(told for told in more if told[2])], "problems": problems,
        "said": ctx.say(STATES[state]), "at": "" if now is None else ctx.page(f"{AT}/{one['id']}"),
    }  # fmt: skip


def _column(ctx: Context, one: Mapping[str, object], row: Mapping[str, object]) -> str:
    """The field by its label, as the headings are ours."""
    name, entity = str(row["column"] or ""), str(one["entity"])
    field = ctx.records(entity).fields().get(name) if ctx.offers(entity) and ctx.can(f"{entity}.read") else None
    return ctx.say(field.label) if field is not None else name


def _begun(ctx: Context, part: Row) -> dict[str, object]:
    counts = [(name, ctx.say(DONE[name]), part[name]) for name in FATES if part[name]]
    return {
        "file": part["sheet"], "label": label_of(ctx, str(part["entity"])), "counts": counts, "loose": 0, "ignored": [], "problems": [],
        "state": part["state"], "said": ctx.say(STATES[str(part["state"])]), "reason": part["reason"], "at": ctx.page(f"{AT}/{part['id']}"),
    }  # fmt: skip


def _people(ctx: Context) -> list[tuple[str, str]]:
    """Who of ours one of theirs may be."""
    rows = ctx.records("core.user").find(where(active=True), MOST_PEOPLE) if ctx.can("core.user.read") else []
    return sorted(((str(row.get("email") or row.get("name")), str(row.get("name"))) for row in rows), key=lambda one: one[1])


def act(ctx: Context, request: PageRequest, record: Row) -> Rendering | Redirect:
    """Check again or begin, with whom of ours theirs are; or take it back."""
    wanted, id = request.typed("act"), id_of(record)
    try:
        if wanted == "undo":
            running.begin_undo(ctx, id)
            ctx.enqueue("import_export.undo_migration", {"import": str(id)})
        elif wanted in ("run", "check") and record["dry_run"]:
            file = files.kept(ctx, UUID(str(record["file"]))) if record["file"] is not None else None
            if file is None:
                return Redirect(ctx.page("/import_export/migrations/new"))
            before, silent = running.asked_of(record), request.typed("silent") == "on"
            owners = tuple(dict.fromkeys((*before.owners, *_owners(request))))
            asked = replace(before, owners=owners, silent=silent, dry_run=wanted == "check")
            return Redirect(ctx.page(f"{AT}/{id_of(running.begin_staged(ctx, file, asked))}"))
    except Refusal as refusal:
        return show(ctx, request, record, refusal)
    return Redirect(ctx.page(f"{AT}/{id}"))


def _owners(request: PageRequest) -> list[str]:
    theirs = request.chosen("theirs")
    return [f"{name}={ours}" for place, name in enumerate(theirs) if (ours := request.typed(f"ours.{place}"))]


PAGES = (
    PageRoute(
        "migrate",
        path="/migrations/new",
        title=_("From another system"),
        permission=imports.PERMISSION,
        view=ask,
        submit=take,
        uploads=True,
    ),
)
