"""Formulas as columns of a statement: on PostgreSQL as SQL, on SQLite by a function that asks Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from core.formulas.evaluate import INTEGERS, LONGEST_TEXT, cells_to_values, value_of
from core.formulas.operations import LAST_DAY, OPERATIONS, SQL_WORDS
from core.formulas.program import Kind, Node, Program, program_of
from sdk.columns import LIMIT, SCALE
from sdk.fields.money import CURRENCIES, minor_units

LONGEST = 40_000
"""Characters of SQL for one formula."""
_TYPES = {Kind.NUMBER: "numeric", Kind.TEXT: "text", Kind.BOOLEAN: "boolean", Kind.DATE: "numeric"}
_MAIN, _CURRENCY = "main", "currency"


class formula(GenericFunction[Any]):
    """One column of a formula over the columns of its inputs, in their order; `part` is `main`, or `currency` for that of an amount."""

    inherit_cache = True
    name = "formula"

    def __init__(self, program: Program, part: str, inputs: Sequence[sa.ColumnElement[Any]], type_: sa.types.TypeEngine[Any]) -> None:
        super().__init__(sa.literal_column(f"'{program.key}'"), sa.literal_column(f"'{part}'"), *inputs, type_=type_)


def columns_of(
    program: Program, inputs: Sequence[sa.ColumnElement[Any]], types: Sequence[sa.types.TypeEngine[Any]]
) -> list[sa.ColumnElement[Any]]:
    """The columns of a formula: one, and for an amount its currency."""
    return [formula(program, part, inputs, type_) for part, type_ in zip((_MAIN, _CURRENCY), types, strict=False)]


# --- SQLite ------------------------------------------------------------------------------------------------------


def register_formulas(connection: Any) -> None:
    """Give a SQLite connection `dw_formula(program, part, …)`."""
    connection.create_function("dw_formula", -1, _asked, deterministic=True)


def _asked(key: str, part: str, *cells: Any) -> Any:
    program = program_of(key)
    value = value_of(program, cells_to_values(program.inputs, cells))
    if value is None:
        return None
    if isinstance(value, tuple):
        value = value[0] if part == _MAIN else value[1]
    if isinstance(value, Decimal):
        return int(value.scaleb(SCALE))
    return date.fromordinal(value).isoformat() if program.result == "date" else value


@compiles(formula, "sqlite")
def _on_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"dw_formula({', '.join(compiler.process(part, **kw) for part in element.clauses)})"


# --- PostgreSQL --------------------------------------------------------------------------------------------------


@compiles(formula, "postgresql")
def _on_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    key, part, *inputs = element.clauses
    program = program_of(key.name.strip("'"))
    result, value = written(program, part.name.strip("'"))
    if compiler.preparer._double_percents:  # psycopg reads a single one for itself
        result, value = result.replace("%", "%%"), value.replace("%", "%%")
    taken = ", ".join(_taken(program, [compiler.process(one, **kw) for one in inputs])) or "1"
    # With OFFSET 0 each is asked for once: else PostgreSQL puts it in wherever it is named.
    return f"(SELECT {result} FROM (SELECT {value} FROM (SELECT {taken} OFFSET 0) AS formula_takes OFFSET 0) AS formula_has)"  # noqa: S608 (SQL of ours)


_CASTS = {Kind.TEXT: "::text", Kind.BOOLEAN: "::boolean", Kind.INSTANT: "::timestamptz"}


def _taken(program: Program, columns: Sequence[str]) -> Iterator[str]:
    at = iter(columns)
    for place, one in enumerate(program.inputs):
        cell = next(at)
        if one.kind in (Kind.NUMBER, Kind.MONEY):
            yield f"({cell})::numeric AS i{place}"
        elif one.kind is Kind.DATE:
            yield f"(({cell})::date - DATE '0001-01-01' + 1)::numeric AS i{place}"
        else:
            yield f"({cell}){_CASTS.get(one.kind, '')} AS i{place}"
        if one.kind is Kind.MONEY:
            yield f"({next(at)})::text AS c{place}"


@lru_cache(maxsize=2_000)
def _written(key: str) -> tuple[str, str]:
    program = program_of(key)
    return _Writer({one.name: place for place, one in enumerate(program.inputs)}).pair(program.root)


def written(program: Program, part: str = _MAIN) -> tuple[str, str]:
    """What becomes of the value `v` (of an amount with its currency `c`), and the SQL of the value; raises TooLongError."""
    value, currency = _written(program.key)
    named = f"{value} AS v, {currency} AS c" if currency else f"{value} AS v"
    return _RESULTS[program.result] if part == _MAIN else f"CASE WHEN {_RESULTS['money']} IS NOT NULL THEN c END", named


def _within(rounded: str, sql: str, limit: object) -> str:
    return f"CASE WHEN abs({rounded}) < {limit} THEN {sql} END"


_MINOR = {digits: ", ".join(f"'{code}'" for code in sorted(CURRENCIES) if minor_units(code) == digits) for digits in (0, 3)}
_IN_CURRENCY = f"round(v, CASE WHEN c IN ({_MINOR[0]}) THEN 0 WHEN c IN ({_MINOR[3]}) THEN 3 ELSE 2 END)"
_RESULTS = {
    "integer": _within("round(v)", f"least(greatest(round(v), -{INTEGERS}), {INTEGERS})::int", INTEGERS + 1),
    "decimal": _within(f"round(v, {SCALE})", f"round(v, {SCALE})", LIMIT),
    "money": _within(_IN_CURRENCY, _IN_CURRENCY, LIMIT),
    "date": f"CASE WHEN v BETWEEN 1 AND {LAST_DAY} THEN DATE '0001-01-01' + (least(greatest(v, 1), {LAST_DAY}) - 1)::int END",
    "text": f"nullif(left(v, {LONGEST_TEXT}), '')",
    "boolean": "v",
}  # fmt: skip


class TooLongError(ValueError):
    """The formula would be more SQL than a statement should hold."""


class _Writer:
    """Each node as its SQL, and that of its currency, "" but for money: an amount and its currency are missing together."""

    def __init__(self, places: dict[str, int]) -> None:
        self.places = places

    def pair(self, node: Node) -> tuple[str, str]:
        if node.op == "input":
            place = self.places[node.value]
            made = (f"i{place}", f"c{place}" if node.kind is Kind.MONEY else "")
        elif node.op in _CONSTANTS:
            made = (_CONSTANTS[node.op](node), "NULL::text" if node.kind is Kind.MONEY else "")
        else:
            made = self._made(node, [self.pair(one) for one in node.args])
        if len(made[0]) + len(made[1]) > LONGEST:
            raise TooLongError
        return made

    def _made(self, node: Node, args: Sequence[tuple[str, str]]) -> tuple[str, str]:
        mains, currencies = [main for main, _currency in args], [currency for _main, currency in args]
        if node.op in _LOOKING:
            write = _LOOKING[node.op]
            if node.kind is not Kind.MONEY:
                return write(mains), ""
            return write(mains), write(
                [main if node.op == "choose" and not place else currencies[place] for place, main in enumerate(mains)]
            )
        if node.op in _OF_MONEY:
            return _OF_MONEY[node.op](mains, currencies)
        if node.op.startswith("money_compare"):
            compared = f"({mains[0]} {SQL_WORDS[node.op.removeprefix('money_compare')]} {mains[1]})"
            return f"CASE WHEN {_common(currencies)} IS NOT NULL THEN {compared} END", ""
        if node.op in ("least", "greatest"):
            aggregate = "min(x)" if node.op == "least" else "max(x)"
            return f"(SELECT CASE WHEN count(x) = {len(mains)} THEN {aggregate} END FROM (VALUES {_rows(mains)}) AS several(x))", ""  # noqa: S608 (as above)
        if node.op == "substring":
            first, _comma, last = node.value.partition(",")
            length = f", {int(last) - int(first)}" if last else ""
            return OPERATIONS[node.op].sql.format(*mains, last=last or first, first=int(first) + 1, length=length), ""
        return OPERATIONS[node.op].sql.format(*mains, value=node.value), ""


def _rows(cells: Sequence[str]) -> str:
    return ", ".join(f"({cell})" for cell in cells)


def _common(currencies: Sequence[str]) -> str:
    """The currency that all have, NULL where there are several, or none for one of them."""
    same = f"count(x) = {len(currencies)} AND min(x) = max(x)"
    return f"(SELECT CASE WHEN {same} THEN min(x) END FROM (VALUES {_rows(currencies)}) AS several(x))"  # noqa: S608 (as above)


def _quoted(text: str) -> str:
    """A text constant, alike whatever PostgreSQL takes a backslash for."""
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'::text"


_CONSTANTS: dict[str, Callable[[Node], str]] = {
    "number": lambda node: f"{node.value}::numeric",
    "text": lambda node: _quoted(node.value),
    "date": lambda node: f"{node.value}::numeric",
    "boolean": lambda node: node.value,
    "nothing": lambda node: f"NULL::{_TYPES.get(node.kind, 'numeric')}",
}

_LOOKING: dict[str, Callable[[Sequence[str]], str]] = {
    "either": lambda args: f"({' OR '.join(args)})",
    "both": lambda args: f"({' AND '.join(args)})",
    "choose": lambda args: f"CASE {args[0]} WHEN true THEN {args[1]} WHEN false THEN {args[2]} END",
    "among": lambda args: f"({args[0]} IN ({', '.join(args[1:])}))",
    "missing": lambda args: f"({args[0]} IS NULL)",
    "coalesce": lambda args: f"coalesce({', '.join(args)})",
}
type_pair = tuple[str, str]


def _where(amount: str, currency: str) -> type_pair:
    return amount, f"CASE WHEN {amount} IS NOT NULL THEN {currency} END"


def _calculated(op: str) -> Callable[[Sequence[str], Sequence[str]], type_pair]:
    """Amounts of one currency."""

    def write(mains: Sequence[str], currencies: Sequence[str]) -> type_pair:
        common = _common(currencies)
        return f"CASE WHEN {common} IS NOT NULL THEN {OPERATIONS[op].sql.format(*mains)} END", common

    return write


def _scaled(op: str) -> Callable[[Sequence[str], Sequence[str]], type_pair]:
    return lambda mains, currencies: _where(OPERATIONS[op].sql.format(*mains), currencies[0])


_OF_MONEY: dict[str, Callable[[Sequence[str], Sequence[str]], type_pair]] = {
    "amount": lambda mains, _currencies: (mains[0], ""),
    "currency": lambda _mains, currencies: (currencies[0], ""),
    "money_make": lambda mains, _currencies: (
        f"CASE WHEN {mains[1]} IS NOT NULL THEN {mains[0]} END",
        f"CASE WHEN {mains[0]} IS NOT NULL THEN {mains[1]} END",
    ),
    "money_negate": lambda mains, currencies: (f"(- {mains[0]})", currencies[0]),
    "money_add": _calculated("add"),
    "money_subtract": _calculated("subtract"),
    "money_ratio": lambda mains, currencies: (_calculated("divide")(mains, currencies)[0], ""),
    "money_multiply": _scaled("multiply"),
    "money_divide": _scaled("divide"),
}
