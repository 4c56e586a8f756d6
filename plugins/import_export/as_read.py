"""How an import has read the numbers and dates of its file: by that its failed rows say what they mean without the rest of the file."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plugins.import_export.mapping.units import Unit, unit_of
from plugins.import_export.plan import Plan
from sdk import Context
from sdk.context import Row
from sdk.fields import DateField, DateTimeField, DecimalField, Field, FlawError, IntegerField, MoneyField, readings
from sdk.fields.money import without_each
from sdk.fields.number import parts_of

KEY = "as_read"
"""Where it stands beside what the import was asked with."""
_NUMBERS, _DATES = IntegerField | DecimalField | MoneyField, DateField | DateTimeField
_DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class AsRead:
    """What stood between the cells, and the columns whose cells are read by a style: which field, and how."""

    delimiter: str
    columns: Mapping[int, tuple[Field, Mapping[str, str]]]

    @staticmethod
    def found(plan: Plan, delimiter: str) -> dict[str, object]:
        """What an import keeps of it."""
        styles = {name: plan.styles.get(name, {}) for name in plan.columns if isinstance(plan.fields[name], _NUMBERS | _DATES)}
        for name, unit in plan.units.items():
            if name in styles and unit_of(plan.headings[name])[1] is None:  # said above the headings, which those rows do not have
                styles[name] = {**styles[name], "times": unit.times, "money": unit.currency}
        return {KEY: {"delimiter": delimiter, "columns": [(plan.columns[name], name, dict(style)) for name, style in styles.items()]}}

    @classmethod
    def of(cls, ctx: Context, record: Row) -> AsRead:
        """What is kept with an import; nothing of earlier versions, and of fields and kinds of records that are no more."""
        kept, entity = json.loads(str(record["wish"] or "{}")).get(KEY, {}), str(record["entity"])
        fields, delimiter = ctx.as_system().records(entity).fields() if ctx.offers(entity) else {}, str(kept.get("delimiter") or ",")
        columns = {at: (fields[name], style) for at, name, style in kept.get("columns", ()) if name in fields}
        return cls(delimiter if delimiter in _DELIMITERS else ",", columns)

    def plainly(self, cells: Sequence[str]) -> list[str]:
        """A row whose numbers and dates mean in any file what they meant in this one; what could not be read stays as it was."""
        return [_plain(cell, *self.columns[at]) if at in self.columns else cell for at, cell in enumerate(cells)]


def _plain(cell: str, field: Field, style: Mapping[str, str]) -> str:
    if isinstance(field, _NUMBERS):
        number = _number(cell, style.get("decimal", "."), whole=isinstance(field, IntegerField))
        return Unit(style["times"], style["money"]).given([number], money=True)[0] if "times" in style else number
    value = field.read([cell], style).values[0]
    return cell if value is None else field.format(value)


def _number(cell: str, decimal: str, *, whole: bool) -> str:
    """A number with a point before its fraction and no other mark; three digits behind it, which might be thousands, become four."""
    try:
        digits = parts_of(without_each(cell.strip()))[1]
    except FlawError:
        return cell
    read, text = readings(digits, whole=whole), unicodedata.normalize("NFKC", cell)
    meant = read.get(decimal) if decimal != "?" else next(iter(read.values())) if len({*read.values()}) == 1 else None
    if meant is None or digits not in text:
        return cell
    return text.replace(digits, f"{meant}0" if len(meant.partition(".")[2]) == 3 else meant, 1)
