"""Formulas: the same value in Python and on both databases, exact, and nothing where there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from core.context import Work
from core.formulas.check import checked
from core.formulas.evaluate import value_of
from core.formulas.grammar import FormulaError
from core.formulas.program import TODAY, ZONE, Kind, Program
from core.formulas.sql import TooLongError, columns_of, written
from sdk import _
from sdk import fields as f

TIERS = {"gold": _("Gold"), "tin": _("Tin")}
FIELDS: Mapping[str, f.Field] = {
    name: mapped.field
    for name, mapped in {
        "n": f.integer(_("N")), "w": f.decimal(_("W")), "r": f.decimal(_("R"), places=6), "p": f.money(_("P")), "q": f.money(_("Q")),
        "t": f.text(_("T")), "tier": f.choice(_("Tier"), TIERS), "b": f.boolean(_("B")), "d": f.on(_("D")), "i": f.at(_("I")),
        "custom.n": f.integer(_("Own")), "l": f.link(_("L"), "core.user"), "k": f.keys(_("K")),
    }.items()
}  # fmt: skip
ROW: dict[str, object] = {
    "n": 7, "w": Decimal("-12.5000"), "r": Decimal("0.333333"), "p": f.Money(Decimal("10.05"), "CNY"), "q": f.Money(Decimal("0.10"), "CNY"),
    "t": "Ab 中", "tier": "gold", "b": True, "d": date(2026, 2, 28), "i": datetime(2026, 2, 28, 20, 30, tzinfo=UTC), "custom.n": 3, "l": None, "k": None,
}  # fmt: skip
SHANGHAI, TODAY_THERE = "Asia/Shanghai", date(2026, 3, 1)


def resolve(path: tuple[str, ...]) -> tuple[str, f.Field, int] | None:
    two = ".".join(path[:2])
    if two in FIELDS:
        return two, FIELDS[two], 2
    return (path[0], FIELDS[path[0]], 1) if path[0] in FIELDS else None


def program(source: str, result: str) -> Program:
    return checked(source, result, resolve, "probe.thing")


def values(made: Program, row: Mapping[str, Any]) -> list[Any]:
    """What Python is given."""
    found: list[Any] = []
    for one in made.inputs:
        value = {TODAY: TODAY_THERE, ZONE: SHANGHAI}.get(one.name) or row[one.name]
        if one.kind is Kind.NUMBER:
            value = None if value is None else Decimal(value)
        elif one.kind is Kind.DATE:
            value = None if value is None else Decimal(value.toordinal())
        elif one.kind is Kind.INSTANT:
            value = None if value is None else value.replace(tzinfo=None).isoformat(" ", "microseconds")
        found.append(tuple(value) if isinstance(value, f.Money) else value)
    return found


def in_python(made: Program, row: Mapping[str, Any]) -> Any:
    value = value_of(made, values(made, row))
    return date.fromordinal(value) if made.result == "date" and value is not None else value


def columns(made: Program, row: Mapping[str, Any]) -> list[sa.ColumnElement[Any]]:
    """What a database is asked, over cells as they stand in its tables."""
    cells: list[sa.ColumnElement[Any]] = []
    for one in made.inputs:
        if one.name in (TODAY, ZONE):
            cells.append(sa.literal(TODAY_THERE, sa.Date()) if one.name == TODAY else sa.literal(SHANGHAI, sa.String()))
            continue
        field, value = FIELDS[one.name], row[one.name]
        types = [field.column_type(), *field.siblings().values()]
        cells += [sa.literal(cell, type_) for cell, type_ in zip(field.split(value), types, strict=True)]
    kinds: dict[str, f.Field] = {
        "integer": FIELDS["n"], "decimal": FIELDS["w"], "money": FIELDS["p"], "text": FIELDS["t"], "date": FIELDS["d"], "boolean": FIELDS["b"],
    }  # fmt: skip
    field = kinds[made.result]
    return columns_of(made, cells, [field.column_type(), *field.siblings().values()])


def in_database(work: Work, asked: Sequence[tuple[Program, Mapping[str, Any]]]) -> list[Any]:
    """The values of several formulas, in one statement."""
    widths = [columns(made, row) for made, row in asked]
    flat = [column.label(f"f{number}") for number, column in enumerate(column for several in widths for column in several)]
    with work.transaction():
        cells = iter(work.connection.execute(sa.select(*flat)).one())
    found: list[Any] = []
    for several in widths:
        mine = tuple(next(cells) for _column in several)
        found.append(mine[0] if len(mine) == 1 else None if mine[0] is None else mine)
    return found


A_VALUE: Sequence[tuple[str, str, object]] = [
    ("integer", "n / 2", 4),
    ("decimal", "n / 2", Decimal("3.5000")),
    ("decimal", "-n / 2 * 2 + custom.n", Decimal("-4.0000")),
    ("decimal", "1 / 3 * 3", Decimal("1.0000")),
    ("decimal", "2 / 3", Decimal("0.6667")),
    ("decimal", "-1 / 8 + 0.00005 - 0.1", Decimal("-0.2250")),
    ("decimal", "n / (n - 7)", None),
    ("decimal", "n % 4 + w % 5", Decimal("0.5000")),
    ("decimal", "9999999999999 + 1", None),
    ("decimal", "(9999999999999 * 1000 + 1) / 1000 - 9999999999990", Decimal("9.0010")),
    ("integer", "2147483647 + 1", None),
    ("decimal", "r * 3", Decimal("1.0000")),
    ("money", "p + q * 3", (Decimal("10.35"), "CNY")),
    ("money", "p / 3", (Decimal("3.35"), "CNY")),
    ("money", "money(1234.5, 'JPY')", (Decimal(1235), "JPY")),
    ("money", "p + money(1, 'USD')", None),
    ("boolean", "p > money(1, 'USD')", None),
    ("boolean", "p >= q && p.currency == 'CNY' && p.amount > 10", True),
    ("decimal", "p / q", Decimal("100.5000")),
    ("money", "b ? q : p", (Decimal("0.10"), "CNY")),
    ("money", "coalesce(null, p - q)", (Decimal("9.95"), "CNY")),
    ("text", "t + '/' + string(w) + '/' + string(b) + '/' + string(d)", "Ab 中/-12.5/true/2026-02-28"),
    ("text", "t.lowerAscii() + t.upperAscii().substring(0, 1) + t.substring(3) + '%' + '\\\\' + \"'\"", "ab 中A中%\\'"),
    ("text", "t.substring(3, 9)", None),
    ("integer", "size(t) + ' x\\t'.trim().size()", 5),
    ("boolean", "t.contains('b 中') && t.startsWith('A') && t.endsWith('中') && !t.endsWith('A')", True),
    ("text", "tier in ['gold', 'tin'] ? 'metal' : 'other'", "metal"),
    ("date", "d + 1.9", date(2026, 3, 1)),
    ("date", "d + 9999999", None),
    ("date", "math.greatest(d, date('2026-01-31')) - 28", date(2026, 1, 31)),
    ("integer", "date(i) - d", 1),
    ("integer", "today() - d", 1),
    ("integer", "d.getFullYear() * 10000 + (d.getMonth() + 1) * 100 + d.getDate() + d.getDayOfWeek()", 20260234),
    ("boolean", "i > i || i == i", True),
    ("decimal", "math.round(w, 0) + math.abs(w) + math.floor(w) + math.ceil(w) + math.trunc(w) + int(w)", Decimal("-49.5000")),
    ("decimal", "math.least(n, w, custom.n)", Decimal("-12.5000")),
    ("boolean", "has(l) || l != null || n == null", False),
    ("boolean", "n > 3 && null", None),
    ("boolean", "n < 3 && null", False),
    ("text", "null ? 'a' : 'b'", None),
    ("boolean", "'B' < 'a' && 'a' < 'é' && n in [1, null, 7]", True),
    ("boolean", "n in [1, null]", None),
]  # fmt: skip


def test_each_operation_has_its_value_in_python_and_on_both_databases(system: Work) -> None:
    made = [(program(source, result), ROW) for result, source, _value in A_VALUE]
    names = [(result, source) for result, source, _value in A_VALUE]
    wanted = dict(zip(names, (value for _result, _source, value in A_VALUE), strict=True))
    assert dict(zip(names, (in_python(one, row) for one, row in made), strict=True)) == wanted
    assert dict(zip(names, in_database(system, made), strict=True)) == wanted


NUMBERS = st.sampled_from(
    ["n", "w", "r", "custom.n", "0", "1", "2.5", "0.000000000001", "999999999999999", "p.amount", "(d - date('2026-01-01'))"]
)
MONEY = st.sampled_from(["p", "q", "money(n, 'JPY')", "money(w, p.currency)", "null"])
TEXT = st.sampled_from(["t", "tier", "'ä%{0}\\\\'", "''", "p.currency", "string(w)", "string(b)", "string(d)"])
DAYS = st.sampled_from(["d", "today()", "date(i)", "date('9999-12-31')", "null"])
TRUTH = st.sampled_from(["b", "true", "has(p)", "d == null", "i < i", "null"])


def _deeper(inner: st.SearchStrategy[tuple[str, str, str, str, str]]) -> st.SearchStrategy[tuple[str, str, str, str, str]]:
    """One step more of each kind: number, money, text, date, truth."""
    sign, order = st.sampled_from("+-*/%"), st.sampled_from(["==", "!=", "<", "<=", ">", ">="])

    def step(a: tuple[str, ...], b: tuple[str, ...], s: str, o: str, way: int) -> tuple[str, str, str, str, str]:
        (n, m, t, d, c), (n2, m2, t2, d2, c2) = a, b
        return (
            [f"({n} {s} {n2})", f"({m} / {m2})", f"math.round({n}, 3)", f"-{n}", f"size({t})", f"({d} - {d2})", f"({c} ? {n} : {n2})",
             f"coalesce({n}, {n2})", f"math.least({n}, {n2})", f"({d}).getFullYear()", f"({m}).amount"][way % 11],
            [f"({m} + {m2})", f"({m} - {m2})", f"({m} * {n})", f"({m} / {n})", f"({c} ? {m} : {m2})", f"coalesce({m}, {m2})", f"-{m}"][way % 7],
            [f"({t} + {t2})", f"({t}).trim().upperAscii()", f"({t}).substring(1, 3)", f"({c} ? {t} : {t2})", f"string({n})", f"coalesce({t}, {t2})"][way % 6],
            [f"({d} + {n})", f"({d} - {n})", f"({c} ? {d} : {d2})", f"math.greatest({d}, {d2})", f"coalesce({d}, {d2})"][way % 5],
            [f"({n} {o} {n2})", f"({m} {o} {m2})", f"({t} {o} {t2})", f"({d} {o} {d2})", f"({c} && {c2})", f"({c} || {c2})", f"!({c})", f"({c} == {c2})",
             f"({t}).contains({t2})", f"({n} in [{n2}, 1])", f"({t}).endsWith({t2})"][way % 11],
        )  # fmt: skip

    return st.builds(step, inner, inner, sign, order, st.integers(0, 4_619))


EXPRESSIONS = st.recursive(st.tuples(NUMBERS, MONEY, TEXT, DAYS, TRUTH), _deeper, max_leaves=6)
_WORDS = st.text(st.characters(min_codepoint=1, exclude_categories=["Cs"]), max_size=6)
ROWS = st.fixed_dictionaries({
    "n": st.none() | st.integers(-(2**31), 2**31 - 1), "custom.n": st.none() | st.integers(-9, 9),
    "w": st.none() | st.decimals(-9_999_999_999_999, 9_999_999_999_999, places=4), "r": st.none() | st.decimals(-99, 99, places=6),
    "p": st.none() | st.builds(f.Money, st.decimals(-9_999_999_999_999, 9_999_999_999_999, places=2), st.sampled_from(["CNY", "JPY", "KWD"])),
    "q": st.none() | st.builds(f.Money, st.decimals(-99, 99, places=2), st.sampled_from(["CNY", "JPY"])),
    "t": st.none() | _WORDS, "tier": st.sampled_from(["gold", "tin"]), "b": st.none() | st.booleans(), "d": st.none() | st.dates(),
    "i": st.none() | st.datetimes(timezones=st.just(UTC)), "l": st.none(), "k": st.none(),
})  # fmt: skip


@settings(max_examples=40)
@given(st.lists(st.tuples(EXPRESSIONS, ROWS), min_size=1, max_size=5))
def test_any_formula_over_any_record_is_the_same_in_python_and_on_both_databases(
    system: Work, cases: list[tuple[tuple[str, ...], dict[str, Any]]]
) -> None:
    asked = []
    for sources, row in cases:
        for source, results in zip(sources, (("integer", "decimal"), ("money",), ("text",), ("date",), ("boolean",)), strict=True):
            for result in results:
                try:
                    made = program(source, result)
                    written(made)
                except (FormulaError, TooLongError):
                    continue  # null has no kind of its own, and what is too long is refused: neither comes to a database
                asked.append((source, made, row))
    found = in_database(system, [(made, row) for _source, made, row in asked])
    for (source, made, row), value in zip(asked, found, strict=True):
        assert value == in_python(made, row), (source, made.result, row)


@pytest.mark.parametrize(("source", "result", "at", "word"), [
    ("n +", "decimal", 4, "ends too early"), ("n ) 1", "decimal", 3, "not expected"), ("n # 1", "decimal", 3, "unexpected"),
    ("1 + nothing", "decimal", 5, "no field 'nothing'"), ("n + t", "decimal", 1, "string(x)"), ("p * p", "money", 1, "x.amount"), ("n", "text", 1, "expected text"),
    ("k", "text", 1, "'k' can’t be used"), ("n ? 1 : 2", "decimal", 1, "expected boolean"), ("b < b", "boolean", 1, "can’t be ordered"),
    ("n == t", "boolean", 1, "different types"), ("n < null", "boolean", 1, "compared by size"), ("t.reverse()", "text", 1, "no function 'reverse'"),
    ("evil(n)", "decimal", 1, "function 'evil' does not exist"), ("math.pow(n)", "decimal", 1, "function 'math.pow' does not exist"), ("size(t, t)", "integer", 1, "takes 1"),
    ("1 + date('2026-02-30')", "date", 10, "a date such as"), ("money(1, 'XYZ')", "money", 10, "a currency"), ("'\\q'", "text", 1, "not a valid escape"),
    ("'\\u0000'", "text", 1, "this character"), ("[1]", "decimal", 1, "not expected"), ("n in []", "boolean", 6, "the list is empty"),
    ("-" * 60 + "n", "decimal", 41, "too long"), ("1" + "+1" * 300, "decimal", None, "too long"), ("x" * 1_001, "decimal", 1, "at most 1000"),
    ("t.substring(2, 1)", "text", 1, "ends before"), ("t.substring(n)", "text", 13, "a literal whole number"), ("l == l", "boolean", 1, "different types"),
    ("n.amount", "decimal", 1, "number has no 'amount'"), ("1.5.2", "decimal", 1, "unexpected"), ("int('1')", "integer", 5, "expected number"),
])  # fmt: skip
def test_what_cannot_stand_is_refused_with_its_place(source: str, result: str, at: int | None, word: str) -> None:
    with pytest.raises(FormulaError) as refused:
        program(source, result)
    assert word in refused.value.message.format(**refused.value.params)
    assert at is None or refused.value.params["at"] == at


def test_a_formula_that_would_be_a_flood_of_sql_is_refused() -> None:
    source = "d"
    for _step in range(13):
        source = f"(d + {source}.getFullYear())"
    with pytest.raises(TooLongError):
        written(program(source, "date"))


TOKENS = st.sampled_from([*"+-*/%()[]?:.,!<>=&|'\"\\ \n#\x00é９", "&&", "||", "==", "in", "null", "true", "1", "2.5", "n", "w", "p", "t", "tier", "b", "d", "i", "l", "k",
                          "custom", "amount", "currency", "size", "date", "today", "money", "math", "round", "substring", "coalesce", "has", "int", "string", "'a'"])  # fmt: skip


@settings(max_examples=300)
@given(
    st.lists(TOKENS, max_size=12).map("".join) | st.text(max_size=20),
    st.sampled_from(["integer", "decimal", "money", "text", "date", "boolean"]),
)
def test_any_text_is_a_formula_or_is_refused_with_a_place_within_it(source: str, result: str) -> None:
    refusal: FormulaError | None = None
    try:
        made = program(source, result)
    except FormulaError as refused:
        refusal = refused
    if refusal is None:
        written(made)
        in_python(made, ROW)
        return
    assert 1 <= int(str(refusal.params["at"])) <= len(source) + 1
    assert refusal.message.format(**refusal.params)
