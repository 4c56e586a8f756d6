"""The one filter language: `stage=won`, `amount[gte]=1000`, `owner[in]=a,b`; over links, too: `owner.team=East`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from sdk.errors import BadRequest
from sdk.text import _

OPERATORS = ("eq", "ne", "in", "gt", "gte", "lt", "lte", "contains", "empty", "alike")
_KEY = re.compile(r"(?P<field>[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*){0,7})(?:\[(?P<op>[a-z]+)\])?\Z")


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison; `values` are text as written, or values of the field's type. All conditions of a filter hold at once."""

    field: str
    operator: str
    values: tuple[object, ...]


Filter: TypeAlias = "tuple[Condition, ...]"


def parse_pair(name: str, value: str) -> Condition:
    """`amount[gte]` and `1000` as a Condition; raises BadRequest naming the operators that exist."""
    found = _KEY.match(name)
    if found is None:
        raise BadRequest(_("invalid filter {name!r}; use field=value or field[operator]=value"), name=name[:80])
    operator = found["op"] or "eq"
    if operator not in OPERATORS:
        raise BadRequest(
            _("unknown operator {operator!r} in {name!r}; available: {operators}"),
            code="unknown_operator", operator=operator, name=name[:80], operators=", ".join(OPERATORS),
        )  # fmt: skip
    return Condition(found["field"], operator, tuple(value.split(",")) if operator == "in" else (value,))


def parse_filter(pairs: Iterable[tuple[str, str]]) -> Filter:
    """Name and value pairs, as in a query string."""
    return tuple(parse_pair(name, value) for name, value in pairs)


def parse_where(clauses: Iterable[str]) -> Filter:
    """Clauses such as `stage=won` or `amount[gte]=1000`, as on a command line."""
    pairs = []
    for clause in clauses:
        name, equals, value = clause.partition("=")
        if not equals:
            raise BadRequest(_("invalid filter {name!r}; use field=value or field[operator]=value"), name=clause[:80])
        pairs.append((name.strip(), value))
    return parse_filter(pairs)


def where(**equal: object) -> Filter:
    """Conditions of equality, for code: `where(stage=stage_id)`."""
    return tuple(Condition(name, "eq", (value,)) for name, value in equal.items())
