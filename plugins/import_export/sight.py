"""Who sees what stood in a file that was imported, and what its rows met: who sent it, and who may look into others' imports.

Who may read that there was an import has not the right to every record and field that its rows tell of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from sdk import Context, Forbidden, _
from sdk.context import Row

IMPORT, ROW, PART, FILE, CORRECTION = (f"import_export.{name}" for name in ("import", "row", "part", "file", "correction"))
INSPECT = f"{IMPORT}.inspect"
OF_ROWS, OF_PARTS, OF_IMPORTS = ("value", "reason", "nearest", "cells"), ("before", "undone"), ("deferred", "reason")
OF_FILES, OF_CORRECTIONS = ("reading", "book"), ("cells",)
type_owners = Callable[[Context, Sequence[UUID]], dict[UUID, object]]
"""Whose import, or whose file, each of these records is, or belongs to."""


def _own(entity: str) -> type_owners:
    return lambda system, ids: {id: row["owner"] for id, row in system.records(entity).values(ids).items()}


def _above(entity: str, link: str, parent: str) -> type_owners:
    def owners(system: Context, ids: Sequence[UUID]) -> dict[UUID, object]:
        above = {id: UUID(str(row[link])) for id, row in system.records(entity).values(ids).items()}
        theirs = _own(parent)(system, list(set(above.values())))
        return {id: theirs.get(one) for id, one in above.items()}

    return owners


def _veil(names: Iterable[str], owners: type_owners) -> Callable[[Any, Sequence[dict[str, Any]]], None]:
    def veil(ctx: Context, rows: Sequence[dict[str, Any]]) -> None:
        shown = [row for row in rows if any(row.get(name) is not None for name in names)]
        if not shown or ctx.can(INSPECT):
            return
        whose, me = owners(ctx.as_system(), [row["id"] for row in shown]), ctx.actor.user_id
        for row in shown:
            if me is None or whose.get(row["id"]) != me:
                row |= {name: None for name in names if name in row}

    return veil


of_rows = _veil(OF_ROWS, _above(ROW, "import", IMPORT))
_of_parts = _veil(OF_PARTS, _above(PART, "import", IMPORT))
of_corrections = _veil(OF_CORRECTIONS, _above(CORRECTION, "file", FILE))
of_imports = _veil(OF_IMPORTS, _own(IMPORT))
of_files = _veil(OF_FILES, _own(FILE))


def of_parts(ctx: Context, rows: Sequence[dict[str, Any]]) -> None:
    """What was there before stood in records, not in the file: who sent the file has written over it, perhaps without the right to read it."""
    _of_parts(ctx, rows)
    if not ctx.can(INSPECT):
        for row in rows:
            row |= {name: None for name in ("before",) if name in row}


def sees(ctx: Context, record: Row) -> bool:
    """Whether one may know what is in the file of an import that one knows of."""
    return ctx.can(INSPECT) or (ctx.actor.user_id is not None and record.get("owner") == ctx.actor.user_id)


def seen_rows(ctx: Context, record: Row, rows: Sequence[Row]) -> Sequence[Row]:
    """The rows of an import as one may see them."""
    return rows if sees(ctx, record) else [{**row, **dict.fromkeys(OF_ROWS)} for row in rows]


def check_seen(ctx: Context, record: Row) -> None:
    """Raise Forbidden for who may know of an import, and not what is in its file."""
    if not sees(ctx, record):
        raise Forbidden(_("a file’s contents can only be seen by whoever sent it, or with {permission}"), permission=INSPECT)
