"""Cells that were mended in a staged file and rows that were left out: an overlay, the file stays as it came."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from plugins.import_export.files import Sheet
from sdk import Conflict, Context, Filter, Invalid, Problem, _, where
from sdk.context import Records, id_of

FILE, CORRECTION = "import_export.file", "import_export.correction"
MOST = 10_000
"""Rows that can be mended by hand; a file with more mistakes is better mended where it came from."""


@dataclass(frozen=True)
class Correction:
    """What is to stand in a row, by heading, and whether the row is left out."""

    cells: Mapping[str, str]
    left_out: bool = False

    def applied(self, cells: Sequence[str], headings: Sequence[str]) -> list[str]:
        """The row as it is to be read."""
        whole = [*cells, *[""] * (len(headings) - len(cells))]
        return [self.cells.get(headings[place], cell) if place < len(headings) else cell for place, cell in enumerate(whole)]


def corrections(ctx: Context, file: UUID, place: int) -> dict[int, Correction]:
    """By the number of a row what was mended in it."""
    rows = ctx.as_system().records(CORRECTION).find(where(file=file, sheet=place), MOST)
    return {int(str(row["number"])): Correction(json.loads(str(row["cells"] or "{}")), bool(row["left_out"])) for row in rows}


def mended(sheet: Sheet, overlay: Mapping[int, Correction]) -> Iterator[tuple[int, list[str]]]:
    """The rows of a sheet with its corrections, without those left out."""
    for number, cells in sheet.rows():
        correction = overlay.get(number)
        if correction is None:
            yield number, cells
        elif not correction.left_out:
            row = correction.applied(cells, sheet.headings)
            if any(map(str.strip, row)):
                yield number, row


def counted(records: Records, filter: Filter) -> int:
    """How many there are, without reading what they hold: it may be much."""
    rows = records.aggregate(("count",), filter=filter)
    return int(str(rows[0]["count"])) if rows else 0


def correct(ctx: Context, file: UUID, sheet: Mapping[str, object], place: int, number: int, cells: Mapping[str, str | None],
            left_out: bool | None) -> Correction:  # fmt: skip
    """Mend cells of a row by heading (None: as it stood in the file), or leave the row out, or take it back.

    Raises Invalid for a row or a heading that the file has not, Conflict where too many rows were mended.
    """
    headings, last = list(map(str, sheet["headings"])), int(str(sheet["last"]))  # type: ignore[call-overload]
    problems = [Problem(name[:80], "unknown_column", _("the file has no such column")) for name in cells if name not in headings]
    if not 1 <= number <= last:
        problems.append(Problem("number", "no_such_row", _("the file has rows 1 to {last}"), {"last": last}))
    if problems:
        raise Invalid(_("some values are invalid"), problems=problems)
    records = ctx.as_system().records(CORRECTION)
    with ctx.transaction(write=True):
        ctx.lock(f"import_export.correction:{file}:{place}:{number}")
        there = next(iter(records.find(where(file=file, sheet=place, number=number), 1)), None)
        known: dict[str, str] = json.loads(str(there["cells"] or "{}")) if there is not None else {}
        now = {name: cell for name, cell in {**known, **cells}.items() if cell is not None}
        out = bool(there["left_out"]) if left_out is None and there is not None else bool(left_out)
        values = {"cells": json.dumps(now) if now else None, "left_out": out}
        if there is not None:
            records.update(id_of(there), values, act="stage")
        elif counted(records, where(file=file, sheet=place)) >= MOST:
            raise Conflict(_("at most {most} rows of a file can be fixed by hand; fix the file itself"), code="too_many", most=MOST)
        else:
            records.create({"file": file, "sheet": place, "number": number, **values}, act="stage")
    return Correction(now, out)
