"""What formulas can do with values: each operation in Python and as SQL for PostgreSQL, side by side.

Numbers are exact: in Python Decimals of as many digits as it takes, on PostgreSQL NUMERIC. A date is its number of days, the first of January
of year 1 being 1; an instant is text in UTC that sorts, or a timestamp. Nothing in, nothing out: an operation sees no None.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from core.data.local_time import PLACES

EXACT = Context(prec=12_000, rounding=ROUND_HALF_UP, Emin=MIN_EMIN, Emax=MAX_EMAX)
DIGITS = 12
"""Behind the point of a quotient; further ones are cut off."""
FIRST_DAY, LAST_DAY = date.min.toordinal(), date.max.toordinal()
_DAY = f"(DATE '0001-01-01' + (least(greatest({{0}}, 1), {LAST_DAY}) - 1)::int)"
_BLANK = " \t\n\r"
_LOW, _HIGH = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Operation:
    """`sql` has its arguments in order, each once or guarded, and `{value}` for what is fixed in the expression."""

    sql: str
    python: Callable[..., Any]


def rounded(number: Decimal, digits: int, rounding: str = ROUND_HALF_UP) -> Decimal:
    """Exactly, half away from zero if not told otherwise; never a negative zero."""
    made = number.quantize(Decimal(1).scaleb(-digits), rounding, EXACT)
    return made if made else abs(made)


def _quotient(one: Decimal, other: Decimal) -> Decimal | None:
    return EXACT.divide_int(one.scaleb(DIGITS, EXACT), other).scaleb(-DIGITS, EXACT) if other else None


def _remainder(one: Decimal, other: Decimal) -> Decimal | None:
    return EXACT.remainder(one, other) if other else None


def written(number: Decimal) -> str:
    """As text without zeros at the end."""
    text = f"{rounded(number, DIGITS):f}"
    return text.rstrip("0").rstrip(".")


def _part_of_day(take: Callable[[date], int]) -> Callable[[Decimal], Decimal | None]:
    return lambda day: Decimal(take(date.fromordinal(int(day)))) if FIRST_DAY <= day <= LAST_DAY else None


def _written_day(day: Decimal) -> str | None:
    return date.fromordinal(int(day)).isoformat() if FIRST_DAY <= day <= LAST_DAY else None


def _day_of(instant: str, zone: str) -> Decimal:
    moment = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    try:
        return Decimal(moment.astimezone(ZoneInfo(zone)).date().toordinal())
    except OverflowError:  # the last hours of year 9999, east of Greenwich, or the first of year 1, west of it
        return Decimal(LAST_DAY + 1 if moment.year > 1 else FIRST_DAY - 1)


def _cut(text: str, value: str) -> str | None:
    start, _comma, end = value.partition(",")
    last = int(end) if end else len(text)
    return text[int(start) : last] if int(start) <= last <= len(text) else None


def _on_day(sql: str) -> str:
    return f"CASE WHEN {{0}} BETWEEN 1 AND {LAST_DAY} THEN {sql} END"


def _zone() -> str:
    places = " ".join(f"WHEN {name} THEN {place}" for name, place in PLACES.items())
    return f"CASE {{1}} {places} ELSE {{1}} END"


def _compared(word: str, collate: str = "") -> str:
    return f"({{0}}{collate} {word} {{1}})"


_COMPARE: dict[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "==": ("=", lambda a, b: a == b), "!=": ("<>", lambda a, b: a != b), "<": ("<", lambda a, b: a < b),
    "<=": ("<=", lambda a, b: a <= b), ">": (">", lambda a, b: a > b), ">=": (">=", lambda a, b: a >= b),
}  # fmt: skip

OPERATIONS: dict[str, Operation] = {
    "add": Operation("({0} + {1})", EXACT.add),
    "subtract": Operation("({0} - {1})", EXACT.subtract),
    "multiply": Operation("({0} * {1})", EXACT.multiply),
    "divide": Operation(f"(div({{0}} * {10**DIGITS}, nullif({{1}}, 0)) * {Decimal(10) ** -DIGITS:f})", _quotient),
    "remainder": Operation("mod({0}, nullif({1}, 0))", _remainder),
    "negate": Operation("(- {0})", EXACT.minus),
    "abs": Operation("abs({0})", EXACT.abs),
    "floor": Operation("floor({0})", lambda a: rounded(a, 0, ROUND_FLOOR)),
    "ceil": Operation("ceil({0})", lambda a: rounded(a, 0, ROUND_CEILING)),
    "trunc": Operation("trunc({0})", lambda a: rounded(a, 0, ROUND_DOWN)),
    "round": Operation("round({0}, {value})", lambda a, value: rounded(a, int(value))),
    "written_number": Operation(f"trim_scale(round({{0}}, {DIGITS}))::text", written),
    "written_boolean": Operation("CASE {0} WHEN true THEN 'true' WHEN false THEN 'false' END", lambda a: "true" if a else "false"),
    "written_date": Operation(_on_day(f"to_char({_DAY}, 'YYYY-MM-DD')"), _written_day),
    "join": Operation("({0} || {1})", lambda a, b: a + b),
    "size": Operation("char_length({0})::numeric", lambda a: Decimal(len(a))),
    "contains": Operation("(position({1} in {0}) > 0)", lambda a, b: b in a),
    "startsWith": Operation("starts_with({0}, {1})", lambda a, b: a.startswith(b)),
    "endsWith": Operation("(right({0}, char_length({1})) = {1})", lambda a, b: a.endswith(b)),
    "lowerAscii": Operation(f"translate({{0}}, '{_HIGH}', '{_LOW}')", lambda a: a.translate(str.maketrans(_HIGH, _LOW))),
    "upperAscii": Operation(f"translate({{0}}, '{_LOW}', '{_HIGH}')", lambda a: a.translate(str.maketrans(_LOW, _HIGH))),
    "trim": Operation("btrim({0}, E' \\t\\n\\r')", lambda a: a.strip(_BLANK)),
    "substring": Operation("CASE WHEN char_length({0}) >= {last} THEN substr({0}, {first}{length}) END", _cut),
    "getFullYear": Operation(_on_day(f"extract(year from {_DAY})::numeric"), _part_of_day(lambda day: day.year)),
    "getMonth": Operation(_on_day(f"(extract(month from {_DAY}) - 1)::numeric"), _part_of_day(lambda day: day.month - 1)),
    "getDate": Operation(_on_day(f"extract(day from {_DAY})::numeric"), _part_of_day(lambda day: day.day)),
    "getDayOfWeek": Operation(_on_day(f"extract(dow from {_DAY})::numeric"), _part_of_day(lambda day: day.isoweekday() % 7)),
    "later": Operation("({0} + trunc({1}))", lambda a, b: EXACT.add(a, rounded(b, 0, ROUND_DOWN))),
    "earlier": Operation("({0} - trunc({1}))", lambda a, b: EXACT.subtract(a, rounded(b, 0, ROUND_DOWN))),
    "day_of": Operation(f"(timezone({_zone()}, {{0}})::date - DATE '0001-01-01' + 1)::numeric", _day_of),
    "not": Operation("(NOT {0})", lambda a: not a),
    **{f"compare{word}": Operation(_compared(sql), check) for word, (sql, check) in _COMPARE.items()},
    **{f"order{word}": Operation(_compared(sql, ' COLLATE "C"'), check) for word, (sql, check) in _COMPARE.items()},
}  # fmt: skip
"""The operations over plain values; those over money, and those that look at what is missing, stand with their evaluators."""
COMPARISONS = {word: check for word, (_sql, check) in _COMPARE.items()}
SQL_WORDS = {word: sql for word, (sql, _check) in _COMPARE.items()}
