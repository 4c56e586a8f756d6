"""What imports know of a person: rows that were not taken, as they stood in the file, and the files themselves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from uuid import UUID

from plugins.import_export.staging.corrections import CORRECTION, FILE
from plugins.import_export.staging.files import book_of, busy, opened, sheets_of
from sdk import Condition, Context, Person, Refusal, Trace, _, where
from sdk.context import Row, id_of

ROW, IMPORT, EXPORT = "import_export.row", "import_export.import", "import_export.export"
_MOST = 100_000
_READ = 8_000_000
"""Bytes of files that are looked through from end to end; of what is beyond it is said that it may name the person."""
_THERE = (Condition("content", "empty", ("false",)),)


def traces_of(ctx: Context, person: Person) -> Sequence[Trace]:
    """See `sdk.hooks`. Of a row that has the name alone nobody can tell whose it is: it goes, too, and can be imported again."""
    rows, mended = _naming(ctx, person, ROW), _naming(ctx, person, CORRECTION)
    sent = ctx.records(FILE).find(_THERE, _MOST)
    in_use, named, unread, shown, left = busy(ctx, sent), dict[UUID, str](), list[UUID](), dict[UUID, Row](), _READ
    for row in sent:
        id, size = id_of(row), int(str(row["size"]))
        if id in in_use:  # it is told with its import
            continue
        says = _says(ctx, row, person) if size <= left else None
        left -= size if size <= left else 0
        shown[id] = {"book": _of_person(row, says or {})}
        if says:
            named[id] = str(row["content"])
        elif says is None:
            unread.append(id)
    beside = {id_of(one) for id in named for one in ctx.records(CORRECTION).find(where(file=id), _MOST)} - mended  # go with the file
    under_way = [id_of(row) for state in ("waiting", "running") for row in ctx.records(IMPORT).find(where(state=state), _MOST)]
    reason = _("the import is running, and its file may name the person: erase again when it has ended")
    there = [id_of(row) for row in ctx.records(EXPORT).find(_THERE, _MOST)]
    exported = _("an exported file may name the person until it is deleted after a few days: delete the export, or erase again later")
    uploaded = _("an uploaded file may name the person until it is deleted after a week: remove the file, or erase again later")
    return (
        Trace(ROW, sorted(rows)), Trace(CORRECTION, sorted(mended), shown={id: {"cells": None} for id in beside}),
        Trace(FILE, sorted(named), files=named, shown=shown),
        Trace(IMPORT, under_way, keep=reason), Trace(EXPORT, there, keep=exported), Trace(FILE, unread, keep=uploaded),
    )  # fmt: skip


def _naming(ctx: Context, person: Person, entity: str) -> set[UUID]:
    """Where cells are kept as JSON with every character written out, and a name has to be a cell by itself."""
    written = [*(json.dumps(word)[1:-1] for word in person.words), *(json.dumps(name) for name in person.names)]
    return {id_of(row) for form in written for row in ctx.records(entity).find((Condition("cells", "contains", (form[:200],)),), _MOST)}


def _says(ctx: Context, row: Row, person: Person) -> dict[str, list[list[str]]] | None:
    """By sheet the rows of a file with a cell that has a word which stands for the person alone, or is the name; None where it cannot be read."""
    sure, names = Person(person.record, {}, {}, person.words), {name.casefold() for name in person.names}
    found = dict[str, list[list[str]]]()
    try:
        with opened(ctx, row) as book:
            for sheet in book.sheets:
                for _number, cells in sheet.rows():
                    if any(cell.strip().casefold() in names or sure.occurs(cell) for cell in cells if cell):
                        found.setdefault(sheet.name, []).append(list(cells))
    except (Refusal, OSError):
        return None
    return found


def _of_person(row: Row, says: Mapping[str, Sequence[Sequence[str]]]) -> str | None:
    """What is known of a file, with the rows that name the person in the place of its first; what is noted of it quotes others' rows."""
    try:
        known = book_of(row)
    except Refusal:  # nothing is known of it any more
        return None
    sheets = [{**sheet, "sample": says.get(str(sheet["name"]), [])} for sheet in sheets_of(row)]
    return json.dumps({**known, "sheets": sheets, "notes": []}, ensure_ascii=False)
