"""The third step: the rows as they will be, what is wrong with them, and the place to mend it; nothing is written yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import cast
from urllib.parse import quote
from uuid import UUID

from plugins.import_export.failed import SPREADSHEETS
from plugins.import_export.journal import IMPORT, ROW, cursor_of, page
from plugins.import_export.migrating.running import MIGRATION
from plugins.import_export.pages.lines import PROBLEMS, column_label, heads_of, lines_of, options_of
from plugins.import_export.pages.seen import OF_IMPORTS, whole
from plugins.import_export.pages.start import AT
from plugins.import_export.pages.wishes import mended, start, wish_of
from plugins.import_export.pages.words import WOULD
from plugins.import_export.plan import Plan, Wish, make_plan
from plugins.import_export.sheets import WORKBOOK
from plugins.import_export.staging import files
from plugins.import_export.staging.corrections import correct, corrections
from plugins.import_export.tables import OUTCOMES
from plugins.import_export.tally import FATES
from sdk import Condition, Conflict, Context, NotFound, PageRequest, Redirect, Refusal, Rendering, _, where
from sdk.context import Row, id_of
from sdk.pages import told

PAGE, MOST_OFTEN = 50, 5
ALL = "all"
_READ_AT_ONCE = 20_000
"""Rows up to which a file is read anew for its page, to show what its cells are understood as."""


def show(ctx: Context, request: PageRequest, record: Row, refusal: Refusal | None = None) -> Rendering:
    """How far the check is; once it has ended, its counts and the rows."""
    alive = record["state"] in ("waiting", "running")
    ended = not alive and record["state"] != "cancelled" and not record["reason"]
    wish, values = wish_of(record), dict[str, object](_rows(ctx, request, record)) if ended else {}
    status = refusal.status if refusal is not None else 200
    entity = ctx.entity(wish.entity)
    counts = [(name, ctx.say(WOULD[name]), record[name]) for name in (*FATES, "warned") if record[name] or name in ("created", "failed")]
    return Rendering(
        "import_export/preview.html",
        {
            "record": record, "alive": alive, "cancelled": record["state"] == "cancelled", "wish": wish, "label": ctx.say(entity.plural_label),
            "counts": counts, "problems": told(ctx, refusal), "often": _often(ctx, record, wish) if ended else [],
            "columns_at": ctx.page(f"/import_export/files/{wish.file}/columns?entity={wish.entity}&sheet={quote(wish.sheet)}&of={record['id']}"),
            "lines": [], "heads": [], "options": {}, "stale": False, "kept": False, "tab": "", "tabs": [], "next": "", "ignored": 0, **values,
        },
        status,
    )  # fmt: skip


def _often(ctx: Context, record: Row, wish: Wish) -> list[tuple[int, str, str]]:
    """What is wrong with many rows, by column, each with one of its reasons: a column that is mapped wrongly is seen at once."""
    about = (*where(**{"import": record["id"]}), Condition("outcome", "in", ("failed", "skipped")))
    system = ctx.as_system().records(ROW)
    found = []
    for one in system.aggregate(("count",), by=("column", "code"), filter=about):
        if int(str(one["count"])) > 1:
            same = [
                Condition(name, "empty", ("true",)) if one[name] is None else Condition(name, "eq", (one[name],))
                for name in ("column", "code")
            ]
            example = system.find((*about, *same), 1)
            found.append(
                (
                    int(str(one["count"])),
                    column_label(ctx, wish, str(one["column"] or "")),
                    str(example[0]["reason"] or "") if example else "",
                )
            )
    return sorted(found, reverse=True)[:MOST_OFTEN]


def have_at_hand(ctx: Context, record: Row) -> None:
    """Read the file of a rehearsal, where it is still there and is read as a whole at all; the next who reads it finds it read."""
    file = ctx.records("import_export.file").values([UUID(wish_of(record).file)]).get(UUID(wish_of(record).file))
    if file is not None and file["content"] is not None and files.book_of(file)["format"] in SPREADSHEETS:
        with files.opened(ctx, file):
            pass


def act(ctx: Context, request: PageRequest, record: Row) -> Rendering | Redirect:
    """Mend what was typed; then leave a row out, check again, or import."""
    wish = wish_of(record)
    try:
        file = files.kept(ctx, UUID(wish.file))
        _mend(ctx, request, file, files.place_of(file, wish.sheet))
        what = request.typed("act")
        if record["part_of"] and what in ("check", "run"):
            raise Conflict(_("the sheets of a workbook are checked and imported together"), code="part_of_workbook")
        if what == "check":
            again = start(ctx, replace(wish, mended=mended(ctx, file)))
            return Redirect(ctx.page(f"{AT}/{id_of(again)}"))
        if what == "run":
            return Redirect(ctx.page(f"{AT}/{id_of(start(ctx, replace(wish, dry_run=False)))}"))
    except Refusal as refusal:
        return show(ctx, request, record, refusal)
    return show(ctx, request, record) if request.part else Redirect(request.address)


def _mend(ctx: Context, request: PageRequest, file: Row, place: int) -> None:
    """Cells whose text differs from what they were when the page was made, and rows that are left out or taken back."""
    sheet = files.sheets_of(file)[place]
    headings = cast("list[str]", sheet["headings"])
    form, changes = dict(request.form), dict[int, dict[str, str | None]]()
    for name, text in form.items():
        word, _dot, rest = name.partition(".")
        number, _dot, column = rest.partition(".")
        if (
            word == "cell"
            and _is_number(number)
            and _is_number(column)
            and int(column) < len(headings)
            and _line(text) != _line(form.get(f"was.{rest}", ""))
        ):
            changes.setdefault(int(number), {})[headings[int(column)]] = _line(text)
    for row, cells in changes.items():
        correct(ctx, id_of(file), sheet, place, row, cells, None)
    for name, out in (("leave", True), ("back", False)):
        if _is_number(word := request.typed(name)):
            correct(ctx, id_of(file), sheet, place, int(word), {}, out)


def _is_number(word: str) -> bool:
    return word.isdecimal() and len(word) < 10


def _line(text: str) -> str:
    """Line ends as a form sends them are those of the file."""
    return text.replace("\r\n", "\n")


# --- the rows --------------------------------------------------------------------------------------------------------


def _rows(ctx: Context, request: PageRequest, record: Row) -> Iterator[tuple[str, object]]:
    wish, tab = wish_of(record), request.asked("show") or ("failed" if record["failed"] else ALL)
    file = ctx.records("import_export.file").values([UUID(wish.file)]).get(UUID(wish.file))
    if file is None or file["content"] is None:
        return
    place, after = files.place_of(file, wish.sheet), cursor_of(request.asked("cursor"))
    rows, next = _found(ctx, record, file, place, tab, after)
    plan = _plan(ctx, wish, file, place, int(str(record["total"] or 0)))
    heads = list(heads_of(ctx, wish, file, place, plan))
    lines = list(lines_of(ctx, rows, heads, plan, wish))
    if tab != ALL:  # what is to be mended stands beside what the row is about
        first = [at for at, _head in enumerate(heads) if at == 0 or any(line.cells[at].problem for line in lines)]
        order = [*first, *(at for at in range(len(heads)) if at not in first)]
        heads = [heads[at] for at in order]
        lines = [replace(line, cells=[line.cells[at] for at in order]) for line in lines]
    yield "lines", lines
    yield "heads", heads
    yield "options", options_of(ctx, wish, heads)
    yield "stale", mended(ctx, file) != wish.mended
    yield "kept", True
    yield "tab", tab
    yield (
        "tabs",
        [(ALL, ctx.say(_("All rows")), record["total"])]
        + [(name, ctx.say(OUTCOMES[name]), record[name]) for name in PROBLEMS if record[name]],
    )
    yield "next", f"?show={tab}&cursor=r{next}" if next is not None else ""
    yield "ignored", len(cast("list[str]", files.sheets_of(file)[place]["headings"])) - len(heads)


def _found(ctx: Context, record: Row, file: Row, place: int, tab: str, after: int) -> tuple[list[dict[str, object]], int | None]:
    """Rows with what the check said of them, and behind which row the next page begins."""
    if tab == ALL:
        rows, next = files.some_rows(ctx, file, place, PAGE, after)
        details = {one["number"]: one for one in page(ctx, record, None, PAGE, after)[0]}
        return [{**row, "told": details.get(row["number"])} for row in rows], next
    if tab not in PROBLEMS:
        raise NotFound(_("there is nothing at this address"))
    overlay, headings = corrections(ctx, id_of(file), place), cast("list[str]", files.sheets_of(file)[place]["headings"])
    found, next = page(ctx, record, tab, PAGE, after)
    rows = []
    for one in found:
        correction, cells = overlay.get(int(str(one["number"]))), cast("list[str]", one["cells"] or [])
        now = cells if correction is None else correction.applied(cells, headings)
        row = {"number": one["number"], "cells": now, "corrected": [] if correction is None else list(correction.cells)}
        rows.append({**row, "left_out": correction is not None and correction.left_out, "told": one})
    return rows, next


def _plan(ctx: Context, wish: Wish, file: Row, place: int, total: int) -> Plan | None:
    """How the file is read; None where that would take long, or where the columns no longer fit: then the check alone has the word."""
    if total > _READ_AT_ONCE:
        return None
    try:
        with files.opened_sheet(ctx, file, place) as sheet:
            return make_plan(ctx, wish, sheet)
    except Refusal:
        return None


# --- one row ---------------------------------------------------------------------------------------------------------


def _mended(ctx: Context, request: PageRequest) -> Row:
    """The check whose row it is; raises NotFound for an import without one: of a file that is not kept, or of another system."""
    record = whole(ctx.records(IMPORT).get(request.id()), OF_IMPORTS)
    if record["file"] is None or record["entity"] in (MIGRATION, WORKBOOK):
        raise NotFound(_("row {number} does not exist"), number=request.path["number"][:20])
    return record


def ask_row(ctx: Context, request: PageRequest) -> Rendering:
    """All cells of a row, each in a field: for the phone, and where no script runs."""
    record = _mended(ctx, request)
    number = request.path["number"]
    wish = wish_of(record)
    file = files.kept(ctx, UUID(wish.file))
    place = files.place_of(file, wish.sheet)
    rows = files.some_rows(ctx, file, place, 1, int(number) - 1)[0] if number.isdecimal() and 0 < len(number) < 10 else []
    if not rows or rows[0]["number"] != int(number):
        raise NotFound(_("row {number} does not exist"), number=number[:20])
    labels = {head.place: head.label for head in heads_of(ctx, wish, file, place)}
    cells = list(_named(cast("list[str]", files.sheets_of(file)[place]["headings"]), cast("list[str]", rows[0]["cells"]), labels))
    return Rendering("import_export/row.html", {"record": record, "number": int(number), "cells": cells, "left_out": rows[0]["left_out"],
                                                "back": _back(ctx, request, record)})  # fmt: skip


def take_row(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Keep what was typed in a row."""
    record = _mended(ctx, request)
    wish = wish_of(record)
    file = files.kept(ctx, UUID(wish.file))
    _mend(ctx, request, file, files.place_of(file, wish.sheet))
    return Redirect(_back(ctx, request, record))


def _back(ctx: Context, request: PageRequest, record: Row) -> str:
    tab = request.asked("show")
    return ctx.page(f"{AT}/{record['id']}") + (f"?show={tab}" if tab in (ALL, *PROBLEMS) else "")


def _named(headings: Iterable[str], cells: Sequence[str], labels: Mapping[int, str]) -> Iterator[tuple[int, str, str, str]]:
    for place, heading in enumerate(headings):
        yield place, heading, labels.get(place, ""), cells[place] if place < len(cells) else ""
