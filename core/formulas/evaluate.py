"""Formulas in Python: as SQLite asks for them, row by row, and as the rule by which PostgreSQL is tested."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeAlias

from core.formulas.operations import COMPARISONS, EXACT, FIRST_DAY, LAST_DAY, OPERATIONS, rounded
from core.formulas.program import Input, Kind, Node, Program, program_of
from sdk.columns import SCALE, limit_of
from sdk.fields.money import minor_units

Values: TypeAlias = "Sequence[Any]"
Run: TypeAlias = "Callable[[Values], Any]"
"""From the values of the inputs to the value of a node: a number is a Decimal, money a pair of amount and currency, a date a number of days."""
INTEGERS = 2**31 - 1
LONGEST_TEXT = 2_000
"""Characters of a result; what is longer is cut off."""


def value_of(program: Program, values: Values) -> Any:
    """The value of a formula, of its result's kind, None where it has none: money as a pair, a date as a number of days."""
    value = run_of(program.key)(values)
    return None if value is None else _RESULTS[program.result](value)


def _decimal(value: Decimal) -> Decimal | None:
    made = rounded(value, SCALE)
    return made if abs(made) < limit_of(SCALE) else None


def _integer(value: Decimal) -> int | None:
    made = rounded(value, 0)
    return int(made) if abs(made) <= INTEGERS else None


def _money(value: tuple[Decimal, str]) -> tuple[Decimal, str] | None:
    made = rounded(value[0], minor_units(value[1]))
    return (made, value[1]) if abs(made) < limit_of(SCALE) else None


def _date(value: Decimal) -> int | None:
    return int(value) if FIRST_DAY <= value <= LAST_DAY else None


def _text(value: str) -> str | None:
    return value[:LONGEST_TEXT] or None


def _as_it_is(value: Any) -> Any:
    return value


_RESULTS: dict[str, Callable[[Any], Any]] = {
    "integer": _integer, "decimal": _decimal, "money": _money, "date": _date, "text": _text, "boolean": _as_it_is,
}  # fmt: skip


@lru_cache(maxsize=2_000)
def run_of(key: str) -> Run:
    """What evaluates the program with this key."""
    program = program_of(key)
    return _run(program.root, {one.name: place for place, one in enumerate(program.inputs)})


def _run(node: Node, places: dict[str, int]) -> Run:
    args = [_run(one, places) for one in node.args]
    if node.op == "input":
        place = places[node.value]
        return lambda values: values[place]
    if node.op in _CONSTANTS:
        constant = _CONSTANTS[node.op](node.value)
        return lambda _values: constant
    if node.op in _LOOKING:
        return _LOOKING[node.op](args)
    strict = _strict(node)

    def run(values: Values) -> Any:
        given = [one(values) for one in args]
        return None if None in given else strict(*given)

    return run


_CONSTANTS: dict[str, Callable[[str], Any]] = {
    "number": Decimal, "text": str, "date": Decimal, "boolean": lambda word: word == "true", "nothing": lambda _word: None,
}  # fmt: skip


def _strict(node: Node) -> Callable[..., Any]:
    if node.op in ("least", "greatest"):
        return lambda *given: (min if node.op == "least" else max)(given)
    if node.op.startswith("money_compare"):
        check = COMPARISONS[node.op.removeprefix("money_compare")]
        return lambda one, other: check(one[0], other[0]) if one[1] == other[1] else None
    if node.op in _OF_MONEY:
        return _OF_MONEY[node.op]
    python = OPERATIONS[node.op].python
    return (lambda *given: python(*given, node.value)) if node.value else python


def _amount(number: Decimal | None, currency: str) -> tuple[Decimal, str] | None:
    return None if number is None else (number, currency)


def _sum(one: tuple[Decimal, str], other: tuple[Decimal, str]) -> tuple[Decimal, str] | None:
    return (EXACT.add(one[0], other[0]), one[1]) if one[1] == other[1] else None


_divide = OPERATIONS["divide"].python
_OF_MONEY: dict[str, Callable[..., Any]] = {
    "amount": lambda money: money[0],
    "currency": lambda money: money[1],
    "money_make": lambda number, currency: (number, currency),
    "money_negate": lambda money: (EXACT.minus(money[0]), money[1]),
    "money_add": _sum,
    "money_subtract": lambda one, other: _sum(one, (EXACT.minus(other[0]), other[1])),
    "money_multiply": lambda money, number: (EXACT.multiply(money[0], number), money[1]),
    "money_divide": lambda money, number: _amount(_divide(money[0], number), money[1]),
    "money_ratio": lambda one, other: _divide(one[0], other[0]) if one[1] == other[1] else None,
}


def _any(args: Sequence[Run], *, which: bool) -> Run:
    """Settled by the first that is `which`; with what is missing it is open."""

    def run(values: Values) -> bool | None:
        given = [one(values) for one in args]
        return which if which in given else None if None in given else not which

    return run


def _choose(args: Sequence[Run]) -> Run:
    asked, yes, no = args

    def run(values: Values) -> Any:
        answer = asked(values)
        return None if answer is None else yes(values) if answer else no(values)

    return run


def _among(args: Sequence[Run]) -> Run:
    def run(values: Values) -> bool | None:
        one, *several = (arg(values) for arg in args)
        return None if one is None else True if one in [v for v in several if v is not None] else None if None in several else False

    return run


_LOOKING: dict[str, Callable[[Sequence[Run]], Run]] = {
    "either": lambda args: _any(args, which=True),
    "both": lambda args: _any(args, which=False),
    "choose": _choose,
    "among": _among,
    "missing": lambda args: lambda values: args[0](values) is None,
    "coalesce": lambda args: lambda values: next((value for one in args if (value := one(values)) is not None), None),
}
"""The operations that look at what is missing."""


def cells_to_values(inputs: Sequence[Input], cells: Sequence[Any]) -> list[Any]:
    """The cells of SQLite's columns as values: exact numbers are scaled integers there, money has two cells."""
    values, at = list[Any](), iter(cells)
    for one in inputs:
        cell = next(at)
        if one.kind is Kind.MONEY:
            currency = next(at)
            values.append(None if cell is None or currency is None else (Decimal(cell).scaleb(-one.places), currency))
        elif cell is None:
            values.append(None)
        elif one.kind is Kind.NUMBER:
            values.append(Decimal(cell).scaleb(-one.places))
        elif one.kind is Kind.DATE:
            values.append(Decimal(_ordinal(cell)))
        else:
            values.append(bool(cell) if one.kind is Kind.BOOLEAN else cell)
    return values


@lru_cache(maxsize=20_000)
def _ordinal(written: str) -> int:
    return date.fromisoformat(written).toordinal()
