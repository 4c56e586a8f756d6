"""How dates and numbers are written in a file: found out over whole columns, asked for where a column allows two ways, never guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from plugins.import_export.files import Sheet
from plugins.import_export.mapping.words import zone_of
from plugins.import_export.nothing import NO_DATES
from sdk import Text, _
from sdk.fields import (
    DateField,
    DateTimeField,
    DecimalField,
    Field,
    FlawError,
    IntegerField,
    MoneyField,
    date_orders,
    day_and_time,
    readings,
    split_offset,
    year_is_short,
)
from sdk.fields.money import without_each
from sdk.fields.time import counted_on, date_of

ORDERS = ("ymd", "mdy", "dmy")
NUMBERS = {"point": ".", "comma": ","}
"""What stands before the fraction of a number."""
YEARS = r"((18|19|20)\d\d)?\Z"
_EXAMPLES = 5
_FIRST = 3
"""Rows of a column that are told that their numbers were taken for days."""
_PLAIN = re.compile(r"-?\d+(\.\d+)?\Z", re.ASCII)
_CENTURY = "1950"


@dataclass(frozen=True)
class Said:
    """What a person has said of the file's dates and numbers; "": find it out."""

    dates: str = ""
    numbers: str = ""
    years: str = ""
    """The first year that a year of two digits may mean, such as 1950."""


@dataclass
class Column:
    """What has been seen of one column."""

    of: Field
    orders: set[str] = field(default_factory=lambda: set(ORDERS))
    signs: set[str] = field(default_factory=lambda: set(NUMBERS.values()))
    short_years: list[str] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)
    """Cells that may mean two things."""
    counted: int = 0
    """How many cells are days as spreadsheets count them."""
    first_counted: list[int] = field(default_factory=list)
    """The rows in which the first of these stand."""

    def see_date(self, cell: str, number: int) -> None:
        """Take account of a date; what is none is said when it is read."""
        if cell[:5].isdecimal() and counted_on(cell) is not None:
            self.counted += 1
            if len(self.first_counted) < _FIRST:
                self.first_counted.append(number)
            return
        if (cell[4:5] in "-/." and cell[:4].isdecimal()) or cell in NO_DATES:
            return
        day = day_and_time(split_offset(cell)[0])[0]
        allowed = date_orders(day)
        if not allowed and year_is_short(day):  # its month is written as a word
            self._keep(self.short_years, cell)
        if not allowed or (len(allowed) == len(ORDERS) and not year_is_short(day)):
            return
        self.orders &= allowed
        if year_is_short(day):
            self._keep(self.short_years, cell)
        if len(allowed) > 1:
            self._keep(self.examples, cell)

    def see_number(self, cell: str) -> None:
        """Take account of a number; what is none is said when it is read."""
        if cell.isdecimal() or ("," not in self.signs and _PLAIN.match(cell)):
            return
        read = readings(without_each(cell) if isinstance(self.of, MoneyField) else cell, whole=isinstance(self.of, IntegerField))
        if not read or len(set(read.values())) == 1 < len(read):
            return
        self.signs &= read.keys()
        if len(read) > 1:
            self._keep(self.examples, cell)

    @staticmethod
    def _keep(cells: list[str], cell: str) -> None:
        if len(cells) < _EXAMPLES and cell not in cells:
            cells.append(cell)


@dataclass(frozen=True)
class Question:
    """What a column leaves open: `choices` by what they are named, each with what the first example would be."""

    name: str
    asked: str
    """What answers it: dates, numbers or years."""
    examples: tuple[str, ...]
    readings: Mapping[str, str]

    @property
    def message(self) -> Text:
        """The question with two readings of an example."""
        return _("{example!r} may be {first} or {second}")

    @property
    def params(self) -> dict[str, str]:
        """What fills the braces of the message."""
        first, second, *_others = self.readings.values()
        return {"example": self.examples[0], "first": first, "second": second}


class Styles:
    """The styles of a sheet's columns, by field; show it every row, then ask."""

    def __init__(self, fields: Mapping[str, Field], columns: Mapping[str, int], sheet: Sheet, said: Said, zone: str, currency: str) -> None:
        self._sheet, self._said, self._zone, self._currency = sheet, said, zone, currency
        self._kinds = {name: fields[name] for name in columns}
        self._zones = {name: zone_of(sheet.headings[at]) for name, at in columns.items() if at < len(sheet.headings)}
        self._dates = self._of(columns, DateField | DateTimeField)
        self._numbers = [] if said.numbers and not sheet.exact else self._of(columns, IntegerField | DecimalField | MoneyField)

    def _of(self, columns: Mapping[str, int], kinds: object) -> list[tuple[str, int, Column]]:
        return [(name, at, Column(self._kinds[name])) for name, at in columns.items() if isinstance(self._kinds[name], kinds)]  # type: ignore[arg-type]

    def see(self, rows: Sequence[tuple[int, Sequence[str]]]) -> None:
        """Take account of rows, by their numbers."""
        for _name, at, column in self._dates:
            for number, cells in rows:
                if at < len(cells) and (cell := cells[at].strip()):
                    column.see_date(cell, number)
        for _name, at, column in self._numbers:
            for _number, cells in rows:
                if at < len(cells) and (cell := cells[at].strip()) and (not self._sheet.exact or "," in cell):
                    column.see_number(cell)

    def see_all(self, rows: Iterable[Sequence[str]]) -> Styles:
        """Take account of rows whose numbers do not matter."""
        self.see([(0, cells) for cells in rows])
        return self

    def found(self) -> dict[str, dict[str, str]]:
        """How each column is read (`Field.read`); a cell that stays open is a flaw there."""
        styles: dict[str, dict[str, str]] = {name: {} for name in self._kinds}
        for name, kind in self._kinds.items():
            if isinstance(kind, DateTimeField):
                styles[name]["zone"] = self._zones.get(name) or self._zone
            if isinstance(kind, DateField | DateTimeField):
                said = (("date_order", self._said.dates), ("century", self._said.years), ("since", self._sheet.since))
                styles[name] |= {key: word for key, word in said if word}
            if isinstance(kind, MoneyField):
                styles[name]["currency"] = self._currency
            if self._said.numbers and not self._sheet.exact and isinstance(kind, IntegerField | DecimalField | MoneyField):
                styles[name]["decimal"] = NUMBERS[self._said.numbers]
        for name, _at, column in self._dates:
            if len(column.orders) == 1:
                styles[name].setdefault("date_order", *column.orders)
        for name, _at, column in self._numbers:
            styles[name]["decimal"] = self._sign(column)
        return styles

    def counted(self) -> dict[int, dict[str, int]]:
        """By row and field how often numbers of such a column were taken for days, for the first rows that have one."""
        found = dict[int, dict[str, int]]()
        for name, _at, column in self._dates:
            for number in column.first_counted:
                found.setdefault(number, {})[name] = column.counted
        return found

    def _sign(self, column: Column) -> str:
        if self._sheet.exact:  # numbers have a point there, and texts among them what people write
            return "." if "." in column.signs else "?"
        if len(column.signs) == 1:
            return next(iter(column.signs))
        if not column.signs:  # it contradicts itself: each cell counts for itself
            return "?"
        # Where commas part the cells, as programs write with a decimal point, a lone comma of a number marks thousands.
        return "?" if column.examples and self._sheet.delimiter != "," else "."

    def questions(self) -> Iterator[Question]:
        """What stays open."""
        for name, _at, column in self._dates:
            years = self._said.years or _CENTURY
            open_ = [cell for cell in column.examples if len(_days(cell, column.orders, years)) > 1]
            if not self._said.dates and len(column.orders) > 1 and open_:
                yield Question(name, "dates", tuple(open_), _days(open_[0], column.orders, years))
            elif not self._said.years and (short := [cell for cell in column.short_years if len(self._years(column, cell)) > 1]):
                yield Question(name, "years", tuple(short), self._years(column, short[0]))
        for name, _at, column in self._numbers:
            if self._sign(column) == "?" and column.examples and not self._sheet.exact:
                read = readings(without_each(column.examples[0]))
                yield Question(
                    name, "numbers", tuple(column.examples), {word: read[sign] for word, sign in NUMBERS.items() if sign in read}
                )

    def _years(self, column: Column, cell: str) -> dict[str, str]:
        order = self._said.dates or next((one for one in reversed(ORDERS) if one in column.orders), "")
        return {first: day for first in ("1900", "2000") for day in _days(cell, {order}, first).values()}


def _days(cell: str, orders: set[str], years: str) -> dict[str, str]:
    """What a written date is by each order in which it is one."""
    found: dict[str, str] = {}
    for order in sorted(orders):
        try:
            found[order] = date_of(day_and_time(split_offset(cell)[0])[0], order, years).isoformat()
        except FlawError:  # no such date in this order
            continue
    return found
