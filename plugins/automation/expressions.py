"""Expressions of CEL, the Common Expression Language: checked when they are saved, harmless when they run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import accumulate
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from plugins.automation.facts import Name, example, name_of
from sdk import Context, Problem, _
from sdk import fields as f

if TYPE_CHECKING:
    import cel

LONGEST = 1_000
_TEXT = re.compile(
    r"//[^\n]*"
    r"|(?<!\w)[bB]?[rR][bB]?(?:'''.*?'''|\"\"\".*?\"\"\"|'[^'\n]*'|\"[^\"\n]*\")"
    r"|'''(?:[^\\]|\\.)*?'''|\"\"\"(?:[^\\]|\\.)*?\"\"\""
    r"|'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"",
    re.DOTALL,
)
"""Comments and texts, as CEL reads them: a raw one ends at the next quote, whatever stands before it."""
_LOOP = re.compile(r"\.\s*(?:map|filter|all|exists|exists_one|existsOne|transform\w*|sortBy|reduce|fold)\s*\(")
_PATH = re.compile(r"(?<![\w.])([a-z_]\w*)((?:\s*\.\s*[a-zA-Z_]\w*(?!\w|\s*\())*)", re.ASCII)
_WORDS = frozenset(
    {"true", "false", "null", "in", "has", "size", "int", "uint", "double", "string", "timestamp", "duration", "matches", "type"}
)
GIVEN = ("changed", "today", "now", "old")
Scope: TypeAlias = "dict[str, object]"


class ExpressionError(Exception):
    """The expression cannot stand; `at` is the place, counted from 1."""

    def __init__(self, message: str, at: int = 0) -> None:
        super().__init__(message)
        self.at = at


def paths(source: str) -> list[tuple[str, tuple[str, ...], int]]:
    """The names of an expression with what follows them behind dots, and their places; words in quotes are none."""
    bare, found = _bare(source), []
    for match in _PATH.finditer(bare):
        called = bare[match.end() :].lstrip().startswith("(")
        if match[1] in _WORDS or (called and not match[2]):
            continue
        found.append((match[1], tuple(part.strip() for part in match[2].split(".")[1:]), match.start() + 1))
    return found


def _bare(source: str) -> str:
    """An expression with blanks in place of texts and comments."""
    return _TEXT.sub(lambda text: " " * len(text[0]), source)


def names_in(ctx: Context, entity: str, source: str) -> list[Name]:
    """The fields that an expression reads; raises ExpressionError for a name that means nothing, with its place."""
    found: dict[str, Name] = {}
    for first, rest, at in paths(source):
        if first in GIVEN and first != "old":
            continue
        asked = rest if first == "old" else (first, *rest)
        own, rest = _own(ctx, entity, asked)
        if own is None:
            raise ExpressionError(f"there is no {'.'.join((first, *asked)) if first == 'old' else first!r}", at)
        name = _beyond(ctx, entity, own, rest, at) if first != "old" else own
        if first == "old" and own.field.sensitive:
            raise ExpressionError(f"{own.word!r} is sensitive: its earlier value is not kept", at)
        found[name.word] = name
    return list(found.values())


def _own(ctx: Context, entity: str, asked: tuple[str, ...]) -> tuple[Name | None, tuple[str, ...]]:
    """The field of the record with which a path begins, and what follows it; a field that was added has a name of two parts."""
    own = name_of(ctx, entity, asked[0]) if asked else None
    if own is None and len(asked) > 1 and (word := f"{asked[0]}.{asked[1]}") in ctx.records(entity).fields():
        return name_of(ctx, entity, word), asked[2:]
    return own, asked[1:]


def _beyond(ctx: Context, entity: str, own: Name, rest: Sequence[str], at: int) -> Name:
    if isinstance(own.field, f.MoneyField):
        if not rest or rest[0] not in ("amount", "currency"):
            text = f"{own.word!r} is money: compare {own.word}.amount and {own.word}.currency, since currencies differ"
            raise ExpressionError(text, at)
        return own
    if own.target:
        there = name_of(ctx, entity, f"{own.word}.{rest[0]}") if rest else None
        if there is None:
            raise ExpressionError(f"{own.word!r} is a link: write {own.word}.id or another field of {own.target}", at)
        return there
    return own


def earlier_fields(source: str) -> frozenset[str]:
    """The fields whose earlier values an expression reads."""
    return frozenset(".".join(rest[:n]) for first, rest, _at in paths(source) if first == "old" for n in (1, 2) if len(rest) >= n)


def compiled(source: str) -> cel.Program:
    """The expression; raises ExpressionError with the place of a mistake. One loop at most: a rule must not hold up a worker."""
    if len(source) > LONGEST:
        raise ExpressionError(f"at most {LONGEST} characters")
    bare = _bare(source)
    if len(_LOOP.findall(bare)) > 1:
        raise ExpressionError("one of map, filter, all, exists at most", 1)
    if max(accumulate((sign in "([{") - (sign in ")]}") for sign in bare), default=0) > 30:
        raise ExpressionError("brackets within brackets at most 30 deep", 1)
    try:
        import cel  # noqa: PLC0415 (an extra: rules without expressions work without it)
    except ImportError as failure:
        raise ExpressionError("expressions need the extra: pip install 'dealwright[automation]'", 1) from failure
    try:
        return cel.compile(source)
    except ValueError as failure:
        place = re.search(r"<input>:(\d+):(\d+): (?:Syntax error: )?([^\n]*)", str(failure))
        raise ExpressionError(place[3][:200] if place else "this is no expression", int(place[2]) if place else 1) from failure


def holds(program: cel.Program, scope: Scope) -> bool:
    """Whether an expression is true of a record; what compares with nothing is not."""
    try:
        return program.execute(scope) is True
    except (TypeError, KeyError, ZeroDivisionError, OverflowError, ValueError, RuntimeError):
        return False  # its types were checked when it was saved: what is left is a value that is not there


def scope_of(
    ctx: Context, names: Sequence[Name], values: Mapping[str, object], old: Mapping[str, object], changed: frozenset[str]
) -> Scope:
    """The variables for one record: CEL's types, links as objects, money as amount and currency."""
    made: Scope = {"changed": sorted(changed), "now": ctx.now(), "today": _day(ctx.now().date()), "old": {}}
    for name in names:
        value = plain(name.field, values.get(name.word))
        if not name.link:
            place, word = _place(made, name.word)
            place[word] = value if not name.target else {**_object(place, word), "id": value}
            earlier = old.get(name.word, values.get(name.word)) if name.word in changed else values.get(name.word)
            place, word = _place(_object(made, "old"), name.word)
            place[word] = plain(name.field, earlier)
        else:
            made[name.link] = {**_object(made, name.link), name.word.partition(".")[2]: value}
    return made


def _place(scope: Scope, word: str) -> tuple[Scope, str]:
    """Where a field stands: one that was added in the object of who added it, `custom.tier`."""
    first, dot, rest = word.partition(".")
    if not dot:
        return scope, word
    scope[first] = _object(scope, first)
    return _object(scope, first), rest


def _object(scope: Scope, name: str) -> dict[str, object]:
    there = scope.get(name)
    return there if isinstance(there, dict) else {}


def plain(field: f.Field, value: object) -> object:
    """A value as CEL knows it; numbers with a point are doubles there."""
    if isinstance(field, f.MoneyField):
        money = value if isinstance(value, f.Money) else None
        return {"amount": float(money.amount) if money else None, "currency": money.currency if money else None}
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return _day(value)
    return str(value) if isinstance(value, UUID | f.Reference) else value


def _day(value: date) -> datetime:
    return datetime.combine(value, time(), UTC)


def problems_of(ctx: Context, entity: str, source: str, where: str) -> list[Problem]:
    """What is wrong with an expression: its grammar, its names, its types, that it says neither yes nor no."""
    try:
        program = compiled(source)
        names = names_in(ctx, entity, source)
        values = {name.word: example(name.field) for name in names}
        answer = program.execute(scope_of(ctx, names, values, {}, frozenset()))
        if not isinstance(answer, bool):
            raise ExpressionError("it must be true or false", 1)
    except ExpressionError as failure:
        return [_problem(where, failure.at, str(failure))]
    except (TypeError, KeyError, ValueError, RuntimeError, ArithmeticError) as failure:
        return [_problem(where, 1, str(failure).partition(". ")[0])]
    return []


def _problem(where: str, at: int, reason: str) -> Problem:
    text = _("the expression is invalid at character {at}: {reason}")
    return Problem(where, "bad_expression", text, {"at": at, "reason": reason[:300]})
