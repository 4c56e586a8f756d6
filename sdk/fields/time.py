"""Dates, which never shift, and instants, which are UTC."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, available_timezones

import sqlalchemy as sa

from sdk.columns import UtcDateTime
from sdk.fields.base import Cells, Field, FlawError, Mapped, Parsed, ReportRole, wrong_type
from sdk.fields.text import TextField
from sdk.text import Text, _

_READ = frozenset({date, type(None)})
_ORDERED = ("eq", "ne", "in", "gt", "gte", "lt", "lte", "empty")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_PARTS = re.compile(r"(\d{1,4}) ?[-/.年] ?(\d{1,2}) ?[-/.月] ?(\d{1,4}) ?日?\Z", re.ASCII)
_WORD = r"[^\W\d_]{3,10}"
_DAY_FIRST = re.compile(
    rf"(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th|er|\.)?[ -](?:de )?(?P<month>{_WORD})\.?,?[ -](?:de )?(?P<year>[0-9]{{4}}|[0-9]{{2}})\Z"
)
_MONTH_FIRST = re.compile(rf"(?P<month>{_WORD})\.? (?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?,? (?P<year>[0-9]{{4}}|[0-9]{{2}})\Z")
_WEEKDAY = re.compile(
    r"[ ,，]*\(?(?:星期|周|礼拜)[一二三四五六日天]\)?\Z"
    r"|\A(?:mon|tue|tues|wed|wednes|thu|thur|thurs|fri|sat|satur|sun)(?:day)?[,.]* +(?=[A-Za-z0-9])"
    r"|\A(?:montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|mo|di|mi|do|fr|sa|so)[,.]+ +(?=[0-9])"
    r"|\A(?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche),? +(?=[0-9])",
    re.IGNORECASE,
)
_REPUBLIC = re.compile(r"\A(?:中[华華])?民[国國] ?(\d{1,3}|元) ?年", re.ASCII)
"""The calendar of Taiwan, whose first year is 1912."""
_HAN = "〇一二三四五六七八九"
_HAN_NUMBER = rf"[一二三]?十[{_HAN[1:]}]?|[零〇一二三][零{_HAN}]|[{_HAN[1:]}]"
"""Counted (三十一), digit by digit (三一, 〇一), or one alone."""
_HAN_DATE = re.compile(rf"\A([零{_HAN}]{{4}})年({_HAN_NUMBER})月({_HAN_NUMBER})日?\Z")
_SERIAL = re.compile(r"(?P<days>[1-7]\d{4})(?P<of_day>\.\d+)?\Z", re.ASCII)
_FIRST_DAY, _LAST_SERIAL = date(1899, 12, 30), 73_050
"""What a spreadsheet counts the days of a date from where it has lost that they are one; up to the year 2099."""
_MONTH = re.compile(r"(?P<year>\d{4}) ?[-/.年] ?(?P<number>\d{1,2}) ?月?\Z|(?P<name>[A-Za-z]{3,9})\.? (?P<of>\d{4})\Z", re.ASCII)
_COMPACT = re.compile(r"(?:19|20)\d{6}\Z", re.ASCII)
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")
_OTHER_MONTHS = (
    "januar jänner janvier enero gennaio januari janeiro jän janv ene gen",
    "februar février febrero febbraio februari fevereiro févr fév fev",
    "märz maerz mars marzo maart março mär mrz mae",
    "avril abril aprile avr abr",
    "mai mayo maggio mei maio mag",
    "juni juin junio giugno junho giu",
    "juli juillet julio luglio julho juil lug",
    "août aout agosto augustus ago",
    "septembre septiembre settembre setembro sett set",
    "oktober octobre octubre ottobre outubro okt ott out",
    "novembre noviembre novembro",
    "dezember décembre diciembre dicembre december dezembro dez déc dic",
)
_MONTH_OF = {word: number for number, words in enumerate(_OTHER_MONTHS, 1) for word in words.split()} | {
    word: number for number, month in enumerate(_MONTHS, 1) for word in (month, month[:3], *(("sept",) if number == 9 else ()))
}
_WITH_TIME = re.compile(r"(?P<day>.*?\S),?[Tt ] ?(?P<time>\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?: ?[AaPp][Mm])?)(?: Uhr)?\Z", re.ASCII)
_HALVES = {"上午": " AM", "下午": " PM"}
_HALF_FIRST = re.compile(rf"({'|'.join(_HALVES)}) ?(\d{{1,2}}:\d{{2}}(?::\d{{2}})?)\Z", re.ASCII)
_OFFSET = re.compile(r"(?P<rest>.*\d:\d{2}(?::\d{2}(?:\.\d{1,9})?)?) ?(?P<offset>[Zz]|UTC|GMT|[+-]\d{2}(?::?\d{2})?)\Z", re.ASCII)
"""An instant with its offset in other forms than that of RFC 3339, such as +0000 or a space before it."""
_MIDNIGHT = re.compile(r"(?P<day>\d{4}-\d{2}-\d{2})[Tt]00:00:00(\.0+)?[Zz]\Z", re.ASCII)
"""What programs write that know no dates without a time; any other time is that of a place, and may be another day there."""
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})\Z", re.ASCII)


def date_of(cell: str, order: str, century: str = "", since: str = "") -> date:
    """A written date; `order` is ymd, mdy or dmy, `century` the first year that two digits may mean, `since` the first day that numbers count.

    Raises FlawError for what is no date, may be two, or does not exist.
    """
    parts = _PARTS.match(cell)
    if parts is None:
        return _exists(*_worded(cell, century)) if (counted := _counted(cell, since)) is None else counted.date()
    numbers = [int(part) for part in parts.groups()]
    if len(parts[1]) == 4:
        return _exists(*numbers)
    short = len(parts[3]) < 3
    if len(parts[1]) == 3 and parts[1][0] in "01" and short:  # no other calendar counts so: those of Taiwan, written without its name
        return _exists(1911 + numbers[0], *numbers[1:])
    if len(parts[1]) > 2 or len(parts[3]) == 3:
        raise FlawError("malformed", _("expected a date such as 2026-01-31"))
    if order not in ("mdy", "dmy") and not (short and order == "ymd"):
        raise FlawError("ambiguous_date", _("ambiguous day and month; write 2026-01-31, or specify the order"))
    year, month, day = (numbers[order.index(part)] for part in "ymd")
    return _exists(_full_year(year, century) if short else year, month, day)


def _worded(cell: str, century: str) -> tuple[int, int, int]:
    """Year, month and day of a date with the month's name, or of eight digits."""
    if _COMPACT.match(cell):
        return int(cell[:4]), int(cell[4:6]), int(cell[6:])
    parts = _DAY_FIRST.match(cell) or _MONTH_FIRST.match(cell)
    month = _MONTH_OF.get(parts["month"].lower()) if parts is not None else None
    if parts is None or month is None:
        raise FlawError("malformed", _("expected a date such as 2026-01-31"))
    year = int(parts["year"])
    return _full_year(year, century) if len(parts["year"]) == 2 else year, month, int(parts["day"])


def _counted(cell: str, since: str) -> datetime | None:
    """The instant, without a zone, that a spreadsheet has counted; None for what is no such number."""
    found = _SERIAL.match(cell)
    if found is None or int(found["days"]) > _LAST_SERIAL:
        return None
    seconds = round(float(found["of_day"] or 0) * 86_400)
    first = date.fromisoformat(since) if since else _FIRST_DAY
    return datetime.combine(first, time()) + timedelta(days=int(found["days"]), seconds=seconds)


def counted_on(cell: str, since: str = "") -> date | None:
    """The day that a number is where a spreadsheet has counted it, from its usual first day or another; None for any other cell."""
    found = _counted(cell, since)
    return None if found is None else found.date()


def _of_other_calendars(cell: str) -> str:
    """Years of the Republic as ours, and numbers that are written in words as numbers."""
    cell = _REPUBLIC.sub(lambda found: f"{1911 + (1 if found[1] == '元' else int(found[1]))}年", cell)
    if (found := _HAN_DATE.match(cell)) is None:
        return cell
    year, month, day = (part.replace("零", "〇") for part in found.groups())
    return f"{''.join(str(_HAN.index(sign)) for sign in year)}-{_han_number(month)}-{_han_number(day)}"


def _han_number(word: str) -> int:
    """一 to 三十九."""
    tens, ten, ones = word.partition("十")
    if not ten:
        return int("".join(str(_HAN.index(sign)) for sign in word))
    return _HAN.index(tens or "一") * 10 + _HAN.index(ones or "〇")


def _full_year(year: int, century: str) -> int:
    if not century:
        raise FlawError("ambiguous_year", _("ambiguous century of a two-digit year; write 2026-01-31, or specify the earliest year"))
    first = int(century)
    return first + (year - first) % 100


def _exists(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError as failure:
        raise FlawError("no_such_date", _("this date does not exist")) from failure


def date_orders(cell: str) -> set[str]:
    """Which orders a written date allows, for a decision over a whole column; empty for text that is no date."""
    parts = _PARTS.match(cell)
    if parts is None:
        return set()
    if len(parts[1]) == 4:
        return {"ymd", "mdy", "dmy"}
    first, second = int(parts[1]), int(parts[2])
    allowed = ({"mdy"} if first <= 12 and second <= 31 else set()) | ({"dmy"} if second <= 12 and first <= 31 else set())
    return allowed | ({"ymd"} if _short(parts) and second <= 12 and int(parts[3]) <= 31 else set())


def year_is_short(cell: str) -> bool:
    """Whether a written date has only two digits of its year."""
    if (parts := _PARTS.match(cell)) is not None:
        return _short(parts)
    worded = _DAY_FIRST.match(cell) or _MONTH_FIRST.match(cell)
    return worded is not None and len(worded["year"]) == 2


def _short(parts: re.Match[str]) -> bool:
    return len(parts[1]) < 3 and len(parts[3]) < 3


def day_and_time(cell: str) -> tuple[str, str]:
    """A written date, and the time behind it or ""; digits of full width become plain ones."""
    if cell[:1].isalpha():  # few are: what is asked of every cell costs
        cell = _WEEKDAY.sub("", cell)
    if not cell.isascii():
        cell = _of_other_calendars(_WEEKDAY.sub("", unicodedata.normalize("NFKC", cell)))
        cell = _HALF_FIRST.sub(lambda found: f"{found[2]}{_HALVES[found[1]]}", cell)
    parts = _WITH_TIME.match(cell)
    return (parts["day"], parts["time"]) if parts is not None else (cell, "")


def split_offset(cell: str) -> tuple[str, str]:
    """A written instant without its offset, and that as +08:00; "" where none is written."""
    parts = _OFFSET.match(cell)
    if parts is None:
        return cell, ""
    digits = parts["offset"][1:].replace(":", "") if parts["offset"][0] in "+-" else "00"
    return parts["rest"], f"{parts['offset'][0] if digits != '00' else '+'}{digits[:2]}:{digits[2:] or '00'}"


@dataclass(frozen=True, kw_only=True)
class DateField(Field):
    months: bool = False
    """Whether files may tell a month alone, which is its first day."""

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
        if cell[10:11] in "Tt" and (midnight := _MIDNIGHT.match(cell)) is not None:
            cell = midnight["day"]
        if self.months and (month := _MONTH.match(day_and_time(cell)[0])) is not None:
            return date_of(f"1 {month['name']} {month['of']}" if month["name"] else f"{month['year']}-{month['number']}-1", "")
        return date_of(day_and_time(cell)[0], style.get("date_order", ""), style.get("century", ""), style.get("since", ""))

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
            raise wrong_type(_("a time such as 2026-01-31T09:30:00Z"), cell)
        if not _INSTANT.match(cell):
            raise FlawError("malformed", _("expected a time such as 2026-01-31T09:30:00Z"))
        try:
            return datetime.fromisoformat(cell.upper()).astimezone(UTC)
        except (ValueError, OverflowError) as failure:
            raise FlawError("no_such_instant", _("this time does not exist")) from failure

    def read_cell(self, cell: str, style: Mapping[str, str]) -> object:
        """Also an instant without an offset, which is one of the column's `zone`, and one whose offset is written otherwise."""
        if not style.get("zone") or _INSTANT.match(cell):
            return self.check(cell)
        cell, offset = split_offset(cell)
        if (counted := _counted(cell, style.get("since", ""))) is not None:
            return counted.replace(tzinfo=ZoneInfo(style["zone"])).astimezone(UTC)
        day, clock = day_and_time(cell)
        written = date_of(day, style.get("date_order", ""), style.get("century", ""))
        try:
            local = datetime.combine(written, _clock(clock), None if offset else ZoneInfo(style["zone"]))
            return (datetime.fromisoformat(f"{local.isoformat()}{offset}") if offset else local).astimezone(UTC)
        except (ValueError, OverflowError) as failure:
            raise FlawError("no_such_instant", _("this time does not exist")) from failure

    def wire(self, *cells: str) -> str:
        return cells[0]

    def format(self, value: object) -> str:
        return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else ""

    def json_schema(self) -> dict[str, object]:
        return {"type": "string", "format": "date-time"}


@cache
def timezones() -> frozenset[str]:
    """The names of all zones that there are; read once, as that means many files. None that means what the machine is set to, nor no place at all."""
    return frozenset(available_timezones()) - {"Factory", "localtime"}


@dataclass(frozen=True, kw_only=True)
class TimezoneField(TextField):
    """The name of a time zone, as the IANA has it."""

    length: int = 60
    example: str = "Europe/Berlin"

    widget: ClassVar[str] = "timezone"

    def check(self, cell: object) -> object:
        checked = TextField.check(self, cell)
        if checked is not None and checked not in timezones():
            raise FlawError("unknown_timezone", _("unknown time zone {value!r}; expected for example Europe/Berlin"), value=checked)
        return checked


def timezone(label: Text) -> Mapped[Any]:
    """The name of a time zone, such as Europe/Berlin; pages offer all that there are."""
    return Mapped(TimezoneField(label=label))


def _clock(word: str) -> time:
    """A time of the day as written, noon and midnight by am and pm too; "" is midnight. Raises ValueError."""
    if not word:
        return time()
    half = word[-2:].lower() if word[-1].lower() == "m" else ""
    hour, colon, rest = word.removesuffix(word[-2:] if half else "").strip().partition(":")
    if half and not 1 <= int(hour) <= 12:
        raise ValueError(word)
    return time.fromisoformat(f"{int(hour) % 12 + (12 if half == 'pm' else 0) if half else int(hour):02}{colon}{rest}")


def on(label: Text, *, required: bool = False, track: bool = False, readonly: bool = False,
       index: bool = False, personal: bool = False, months: bool = False) -> Mapped[Any]:  # fmt: skip
    """A date without a time: it is the same date in every zone. `months`: where files tell a month, its first day is meant."""
    return Mapped(DateField(label=label, required=required, track=track, readonly=readonly, index=index, personal=personal, months=months))


def at(label: Text, *, required: bool = False, track: bool = False, readonly: bool = False,
       index: bool = False) -> Mapped[Any]:  # fmt: skip
    """An instant, kept in UTC."""
    return Mapped(DateTimeField(label=label, required=required, track=track, readonly=readonly, index=index))
