"""Numbers, money, dates and instants as people write them in their language (CLDR, by Babel)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import lru_cache, partial
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton, format_time, format_timedelta
from babel.numbers import format_currency, format_decimal, format_percent, get_decimal_symbol, get_group_symbol

from sdk import Context, _
from sdk.counting import counted
from sdk.fields import Money

_REGION: ContextVar[str] = ContextVar("region", default="")
_PERIOD = re.compile(r"(?P<fiscal>FY)?(?P<year>(?!0000)\d{4})(?:-(?:Q(?P<quarter>[1-4])|(?P<month>0[1-9]|1[0-2])))?", re.ASCII)
_AGO = re.compile(r"^(\d+)")


@contextmanager
def as_read_in(region: str) -> Iterator[None]:
    """Numbers and days of what is drawn inside are written as in this region (`de_DE`), whatever its language; "" is as the language has them."""
    before = _REGION.set(region)
    try:
        yield
    finally:
        _REGION.reset(before)


@lru_cache(maxsize=64)
def _locale(name: str) -> Locale:
    return Locale.parse(name)


# A page of a list has hundreds of days and amounts, and the same ones again and again: CLDR's pattern is worked out once for each.


@lru_cache(maxsize=5_000)
def _dated(locale: str, value: date, length: str = "medium") -> str:
    return format_date(value, length, locale=_locale(locale))


@lru_cache(maxsize=5_000)
def _at(locale: str, value: time) -> str:
    return format_time(value, "short", locale=_locale(locale))


@lru_cache(maxsize=64)
def _both(locale: str) -> str:
    return str(_locale(locale).datetime_formats["medium"])


@lru_cache(maxsize=5_000)
def _priced(locale: str, amount: str, currency: str) -> str:
    return format_currency(Decimal(amount), currency, locale=_locale(locale))


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def number(locale: str, value: object) -> str:
    """1234.5 as 1,234.5; "" for None, and what is no number as it is."""
    exact = _exact(value)
    return _text(value) if exact is None else format_decimal(exact, locale=_locale(locale), decimal_quantization=False)


def percent(locale: str, value: object) -> str:
    """25.5, a share of a hundred, as 25.5%."""
    exact = _exact(value)
    return _text(value) if exact is None else format_percent(exact / 100, locale=_locale(locale), decimal_quantization=False)


def money(locale: str, value: object) -> str:
    """{"amount": "10.00", "currency": "CNY"} as ¥10.00; an amount of no currency as a number."""
    if not isinstance(value, Mapping):
        return number(locale, value)
    amount, currency = _exact(value.get("amount")), value.get("currency")
    if amount is None:
        return ""
    return _priced(locale, str(amount), str(currency)) if currency else number(locale, amount)


def day(locale: str, value: object, length: str = "medium") -> str:
    """A date, or its ISO text, as 3 May 2026."""
    found = date.fromisoformat(value[:10]) if isinstance(value, str) and value else value
    return _dated(locale, date(found.year, found.month, found.day), length) if isinstance(found, date) else _text(value)


def instant(locale: str, value: object, zone: str, length: str = "medium") -> str:
    """An instant, or its ISO text, in a time zone; a short one has its day as `day` writes it, and no seconds; `day` is that alone."""
    found = datetime.fromisoformat(value) if isinstance(value, str) and value else value
    if not isinstance(found, datetime):
        return _text(value)
    try:
        there = found.astimezone(_zone(zone))
    except OverflowError:  # the last day that there is has no day after it, wherever one is
        there = found
    if length == "day":
        return _dated(locale, there.date())
    if length == "short":
        date_, time_ = _dated(locale, there.date()), _at(locale, time(there.hour, there.minute))
        return _both(locale).replace("{1}", date_).replace("{0}", time_)
    return format_datetime(there, length, tzinfo=there.tzinfo, locale=_locale(locale))


def period(ctx: Context, written: str) -> str:
    """A month, quarter or year as people read it: 2026-01 as Jan 2026, FY2027-Q1 as Q1 FY2027; what is none of them as it stands."""
    found = _PERIOD.fullmatch(written)
    if found is None:
        return written
    year, quarter, month = found["year"], found["quarter"], found["month"]
    if found["fiscal"]:  # which no standard has
        return ctx.say(_("Q{quarter} FY{year}") if quarter else _("FY{year}"), {"quarter": quarter, "year": year})
    first = date(int(year), int(month or int(quarter or 1) * 3), 1)
    return str(format_skeleton("yMMM" if month else "yQQQ" if quarter else "y", first, locale=_locale(ctx.locale)))


def clock(locale: str, value: object) -> str:
    """A time of day, or its ISO text, as 2:30 PM; two with a dash between them are from one to the other, and what is no time stays as it is."""
    return "–".join(_clock(locale, one) for one in str(value).split("–")) if value else ""


def _clock(locale: str, value: str) -> str:
    try:
        return _at(locale, time.fromisoformat(value))
    except ValueError:
        return value


def ago(locale: str, value: object, now: datetime) -> str:
    """An instant by its distance from now: 3 hours ago."""
    found = datetime.fromisoformat(value) if isinstance(value, str) and value else value
    if not isinstance(found, datetime):
        return _text(value)
    said = format_timedelta(found.astimezone(UTC) - now, add_direction=True, locale=_locale(locale))
    # CLDR has 27秒钟前; beside other numbers with their units it reads 27 秒前.
    return _AGO.sub(r"\1 ", said.replace("秒钟", "秒")) if locale.startswith("zh") else said


def chart_marks() -> Mapping[str, object] | None:
    """The marks of numbers as d3-format takes them, where the reader has chosen a region."""
    if not (region := _REGION.get()):
        return None
    return {"decimal": get_decimal_symbol(region), "thousands": get_group_symbol(region), "grouping": [3], "currency": ["", ""]}


def filters(locale: str) -> dict[str, Callable[..., object]]:
    """All of them in one language, as filters of templates; with the marks of the reader's region where nothing is in words."""

    def marked(one: Callable[..., str]) -> Callable[..., str]:
        def written(*given: object, **more: object) -> str:
            return one(_REGION.get() or locale, *given, **more)

        return written

    def dated(value: object, length: str = "medium") -> str:
        return day((length == "medium" and _REGION.get()) or locale, value, length)

    said: dict[str, Callable[..., object]] = {one.__name__: marked(one) for one in (number, percent, money, instant, clock)}
    return {**said, "day": dated, "ago": partial(ago, locale), "counted": partial(counted, locale=locale)}


def written(locale: str, value: date | datetime | time | Decimal | int | Money, zone: str) -> str:
    """A day, an instant in a time zone, a time of day, a number or an amount as the filters of templates write it."""
    if isinstance(value, datetime):
        return instant(_REGION.get() or locale, value, zone, "short")
    if isinstance(value, time):
        return clock(_REGION.get() or locale, value)
    if isinstance(value, Money):
        return money(_REGION.get() or locale, {"amount": value.amount, "currency": value.currency})
    return day(_REGION.get() or locale, value) if isinstance(value, date) else number(_REGION.get() or locale, value)


def _exact(value: object) -> Decimal | None:
    try:
        return None if value is None or value == "" else Decimal(str(value))
    except InvalidOperation:
        return None


def _text(value: object) -> str:
    return "" if value is None else str(value)
