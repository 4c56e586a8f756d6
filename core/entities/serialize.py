"""Rows to JSON objects by a function generated for a list of fields; a shape keeps those in use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sdk.fields import Field, exact_text
from sdk.fields.money import money_wire

Convert = Callable[[Sequence[Any]], list[dict[str, Any]]]


def serializer(fields: tuple[Field, ...]) -> Convert:
    """A function from rows, whose cells are the fields' columns in order, to JSON objects."""
    made: Convert = eval(source_of(fields), {"exact_text": exact_text, "money_wire": money_wire})  # noqa: S307 (see below)
    return made


def source_of(fields: Sequence[Field], written: Sequence[str] = ()) -> str:
    """The text of such a function; `written` are the expressions that give the fields their cells, else the cells c0, c1 ... themselves.

    It comes from field declarations alone: names are checked against a pattern, nothing is a caller's.
    """
    cells, parts = list[str](), list[str]()
    for field in fields:
        mine = [f"c{len(cells) + i}" for i in range(len(field.columns()))]
        parts.append(f"{field.name!r}: {field.wire(*(written[len(cells) : len(cells) + len(mine)] or mine))}")
        cells += mine
    return f"lambda rows: [{{{', '.join(parts)}}} for {', '.join(cells)}, in rows]"


def valuer(fields: tuple[Field, ...]) -> Convert:
    """The same, giving Python values (Decimal, date, UUID, Money)."""
    plan: list[tuple[str, int, int, Field]] = []
    at = 0
    for field in fields:
        width = len(field.columns())
        plan.append((field.name, at, at + width, field))
        at += width

    def convert(rows: Sequence[Any]) -> list[dict[str, Any]]:
        return [{name: row[start] if end - start == 1 else field.join(row[start:end]) for name, start, end, field in plan} for row in rows]

    return convert
