"""Dates, which never shift, and instants, which are UTC."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.orm import MappedColumn

from sdk.columns import UtcDateTime
from sdk.fields.base import Cells, Field, FlawError, Parsed, ReportRole, column, wrong_type
from sdk.text import Text, _

_READ = frozenset({date, type(None)})
_ORDERED = ("eq", "ne", "in", "gt", "gte", "lt", "lte", "empty")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_PARTS = re.compile(r"(\d{1,4})[-/.年](\d{1,2})[-/.月](\d{1,4})日?\Z", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})\Z", re.ASCII)


def date_of(cell: str, order: str) -> date:
    """A written date; `order` is ymd, mdy or dmy. Raises FlawError for a date that does not exist."""
    parts = _PARTS.match(cell)
    if parts is None:
        raise FlawError("malformed", _("expected a date such as 2026-01-31"))
    numbers = [int(part) for part in parts.groups()]
    if len(parts[1]) == 4:
        year, month, day = numbers
    elif order in ("mdy", "dmy") and len(parts[3]) == 4:
        month, day, year = numbers if order == "mdy" else (numbers[1], numbers[0], numbers[2])
    else:
        raise FlawError("ambiguous_date", _("cannot tell day from month here; write 2026-01-31, or name the order"))
    try:
        return date(year, month, day)
    except ValueError as failure:
        raise FlawError("no_such_date", _("there is no such date")) from failure


def date_orders(cell: str) -> set[str]:
    """Which orders a written date allows, for a decision over a whole column; empty for text that is no date."""
    parts = _PARTS.match(cell)
    if parts is None:
        return set()
    if len(parts[1]) == 4:
        return {"ymd", "mdy", "dmy"}
    first, second = int(parts[1]), int(parts[2])
    return ({"mdy"} if first <= 12 else set()) | ({"dmy"} if second <= 12 else set())


@dataclass(frozen=True, kw_only=True)
class DateField(Field):
    kind: ClassVar[str] = "date"
    operators: ClassVar[tuple[str, ...]] = _ORDERED
    role: ClassVar[ReportRole] = ReportRole.DIMENSION
    widget: ClassVar[str] = "date"

    def column_type(self) -> sa.types.TypeEngine[Any]:
        return sa.Date()

    def check(self, cell: object) -> object:
        if isinstance(cell, date) and not isinstance(cell, datetime):
            return cell
        if not isinstance(cell, str):
            raise wrong_type(_("a date such as 2026-01-31"), cell)
        if not _ISO_DATE.match(cell):
            raise FlawError("malformed", _("expected a date such as 2026-01-31"))
        return date_of(cell, "ymd")

    def parse(self, cells: Cells) -> Parsed:
        """The same as `check` cell by cell; what has been read before, from a file, is as it is to be."""
        whole = type(self).check is DateField.check and _READ.issuperset(map(type, cells))
        return Parsed(list(cells), []) if whole else super().parse(cells)

    def read_cell(self, cell: str, style: Mapping[str, str]) -> object:
        if len(cell) == 10 and cell[4] == cell[7] == "-":
            with suppress(ValueError):  # what is wrong with it is said below
                return date.fromisoformat(cell)
        return date_of(cell.partition(" ")[0], style.get("date_order", ""))

    def format(self, value: object) -> str:
        return value.isoformat() if isinstance(value, date) else ""

    def write(self, values: Sequence[object]) -> list[str]:
        return [value.isoformat() if isinstance(value, date) else "" for value in values]

    def json_schema(self) -> dict[str, object]:
        return {"type": "string", "format": "date"}


@dataclass(frozen=True, kw_only=True)
class DateTimeField(Field):
    """An instant in RFC 3339 with its offset; stored and shown on the wire in UTC."""

    kind: ClassVar[str] = "datetime"
    operators: ClassVar[tuple[str, ...]] = _ORDERED
    role: ClassVar[ReportRole] = ReportRole.DIMENSION
    widget: ClassVar[str] = "datetime"

    def column_type(self) -> sa.types.TypeEngine[Any]:
        return UtcDateTime()

    def check(self, cell: object) -> object:
        if isinstance(cell, datetime) and cell.tzinfo is not None:
            return cell.astimezone(UTC)
        if not isinstance(cell, str):
            raise wrong_type(_("an instant such as 2026-01-31T09:30:00Z"), cell)
        if not _INSTANT.match(cell):
            raise FlawError("malformed", _("expected an instant such as 2026-01-31T09:30:00Z"))
        try:
            return datetime.fromisoformat(cell.upper()).astimezone(UTC)
        except (ValueError, OverflowError) as failure:
            raise FlawError("no_such_instant", _("there is no such instant")) from failure

    def wire(self, *cells: str) -> str:
        return cells[0]

    def format(self, value: object) -> str:
        return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else ""

    def json_schema(self) -> dict[str, object]:
        return {"type": "string", "format": "date-time"}


def on(label: Text, *, required: bool = False, track: bool = False, readonly: bool = False,
       index: bool = False, personal: bool = False) -> MappedColumn[Any]:  # fmt: skip
    """A date without a time: it is the same date in every zone."""
    return column(DateField(label=label, required=required, track=track, readonly=readonly, index=index, personal=personal))


def at(label: Text, *, required: bool = False, track: bool = False, readonly: bool = False,
       index: bool = False) -> MappedColumn[Any]:  # fmt: skip
    """An instant, kept in UTC."""
    return column(DateTimeField(label=label, required=required, track=track, readonly=readonly, index=index))
