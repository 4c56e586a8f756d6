"""Numbers of a file that does not tell what their formats show beside them: of each column that may mean something else the first is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation

from plugins.import_export.files import Sheet
from sdk import Problem, _
from sdk.fields import DecimalField, Field, MoneyField, TextField

SHARE = _(
    "this kind of file doesn’t tell percent formats: {value} was read as {value} %; if the file shows {shown} %, correct it or save it as XLSX"
)
ZEROS = _("this kind of file doesn’t tell leading zeros: if the file shows more digits than {value}, correct it or save it as XLSX")
CURRENCY = _(
    "this kind of file doesn’t tell currency formats: {value} was read in {currency}; map a column to the currency if that’s wrong"
)


class Bare:
    """Is shown every row of such a sheet."""

    def __init__(
        self, fields: Mapping[str, Field], columns: Mapping[str, int], currencies: Mapping[str, int], sheet: Sheet, own: str
    ) -> None:
        self._own, self._zeros = own, set[str]()
        there = {name: (at, fields[name]) for name, at in columns.items() if sheet.bare and name not in currencies}
        self._columns = {name: one for name, one in there.items() if _may_be_more(one[1])}
        self._first: dict[str, tuple[int, Problem]] = {}

    def see(self, number: int, cells: Sequence[str]) -> None:
        """Take account of a row."""
        for name, (at, field) in self._columns.items():
            if at < len(cells) and (cell := cells[at].strip()):
                if cell.isdecimal() and cell[0] == "0" and len(cell) > 1:
                    self._zeros.add(name)  # the column has its zeros: its cells are text
                if name not in self._first and (problem := self._problem(name, field, cell)) is not None:
                    self._first[name] = number, problem

    def _problem(self, name: str, field: Field, cell: str) -> Problem | None:
        if isinstance(field, TextField):
            return Problem(name, "zeros_unknown", ZEROS, {"value": cell}) if cell.isdecimal() and len(cell) > 1 else None
        try:
            value = Decimal(cell)
        except InvalidOperation:
            return None
        if isinstance(field, MoneyField):
            return Problem(name, "currency_unknown", CURRENCY, {"value": cell, "currency": self._own}) if value else None
        shown = {"value": cell, "shown": f"{(value * 100).normalize():f}"}
        return Problem(name, "percent_unknown", SHARE, shown) if 0 < abs(value) <= 1 else None

    def told(self) -> dict[int, list[Problem]]:
        """What is told of which rows."""
        found = dict[int, list[Problem]]()
        for name, (number, problem) in self._first.items():
            if name not in self._zeros:
                found.setdefault(number, []).append(problem)
        return found


def _may_be_more(field: Field) -> bool:
    return isinstance(field, MoneyField | TextField) or (isinstance(field, DecimalField) and field.percent)
