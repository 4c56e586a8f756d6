"""What became of each row and what was there before: written in parts with the records; read by page, and to undo."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple
from uuid import UUID

from plugins.import_export.sight import seen_rows
from sdk import BadRequest, Condition, Context, Draft, NotFound, Query, _, where
from sdk.context import Row, id_of
from sdk.fields import Field

PART, ROW, IMPORT = "import_export.part", "import_export.row", "import_export.import"
LETTERS = {"c": "created", "u": "updated", "n": "unchanged", "s": "skipped", "f": "failed"}
LETTER_OF = {word: letter for letter, word in LETTERS.items()}
PROBLEM = ("column", "value", "code", "reason", "nearest")
DETAILS = (*PROBLEM, "cells")
_MOST_ROWS, _MOST_TEXT = 2_000, 1_000_000
_PAGE = 20


class Fate(NamedTuple):
    """What became of a row, and by which record."""

    number: int
    letter: str
    id: UUID | None = None


class Former(NamedTuple):
    """A changed record: the version that it came to have, and the former values of what was changed; in the journal they are cells."""

    version: int
    values: Mapping[str, object]


def parts(
    fates: Sequence[Fate], fields: Mapping[str, Field], former: Mapping[int, Former]
) -> Iterator[tuple[list[Fate], dict[str, object]]]:
    """What becomes parts of a journal, each small enough to be read as a whole: the fates of rows, and what was before."""
    part: list[Fate] = []
    before: dict[str, object] = {}
    size = 0
    for fate in sorted(fates):
        if len(part) == _MOST_ROWS or size > _MOST_TEXT:
            yield part, before
            part, before, size = [], {}, 0
        part.append(fate)
        if fate.number in former:
            version, values = former[fate.number]
            cells = {name: fields[name].format(value) for name, value in values.items() if name in fields}
            before[str(fate.number)] = [version, cells]
            size += sum(map(len, cells.values()))
    if part:
        yield part, before


def draft(id: UUID, entity: str, part: Sequence[Fate], before: Mapping[str, object]) -> Draft:
    """What is to be written of a part."""
    values: dict[str, object] = {
        "import": id,
        "entity": entity,
        "first": part[0].number,
        "last": part[-1].number,
        "letters": "".join(sorted({fate.letter for fate in part})),
        "rows": json.dumps([(number, letter, "" if id is None else id.hex) for number, letter, id in part]),
        "before": json.dumps(before) if before else None,
    }
    return Draft("create", values, act="run")


def read_rows(part: Row) -> list[Fate]:
    """The fates that a part holds."""
    return [Fate(number, letter, UUID(id) if id else None) for number, letter, id in json.loads(str(part["rows"]))]


def read_former(part: Row) -> dict[int, Former]:
    """By the row that changed a record the version that it then had, and the cells that stood in its fields before."""
    return {int(number): Former(version, cells) for number, (version, cells) in json.loads(str(part["before"] or "{}")).items()}


def read_undone(part: Row) -> dict[int, int]:
    """The rows that have been taken back, with the version that this made; 0: all was as before already."""
    return {int(number): version for number, version in json.loads(str(part["undone"] or "{}")).items()}


def seen(ctx: Context, id: UUID, *, hold: bool = False) -> Row:
    """An import that the actor sees, whole: what is done with it needs fields that he may not be shown. Raises NotFound."""
    if id not in ctx.records(IMPORT).values([id]):
        raise NotFound(_("record {id!r} does not exist"), id=str(id))
    return ctx.as_system().records(IMPORT).values([id], hold=hold)[id]


# --- by page ---------------------------------------------------------------------------------------------------------


def page(ctx: Context, record: Row, outcome: str | None, limit: int, after: int) -> tuple[list[dict[str, object]], int | None]:
    """Rows behind row `after`, in the order of the file, each with its outcome and what is told of it; and behind which the next page begins."""
    if outcome in (None, *LETTERS.values()):
        found = _fates(ctx, record, LETTER_OF[outcome] if outcome else "", limit + 1, after)
        if outcome is None and not found:  # an import from before there was a journal
            return _told_alone(ctx, record, None, limit, after)
        told = _details(ctx, record, found[:limit])
        return told, found[limit - 1].number if len(found) > limit else None
    return _told_alone(ctx, record, outcome, limit, after)


def _fates(ctx: Context, record: Row, letter: str, limit: int, after: int) -> list[Fate]:
    """At most `limit` fates; parts overlap where rows were put off, so one reads on until no later part can begin before."""
    wanted = (*where(**{"import": id_of(record)}), Condition("last", "gt", (after,)))
    if letter:
        wanted = (*wanted, Condition("letters", "contains", (letter,)))
    parts, found, cursor = ctx.as_system().records(PART), list[Fate](), ""
    while True:
        read = parts.query(Query(wanted, sort=("first",), fields=("first", "rows"), limit=_PAGE, cursor=cursor))
        for part in read.data:
            found.sort()
            if len(found) >= limit and found[limit - 1].number < int(str(part["first"])):
                return found[:limit]
            found += [fate for fate in read_rows(part) if fate.number > after and letter in ("", fate.letter)]
        if read.next is None:
            return sorted(found)[:limit]
        cursor = read.next


def _details(ctx: Context, record: Row, fates: Sequence[Fate]) -> list[dict[str, object]]:
    if not fates:
        return []
    between = (Condition("number", "gte", (fates[0].number,)), Condition("number", "lte", (fates[-1].number,)))
    told: dict[int, list[Row]] = {}
    rows = ctx.as_system().records(ROW).find((*where(**{"import": id_of(record)}), *between), 100_000)
    for row in seen_rows(ctx, record, rows):
        told.setdefault(int(str(row["number"])), []).append(row)
    return [_shown(record, fate, told.get(fate.number, ())) for fate in fates]


def _shown(record: Row, fate: Fate, told: Sequence[Row]) -> dict[str, object]:
    about = next((row for row in told if row["outcome"] != "conflict"), None)
    made = {name: None if about is None else about[name] for name in DETAILS}
    there = fate.id is not None and not record["dry_run"]
    return {
        "number": fate.number,
        "outcome": LETTERS[fate.letter],
        "warned": about is not None and about["outcome"] == "warned",
        "conflict": next((row["reason"] for row in told if row["outcome"] == "conflict"), None),
        "record": str(fate.id) if there else None,
        **_with_problems(made),
    }


def _told_alone(ctx: Context, record: Row, outcome: str | None, limit: int, after: int) -> tuple[list[dict[str, object]], int | None]:
    wanted = (*where(**{"import": id_of(record)}), Condition("number", "gt", (after,)))
    if outcome:
        wanted = (*wanted, *where(outcome=outcome))
    rows = ctx.as_system().records(ROW).query(Query(wanted, sort=("number",), limit=limit)).data
    told = [
        {
            "number": row["number"], "outcome": row["outcome"], "warned": row["outcome"] == "warned",
            "conflict": row["reason"] if row["outcome"] == "conflict" else None, "record": None,
            **_with_problems({name: row[name] for name in DETAILS}),
        }
        for row in seen_rows(ctx, record, rows)
    ]  # fmt: skip
    return told, int(str(rows[-1]["number"])) if len(rows) == limit else None


def _with_problems(told: dict[str, object]) -> dict[str, object]:
    """What is told of a row, its cells as a list, and each of its problems by its column."""
    return {**told, "cells": read_cells(told["cells"])[0], "problems": problems_of(told)}


def problems_of(told: Mapping[str, object]) -> list[dict[str, object]]:
    """The problems of a row of which something is told."""
    problems = read_cells(told["cells"])[1]
    return problems or ([{name: told[name] for name in PROBLEM}] if told["code"] is not None else [])


def read_cells(written: object) -> tuple[list[str] | None, list[dict[str, object]]]:
    """The cells of a row that was not taken as they stood in the file, and its problems where it has several."""
    if written is None:
        return None, []
    read = json.loads(str(written))
    return (read, []) if isinstance(read, list) else (read["cells"], read["problems"])


def cursor_of(word: str) -> int:
    """The row behind which a page begins; raises BadRequest."""
    digits = "".join(takewhile(str.isdecimal, word[1:]))
    if word and (word[0] != "r" or digits != word[1:] or not digits or len(digits) > 9):
        raise BadRequest(_("invalid cursor; use the one from the previous page"))
    return int(digits) if word else 0
