"""The cells of a chunk of rows as values: restored, with what their headings say of them, mapped, and read by their fields."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from plugins.import_export.formulas import restored
from plugins.import_export.mapping.currencies import beside, joined
from plugins.import_export.nothing import emptied
from plugins.import_export.plan import Plan
from sdk.fields import Flaw, MoneyField, spoilt
from sdk.fields.money import without_each


def read_columns(plan: Plan, rows: Sequence[Sequence[str]]) -> tuple[dict[str, list[object]], dict[str, list[Flaw]]]:
    """The chunk's columns as typed values, and what is wrong with their cells."""
    values: dict[str, list[object]] = {}
    flaws: dict[str, list[Flaw]] = {}
    columns = list(zip_longest(*rows, fillvalue=""))
    for name in (*plan.columns, *plan.made):
        cells, wrong = _cells_of(plan, name, columns, len(rows))
        if wrong:
            flaws[beside(name)] = wrong
        lost = _lost(plan, name, columns)
        if lost:
            cells = list(cells)
            for flaw in lost:
                cells[flaw.row] = ""
        for edit in plan.edits.get(name, ()):
            cells = list(map(edit, cells))
        if name in plan.values:
            renamed = plan.values[name]
            cells = [renamed.get(cell.strip(), cell) for cell in cells]
        if name in plan.named:
            cells, wrong = plan.named[name].keys(cells)
            lost = [*lost, *wrong]
        parsed = plan.fields[name].read(cells, plan.styles.get(name))
        values[name] = parsed.values
        if parsed.flaws or lost:
            flaws[name] = [*lost, *parsed.flaws]
    return values, flaws


def _lost(plan: Plan, name: str, columns: Sequence[Sequence[str]]) -> list[Flaw]:
    """Cells as they stand in the file whose value is lost, unless it was said what such a word means; text that looks so is marked there."""
    index, said = plan.columns.get(name, len(columns)), plan.values.get(name, {})
    found = spoilt(columns[index]) if index < len(columns) else []
    return [flaw for flaw in found if columns[index][flaw.row].strip() not in said]


def _cells_of(plan: Plan, name: str, columns: Sequence[Sequence[str]], size: int) -> tuple[Sequence[str], list[Flaw]]:
    """The cells for a field, and what is wrong with the currencies beside them."""
    if name in plan.made:
        return plan.made[name](columns, size), []
    index = plan.columns[name]
    cells: Sequence[str] = restored(emptied(columns[index], plan.nothing[name])) if index < len(columns) else [""] * size
    money, place = isinstance(plan.fields[name], MoneyField), plan.currencies.get(name, len(columns))
    if money and (place < len(columns) or name in plan.units):
        cells = list(map(without_each, cells))
    wrong = list[Flaw]()
    if place < len(columns):
        cells, wrong = joined(cells, columns[place], plan.styles.get(name, {}).get("currency", ""))
    if name in plan.units:
        cells = plan.units[name].given(cells, money=money)
    return cells, wrong
