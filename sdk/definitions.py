"""The text of a CREATE TABLE, as SQLite keeps it, with one column defined anew; whatever else it says stays as it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

_TOKEN = re.compile(r"""\s+|--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|[(),]|[^\s(),'"`\[]+""", re.DOTALL)
_AFTER_TYPE = frozenset({"CONSTRAINT", "PRIMARY", "NOT", "NULL", "UNIQUE", "CHECK", "DEFAULT", "COLLATE", "REFERENCES", "GENERATED", "AS"})
type_parts = list[str]


def redefined(statement: str, column: str, kind: str, *, nullable: bool) -> str:
    """The statement with another type and another word on emptiness for a column. Raises LookupError where it defines none of that name."""
    parts = _TOKEN.findall(statement)
    for start, end in _items(parts):
        words = [place for place in range(start, end) if not _is_blank(parts[place])]
        if words and _bare(parts[words[0]]).lower() == column.lower():
            made = _definition([parts[place] for place in range(words[0], end)], kind, nullable=nullable)
            return "".join([*parts[: words[0]], made, *parts[end:]])
    raise LookupError(f"the table defines no column {column!r}")


def rewritten(connection: Any, table: str, made: Callable[[str], str]) -> None:
    """Have SQLite know a table by other words: what `made` makes of those that it keeps. It has statements for few changes, and a table that is made
    beside, filled and put in the place of this one would take with it the rows that point here."""
    ask = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?"
    words = made(str(connection.exec_driver_sql(ask, (table,)).scalar_one()))
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    try:
        connection.exec_driver_sql("UPDATE sqlite_master SET sql = ? WHERE type = 'table' AND name = ?", (words, table))
        connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    finally:
        connection.exec_driver_sql("PRAGMA writable_schema = RESET")


def scale_in(statement: str, column: str) -> int | None:
    """How many digits behind the point an exact amount has, as the statement says it; None where it says nothing of it."""
    found = re.search(rf'[(,]\s*"?{re.escape(column)}"?\s+BIGINT\s*/\*(\d+)\*/', statement)
    return int(found[1]) if found is not None else None


def _items(parts: Sequence[str]) -> list[tuple[int, int]]:
    """Where each column and each constraint of the table begins and ends."""
    found, depth, start = list[tuple[int, int]](), 0, 0
    for place, part in enumerate(parts):
        if part == "(":
            depth += 1
            start = place + 1 if depth == 1 and not found else start
        elif part == ")":
            depth -= 1
        if (part == "," and depth == 1) or (part == ")" and depth == 0):
            found.append((start, place))
            start = place + 1
            if depth == 0:
                break  # what follows are options of the table
    return found


def _definition(parts: type_parts, kind: str, *, nullable: bool) -> str:
    rest, depth = len(parts), 0
    for place, part in enumerate(parts):
        if place and depth == 0 and part.upper() in _AFTER_TYPE:
            rest = place
            break
        depth += (part == "(") - (part == ")")
    more = "".join(_without_not_null(parts[rest:])).rstrip()
    return f"{parts[0]} {kind}{'' if nullable else ' NOT NULL'}{' ' if more else ''}{more}"


def _without_not_null(parts: type_parts) -> type_parts:
    words = [(place, part.upper()) for place, part in enumerate(parts) if not _is_blank(part)]
    gone, depth = set[int](), 0
    for number, (place, word) in enumerate(words):
        depth += (word == "(") - (word == ")")
        if depth == 0 and word == "NOT" and number + 1 < len(words) and words[number + 1][1] == "NULL":
            named = number >= 2 and words[number - 2][1] == "CONSTRAINT"
            first = words[number - 2][0] if named else place
            gone |= {*range(first, words[number + 1][0] + 1)}
    return [part for place, part in enumerate(parts) if place not in gone]


def _is_blank(part: str) -> bool:
    return part.isspace() or part.startswith(("--", "/*"))


def _bare(name: str) -> str:
    """A name without the quotes around it."""
    if name[:1] in ('"', "`", "["):
        return name[1:-1].replace('""', '"') if name[0] == '"' else name[1:-1]
    return name
