"""Several sheets of one workbook in one go: which sheet is what, then each with its own counts and rows, checked and imported together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from plugins.import_export import sheets
from plugins.import_export.files import Book
from plugins.import_export.imports import HISTORY
from plugins.import_export.mapping.suggest import suggestion
from plugins.import_export.pages.start import AT
from plugins.import_export.pages.wishes import mended, start, wish_of
from plugins.import_export.pages.words import DONE as WAS
from plugins.import_export.pages.words import DUPLICATES, MODES, TONES, TOTALS, UNDONE_FROM, WOULD, label_of, state_words
from plugins.import_export.plan import Wish
from plugins.import_export.sheets import WORKBOOK
from plugins.import_export.staging import files
from plugins.import_export.tables import STATES
from plugins.import_export.tally import FATES
from sdk import Context, PageRequest, Redirect, Refusal, Rendering
from sdk.context import Row, id_of
from sdk.pages import told


def ask(ctx: Context, request: PageRequest, file: Row, refusal: Refusal | None = None) -> Rendering:
    """Which sheet becomes what, in the order in which they are imported."""
    wish, found, left_out = Wish(WORKBOOK, str(file["file_name"]), file=str(file["id"])), list[Wish](), list[str]()
    rows = {str(one["name"]): one["rows"] for one in files.sheets_of(file)}
    try:
        with files.opened(ctx, file) as book:
            found, left_out = sheets.wishes_of(ctx, wish, book)
    except Refusal as caught:
        refusal, left_out = refusal or caught, list(rows)
    values = {
        "file": file, "found": [(one.sheet, label_of(ctx, one.entity), rows[one.sheet]) for one in found], "left_out": left_out,
        "modes": [(key, *map(ctx.say, words)) for key, words in MODES.items()], "mode": request.typed("mode", "create"),
        "duplicates": [(key, ctx.say(words)) for key, words in DUPLICATES.items()], "duplicate": request.typed("duplicates", "skip"),
        "totals": [(key, ctx.say(words)) for key, words in TOTALS.items()] if files.has_totals(files.book_of(file)) else (),
        "nothing": files.has_nothing(files.book_of(file)), "total": request.typed("totals", "skip"),
        "problems": told(ctx, refusal), "may_history": ctx.can(HISTORY),
        "asked": {name: bool(request.typed(name)) for name in ("nothing", "silent", "history")},
    }  # fmt: skip
    return Rendering("import_export/workbook.html", values, refusal.status if refusal is not None else 200)


def looked(ctx: Context, request: PageRequest, file: Row) -> Wish | Rendering:
    """What is to be rehearsed: all sheets together; or the form again with what is wrong."""
    try:
        with files.opened(ctx, file) as book:
            wish = Wish(
                WORKBOOK, str(file["file_name"]), mode=request.typed("mode", "create"), duplicates=request.typed("duplicates", "skip"),
                totals=request.typed("totals", "skip"), nothing="all" if request.typed("nothing") else "values",
                silent=bool(request.typed("silent")), history=bool(request.typed("history")), file=str(file["id"]), dry_run=True, mended=mended(ctx, file),
            )  # fmt: skip
            return replace(wish, match=_matches(ctx, wish, book))
    except Refusal as refusal:
        return ask(ctx, request, file, refusal)


def _matches(ctx: Context, wish: Wish, book: Book) -> tuple[str, ...]:
    """By what the records of each sheet are known again: what their headings suggest."""
    by_name = {sheet.name: sheet for sheet in book.sheets}
    found = list[str]()
    for one in sheets.wishes_of(ctx, wish, book)[0]:
        guess = suggestion(ctx, one.entity, by_name[one.sheet], history=wish.history)["match"]
        found += [f"{one.sheet}!{name}" for name in guess] if isinstance(guess, list) else []
    return tuple(found)


def show(ctx: Context, request: PageRequest, record: Row, refusal: Refusal | None = None) -> Rendering:
    """The sheets with their counts: of a rehearsal what will be, of an import what was."""
    wish, state, dry = wish_of(record), str(record["state"]), bool(record["dry_run"])
    file = ctx.records("import_export.file").values([UUID(wish.file)]).get(UUID(wish.file)) if wish.file else None
    kept = file is not None and file["content"] is not None
    words = WOULD if dry else WAS
    children = [_told(ctx, one, words) for one in sheets.children(ctx, id_of(record))]
    written = int(str(record["created"])) + int(str(record["updated"]))
    values = {
        "record": record, "dry": dry, "kept": kept, "children": children, "alive": state in ("waiting", "running"), "undoing": state == "undoing",
        "stale": dry and kept and file is not None and mended(ctx, file) != wish.mended, "state": ctx.say(STATES[state]),
        "words": state_words(ctx, record), "tone": TONES.get(state, ""), "written": written,
        "counts": [(name, ctx.say(words[name]), record[name]) for name in FATES], "problems": told(ctx, refusal),
        "undoable": not dry and written > 0 and state in UNDONE_FROM,
        "columns_at": ctx.page(f"/import_export/files/{wish.file}/columns?entity={WORKBOOK}"),
    }  # fmt: skip
    return Rendering("import_export/sheets.html", values, refusal.status if refusal is not None else 200)


def _told(ctx: Context, child: Row, words: Mapping[str, str]) -> dict[str, object]:
    counts = [(name, ctx.say(words[name]), child[name]) for name in FATES if child[name]]
    state = str(child["state"])
    return {
        "row": child, "label": label_of(ctx, str(child["entity"])), "counts": counts, "state": ctx.say(STATES[state]), "key": state,
        "at": ctx.page(f"{AT}/{child['id']}"),
    }  # fmt: skip


def act(ctx: Context, request: PageRequest, record: Row) -> Rendering | Redirect:
    """Check all sheets again, or import them."""
    wish = wish_of(record)
    try:
        file = files.kept(ctx, UUID(wish.file))
        asked = replace(wish, mended=mended(ctx, file)) if request.typed("act") == "check" else replace(wish, dry_run=False)
        return Redirect(ctx.page(f"{AT}/{id_of(start(ctx, asked))}"))
    except Refusal as refusal:
        return show(ctx, request, record, refusal)
