"""The filter language as SQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from core.entities.shape import Shape, Source
from sdk import BadRequest, Condition, Entity, Verb, _
from sdk.fields import Field, FlawError, LinkField, Money, MoneyField, NaturalKey

if TYPE_CHECKING:
    from core.policy.scopes import Scopes

MOST_VALUES = 500
_COMPARE: dict[str, Callable[[sa.ColumnElement[Any], Any], sa.ColumnElement[bool]]] = {
    "gt": lambda column, value: column > value,
    "gte": lambda column, value: column >= value,
    "lt": lambda column, value: column < value,
    "lte": lambda column, value: column <= value,
}


class Conditions:
    """Translates conditions over one source, for one actor."""

    def __init__(self, source: Source, scopes: Scopes) -> None:
        self._source, self._scopes = source, scopes

    def clause(self, condition: Condition) -> sa.ColumnElement[bool]:
        """One condition as SQL; raises BadRequest for operators and values that the field does not take."""
        field = self._source.shape.fields[condition.field]
        operator = condition.operator
        if operator not in field.operators:
            raise BadRequest(
                _("field {field!r} has no operator {operator!r}; it has {operators}"), code="unknown_operator",
                field=condition.field, operator=operator, operators=", ".join(field.operators),
            )  # fmt: skip
        column = self._source.columns(condition.field)[0]
        if operator == "empty":
            return _empty(column, condition)
        if operator == "contains":
            return column.icontains(_contained(condition), autoescape=True)
        if len(condition.values) > MOST_VALUES:
            raise BadRequest(_("at most {limit} values in a filter, got {got}"), limit=MOST_VALUES, got=len(condition.values))
        values = [_value(field, condition, value) for value in condition.values]
        if isinstance(field, LinkField):
            return self._link(field, column, operator, values)
        if isinstance(field, MoneyField):
            return self._money(condition.field, operator, values[0])
        if operator in _COMPARE:
            return _COMPARE[operator](column, values[0])
        return _equal(column, operator, values)

    def _money(self, name: str, operator: str, value: Any) -> sa.ColumnElement[bool]:
        amount, currency = self._source.columns(name)
        assert isinstance(value, Money)
        compared = _COMPARE[operator](amount, value.amount) if operator in _COMPARE else _equal(amount, operator, [value.amount])
        if not value.currency:
            return compared
        if operator == "ne":  # another amount, another currency, or none at all
            return sa.or_(compared, currency.is_distinct_from(value.currency))
        return sa.and_(compared, currency == value.currency)

    def _link(self, field: LinkField, column: sa.ColumnElement[Any], operator: str, values: list[Any]) -> sa.ColumnElement[bool]:
        ids = [value for value in values if not isinstance(value, NaturalKey)]
        words = [value.text for value in values if isinstance(value, NaturalKey)]
        if not words:
            return _equal(column, operator, ids)
        target = self._source.shape.target(field)
        assert target is not None
        named = column.in_(self.ids_by_natural_key(target, words))
        found = sa.or_(named, column.in_(ids)) if ids else named
        return sa.or_(sa.not_(found), column.is_(None)) if operator == "ne" else found

    def ids_by_natural_key(self, target: Entity, words: list[str]) -> sa.Select[Any]:
        """The ids of visible records of `target` that one of `words` names."""
        table = target.record.table().alias()
        matches = [table.c[target.record.__fields__[name].attribute].in_(words) for name in target.match_fields]
        query = sa.select(table.c.id).where(table.c.tenant_id == self._source.tenant, table.c.deleted_at.is_(None), sa.or_(*matches))
        reach = self._scopes.clause(target, table, self._scopes.grants_of(target, Verb.READ), Verb.READ)
        return query if reach is None else query.where(reach)


def _equal(column: sa.ColumnElement[Any], operator: str, values: list[Any]) -> sa.ColumnElement[bool]:
    if operator == "in":
        return column.in_(values)
    return column == values[0] if operator == "eq" else column.is_distinct_from(values[0])


def _empty(column: sa.ColumnElement[Any], condition: Condition) -> sa.ColumnElement[bool]:
    word = str(condition.values[0]).lower()
    if word not in ("true", "false"):
        raise BadRequest(_("{field}[empty] takes true or false, got {got!r}"), field=condition.field, got=word[:40])
    return column.is_(None) if word == "true" else column.is_not(None)


def _contained(condition: Condition) -> str:
    word = str(condition.values[0])
    if not word or "\x00" in word or len(word) > 200:
        raise BadRequest(_("{field}[contains] takes 1 to 200 characters of text"), field=condition.field)
    return word


def _value(field: Field, condition: Condition, value: object) -> Any:
    try:
        if value is None:
            raise FlawError("malformed", _("expected a value"))
        return field.sought(value.strip()) if isinstance(value, str) and value.strip() else _typed(field, value)
    except FlawError as flaw:
        raise BadRequest(
            _("the value {value!r} of filter {field!r} does not fit: {reason}"), code="bad_value",
            value=str(value)[:80], field=condition.field, reason=flaw.message.format(**flaw.params),
        ) from flaw  # fmt: skip


def _typed(field: Field, value: object) -> Any:
    if isinstance(value, str) or (checked := field.check(value)) is None:
        raise FlawError("malformed", _("expected a value; use [empty]=true for none"))
    return checked


def shape_field(shape: Shape, name: str, known: object) -> Field:
    """The field, or BadRequest when it is not among `known`: what one may not see is unknown."""
    if name not in shape.fields or (isinstance(known, set | frozenset | dict) and name not in known):
        raise BadRequest(_("{entity} has no field {field!r}"), code="unknown_field", entity=shape.entity.full_name, field=name[:80])
    return shape.fields[name]
