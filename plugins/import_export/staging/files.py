"""Files that were sent: kept once, read as often as one likes, gone after a week."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import BinaryIO, cast
from uuid import UUID

from plugins.import_export.files import Book, Note, Reading, Sheet, open_book
from plugins.import_export.files.gaps import OTHER_TABLE, Gaps
from plugins.import_export.footers import says_alone, sums_up
from plugins.import_export.mapping.shaping import kinds_of
from plugins.import_export.mapping.words import plain
from plugins.import_export.nothing import Found
from plugins.import_export.staging.corrections import FILE, corrections, counted, mended
from sdk import BadRequest, Condition, Conflict, Context, Draft, NotFound, TooLarge, Upload, _, where
from sdk.context import Row, id_of, shown
from sdk.files import last_name, saved

KEPT = timedelta(days=7)
"""How long a file waits, and how long after its last use it stays."""
MOST_BYTES = 1 << 30
MOST_FILES = 100
"""Files of one person that are kept at the same time."""
SAMPLE = 5
_STEP = 1 << 20
_LONGEST_CELL = 200
_MOST_IN_SAMPLE = 500
_MOST_FOOTERS, _LONGEST_FOOTER = 10, 40
HAS_TOTALS, HAS_NOTHING = "totals", "nothing"
"""The codes of the notes that a file has rows which look like totals or like notes below a table, and words such as NULL."""


@dataclass
class Received:
    """A file that is saved under a key, and what was found in it; it stays once it is `taken` by what the transaction writes."""

    key: str
    values: Mapping[str, object] = field(default_factory=dict)
    taken: bool = False

    def take(self) -> str:
        """Its key, for the record that will name it."""
        self.taken = True
        return self.key


@contextmanager
def received(ctx: Context, stream: BinaryIO) -> Iterator[Received]:
    """Save a file before the transaction, whose lock is not to wait for disks; unless that ends well and has taken it, it goes again."""
    with saved(ctx, stream) as key:
        file = Received(key)
        yield file
    if not file.taken:
        ctx.files.remove(key)


@contextmanager
def received_and_read(ctx: Context, upload: Upload, reading: Reading) -> Iterator[Received]:
    """The same, read once to its end. Raises TooLarge, Conflict where one keeps too many, Invalid for what is no readable file."""
    _check_number(ctx)
    size = 0
    while part := upload.stream.read(_STEP):
        size += len(part)
        if size > MOST_BYTES:
            raise TooLarge(_("a file can be at most {most} MB"), most=MOST_BYTES >> 20)
    upload.stream.seek(0)
    name = last_name(upload.filename)
    with received(ctx, upload.stream) as file:
        with ctx.files.open(file.key) as source:
            book = open_book(source, name, reading)
            notes = [*book.notes]
            found = {
                "format": book.format,
                "encoding": book.encoding,
                "delimiter": book.delimiter,
                "sheets": [_looked_through(sheet, notes) for sheet in book.sheets],
                "notes": [{"code": note.code, "message": ctx.say(note.message, note.params)} for note in notes],
            }
        file.values = {"file_name": name, "size": size, "reading": json.dumps(asdict(reading)), "book": json.dumps(found)}
        yield file


def stage(ctx: Context, file: Received) -> Row:
    """The record of a file that was received and read; raises Conflict where one keeps too many."""
    _check_number(ctx)
    values = {**file.values, "content": file.take(), "expires_at": ctx.now() + KEPT}
    return ctx.as_system().records(FILE).create(values, act="stage")


def _check_number(ctx: Context) -> None:
    if counted(ctx.as_system().records(FILE), where(owner=ctx.actor.user_id)) >= MOST_FILES:
        raise Conflict(_("you already have {most} files waiting; remove some"), code="too_many_files", most=MOST_FILES)


def _looked_through(sheet: Sheet, notes: list[Note]) -> dict[str, object]:
    """A sheet by its headings, its number of rows and the first of them; raises Invalid where the file breaks off.

    What is to be told of it goes to `notes`.
    """
    rows, last, sample, gaps = 0, 0, list[list[str]](), Gaps(sheet.headings)
    footers, nothing = list[tuple[int, str]](), Found(sheet.headings)
    for part in sheet.parts():
        gaps.see(part)
        nothing.see(part)
        rows, last = rows + len(part), part[-1][0]
        sample += [[cell[:_LONGEST_CELL] for cell in cells[:_MOST_IN_SAMPLE]] for _number, cells in part[: max(SAMPLE - len(sample), 0)]]
        for number, cells in part:
            if len(footers) <= _MOST_FOOTERS and (sums_up(cells) or says_alone(cells)):
                footers.append((number, next(cell.strip() for cell in cells if cell.strip())[:_LONGEST_FOOTER]))
    if not rows:
        notes.append(Note("no_rows", _("the sheet {sheet!r} has headings but no rows"), {"sheet": sheet.name}))
    if footers:
        told = ", ".join(f"{number} ({word})" for number, word in footers[:_MOST_FOOTERS]) + (", …" if len(footers) > _MOST_FOOTERS else "")
        text = _("rows that look like totals or notes are skipped unless you choose otherwise: {rows}")
        if sheet.data:
            text = _("rows that look like totals or notes are imported with a warning unless you choose otherwise: {rows}")
        notes.append(Note(HAS_TOTALS, text, {"rows": told}))
    if words := nothing.told():
        text = _(
            "these words count as empty cells where they can’t be a value, such as in numbers and dates, and in text if you choose so: {words}"
        )
        notes.append(Note(HAS_NOTHING, text, {"words": words}))
    if other := gaps.other():
        text = _("another table seems to begin in row {row}, below blank rows; it is skipped unless you choose otherwise")
        notes.append(Note(OTHER_TABLE, text, {"row": other}))
    if behind := sorted(gaps.behind()):
        text = _("there are rows after blank ones ({rows}); if they aren’t records, skip them when you review the rows")
        notes.append(Note("parted", text, {"rows": ", ".join(map(str, behind))}))
    return {"name": sheet.name, "headings": list(sheet.headings), "rows": rows, "last": last, "sample": sample}


def kept(ctx: Context, id: UUID) -> Row:
    """A staged file as its owner may see it; raises NotFound, also once it has expired."""
    row = ctx.records(FILE).values([id]).get(id)
    if row is None or shown(row, "content") is None:
        raise NotFound(_("file {key} does not exist"), key=str(id))
    for name in ("file_name", "size", "reading", "expires_at"):
        shown(row, name)
    return row


def told(ctx: Context, row: Row) -> dict[str, object]:
    """A staged file as the API shows it; a sheet that is called as a kind of record says which."""
    book, kinds = book_of(row), kinds_of(ctx)
    sheets = [
        {**{name: value for name, value in sheet.items() if name != "last"}, "entity": kinds.get(plain(str(sheet["name"])))}
        for sheet in sheets_of(row)
    ]
    return {
        "id": str(row["id"]), "file_name": row["file_name"], "size": row["size"],
        **{name: book[name] for name in ("format", "encoding", "delimiter", "notes")},
        "sheets": sheets, "expires_at": row["expires_at"],
    }  # fmt: skip


def book_of(row: Row) -> dict[str, object]:
    """What was found out about a file when it was sent; raises Conflict where that is not there any more."""
    try:
        return cast("dict[str, object]", json.loads(str(row["book"])))
    except ValueError as failure:
        text = _("what was known about the file {name} is lost; upload it again")
        raise Conflict(text, code="file_lost", name=str(row["file_name"])[:80]) from failure


def has_totals(book: Mapping[str, object]) -> bool:
    """Whether a book has rows that look like totals or notes, or like another table."""
    return any(note["code"] in (HAS_TOTALS, OTHER_TABLE) for note in cast("list[Mapping[str, str]]", book["notes"]))


def has_nothing(book: Mapping[str, object]) -> bool:
    """Whether a book has words such as NULL and N/A."""
    return any(note["code"] == HAS_NOTHING for note in cast("list[Mapping[str, str]]", book["notes"]))


def sheets_of(row: Row) -> list[dict[str, object]]:
    """Its sheets: name, headings, rows, last (the number of the last row), sample."""
    return cast("list[dict[str, object]]", book_of(row)["sheets"])


def place_of(row: Row, sheet: str) -> int:
    """Which sheet is meant; "" is the first. Raises BadRequest for a name that none has."""
    names = [str(one["name"]) for one in sheets_of(row)]
    if sheet in names:
        return names.index(sheet)
    if sheet:
        raise BadRequest(_("the file has no sheet {name!r}; its sheets are {names}"), name=sheet[:80], names=", ".join(names)[:500])
    return 0


@contextmanager
def opened(ctx: Context, row: Row) -> Iterator[Book]:
    """The file as it came."""
    with ctx.files.open(str(row["content"])) as source:
        yield open_book(source, str(row["file_name"]), Reading(**json.loads(str(row["reading"]))))


@contextmanager
def opened_sheet(ctx: Context, row: Row, place: int) -> Iterator[Sheet]:
    """A sheet with all that was mended in it."""
    with opened(ctx, row) as book:
        yield with_corrections(ctx, row, place, book)


def with_corrections(ctx: Context, row: Row, place: int, book: Book) -> Sheet:
    """One sheet of an open file, mended."""
    sheet, overlay = book.sheets[place], corrections(ctx, id_of(row), place)
    left_out = frozenset(number for number, one in overlay.items() if one.left_out)
    return replace(sheet, read=lambda: mended(sheet, overlay), left_out=left_out) if overlay else sheet


def some_rows(ctx: Context, row: Row, place: int, limit: int, after: int) -> tuple[list[dict[str, object]], int | None]:
    """Rows of a sheet as they are now, those left out among them, and behind which number the next page begins."""
    overlay, found = corrections(ctx, id_of(row), place), list[dict[str, object]]()
    with opened(ctx, row) as book:
        sheet = book.sheets[place]
        for number, cells in sheet.rows():
            if number <= after:
                continue
            if len(found) == limit:
                return found, cast("int", found[-1]["number"])
            correction = overlay.get(number)
            changed = [] if correction is None else [heading for heading in correction.cells if heading in sheet.headings]
            now = cells if correction is None else correction.applied(cells, sheet.headings)
            left_out = correction is not None and correction.left_out
            found.append({"number": number, "cells": now, "corrected": changed, "left_out": left_out})
    return found, None


def touch(ctx: Context, row: Row) -> None:
    """A file that is used stays for as long as a new one."""
    ctx.as_system().records(FILE).update(id_of(row), {"expires_at": ctx.now() + KEPT}, act="stage")


def remove(ctx: Context, id: UUID) -> None:
    """Remove a file at once; raises NotFound, and Conflict while something is imported from it."""
    row = kept(ctx, id)
    if busy(ctx, [row]):
        raise Conflict(_("something is being imported from this file; cancel that first"), code="busy")
    with ctx.transaction(write=True):
        _forget(ctx, row)
        ctx.records(FILE).delete(id)
    ctx.files.remove(str(row["content"]))


def remove_expired(ctx: Context) -> None:
    """The daily end of files that nobody has used for a week."""
    files = ctx.as_system().records(FILE)
    expired = files.find((Condition("expires_at", "lte", (ctx.now(),)),), 500)
    in_use = busy(ctx, expired)
    for row in expired:
        if id_of(row) not in in_use:
            with ctx.transaction(write=True):
                _forget(ctx, row)
                files.write_all([Draft("delete", {}, id_of(row), act="stage")])
            if row["content"] is not None:  # else it went with a person who was erased
                ctx.files.remove(str(row["content"]))


def busy(ctx: Context, rows: list[Row]) -> set[UUID]:
    """Files from which something is being imported."""
    under_way = Condition("state", "in", ("waiting", "running"))
    imports = ctx.as_system().records("import_export.import")
    return {id_of(row) for row in rows if imports.find((*where(file=row["id"]), under_way), 1)}


def _forget(ctx: Context, row: Row) -> None:
    """What was found in a file and what was mended goes; that there was a file stays."""
    system = ctx.as_system()
    mendings = system.records("import_export.correction")
    while found := mendings.find((*where(file=row["id"]), Condition("cells", "empty", ("false",))), 500):
        mendings.write_all([Draft("update", {"cells": None}, id_of(one), act="stage") for one in found])
    system.records(FILE).update(id_of(row), {"content": None, "book": None}, act="stage")


def reading_of(body: Mapping[str, object]) -> Reading:
    """What was said of a file in a form."""
    return Reading(str(body["encoding"]), str(body["delimiter"]), headings=int(str(body.get("heading_row") or 0)))
