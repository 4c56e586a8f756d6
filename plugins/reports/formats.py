"""Numbers and days as their reader writes them; what programs read stays as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_decimal, get_decimal_symbol, get_group_symbol

from sdk import Context

FIELD = "company.formats"
"""The field of a user that says so, where the tenant has the plugin that adds it."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_NUMBER = re.compile(r"-?\d+(\.\d+)?\Z", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T[\d:.]+Z\Z", re.ASCII)
_MEASURED = ("sum:", "avg:", "min:", "max:")


@dataclass(frozen=True)
class Formats:
    """A region's way to write, by its CLDR name (`de_DE`); "" writes as programs read. Instants are told in a zone."""

    region: str = ""
    zone: str = "UTC"

    @property
    def delimiter(self) -> str:
        """Between the cells of a file: where the comma is in the numbers, spreadsheets expect the semicolon."""
        return ";" if self.region and get_decimal_symbol(self.region) == "," else ","

    def number(self, value: Decimal | int, places: int | None = None) -> str:
        """`1.234,56`; with `places`, as many digits behind the mark."""
        if places is not None:
            value = Decimal(value).quantize(Decimal(1).scaleb(-places))
        if not self.region:
            return f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"
        least = -int(value.as_tuple().exponent) if isinstance(value, Decimal) else 0
        return str(format_decimal(value, format=f"#,##0.{'0' * least}" if least > 0 else "#,##0", locale=self.region))

    def day(self, value: date) -> str:
        """`31.12.2026`."""
        return str(format_date(value, format="medium", locale=self.region)) if self.region else value.isoformat()

    def instant(self, value: datetime) -> str:
        """`31.12.2026, 09:30`."""
        local = self.local(value)
        if not self.region:
            return local.isoformat(" ", "minutes")
        both = str(Locale.parse(self.region).datetime_formats["medium"])  # a day with all digits of its year, a time without seconds
        return both.replace("{1}", self.day(local)).replace("{0}", str(format_time(local, format="short", locale=self.region)))

    def local(self, value: datetime) -> datetime:
        """As the clock on the wall has it, which is all that a cell of a workbook can hold."""
        return value.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)

    def cell(self, word: str, value: object) -> object:
        """A cell of a file for people, by the word of its column: days and numbers written out, text as it stands."""
        typed = typed_cell(word, value)
        if not self.region or isinstance(typed, bool):
            return value
        if isinstance(typed, Decimal | int):
            return self.number(typed)
        if isinstance(typed, datetime):
            return self.instant(typed)
        return self.day(typed) if isinstance(typed, date) else value

    @property
    def for_charts(self) -> Mapping[str, object]:
        """The marks of numbers as d3-format takes them."""
        return {
            "decimal": get_decimal_symbol(self.region),
            "thousands": get_group_symbol(self.region),
            "grouping": [3],
            "currency": ["", ""],
        }


def typed_cell(word: str, value: object) -> object:
    """A day as a date, of measures a number in words as a number and an instant as one: the JSON of a report has them as text."""
    if isinstance(value, str) and _DAY.match(value):
        return date.fromisoformat(value)
    if isinstance(value, str) and word.startswith(_MEASURED):
        if _NUMBER.match(value):
            return Decimal(value)
        if _INSTANT.match(value):
            return datetime.fromisoformat(value)
    return value


def of_reader(ctx: Context) -> Formats:
    """As the actor wants it; as programs read where nobody said so."""
    zone = ctx.zone
    if ctx.actor.user_id is None:
        return Formats(zone=zone)
    users = ctx.as_system().records("core.user")
    row = users.values([ctx.actor.user_id]).get(ctx.actor.user_id, {})
    return Formats(str(row.get(FIELD) or "").replace("-", "_"), zone)
