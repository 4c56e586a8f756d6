"""The filter language as SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import sqlalchemy as sa

from core.custom.keys import Word, found
from core.entities.shape import Shape, Source
from core.policy.grants import including
from sdk import BadRequest, Condition, Entity, Filter, Verb, _
from sdk.columns import Keys, among
from sdk.fields import AnyRecordField, Field, FlawError, KeysField, LinkField, Money, MoneyField, NaturalKey, TextField
from sdk.fields.text import plain_text
from sdk.messages import Flawed

if TYPE_CHECKING:
    from core.entities.read import Reader
    from core.policy.scopes import Scopes

MOST_VALUES = 500
DEEPEST = 3
"""Links that the path of a field may go over."""
ESCAPE = "/"
_LONGEST = 10_000
_WORDS, _BOTH, _PAIR, _REFERENCES, _AMONG = "words", "words and ids", "both columns", "references", "among "
_BEYOND, _WITHOUT, _SEVERAL = "beyond", "without", "several"
_COMPARE: dict[str, Callable[[sa.ColumnElement[Any], Any], sa.ColumnElement[bool]]] = {
    "gt": lambda column, value: column > value,
    "gte": lambda column, value: column >= value,
    "lt": lambda column, value: column < value,
    "lte": lambda column, value: column <= value,
}


class Form(NamedTuple):
    """What a condition asks for, apart from its values: conditions of one form make the same SQL."""

    field: str
    operator: str
    kind: str = ""
    beyond: Form | None = None
    """Of a path such as `owner.team`, where `field` is the link: what holds of the record at its other end."""
    there: object = None
    """What that record's shape was then, so that no statement outlives it."""


Take: TypeAlias = "Callable[[int, sa.types.TypeEngine[Any]], Any]"
"""Gives the value with a number for a column of a type: the value itself, or the parameter that stands for it."""


class Conditions:
    """Translates conditions over one source, for one actor."""

    def __init__(self, source: Source, scopes: Scopes, readers: Callable[[Entity], Reader] | None = None) -> None:
        self._source, self._scopes, self._readers = source, scopes, readers

    def clause(self, condition: Condition) -> sa.ColumnElement[bool]:
        """One condition as SQL; raises BadRequest for operators and values that the field does not take."""
        form, values = read(self._source.shape, condition)
        return self.made(form, lambda number, _type: values[number])

    def made(self, form: Form, take: Take) -> sa.ColumnElement[bool]:
        """The SQL of all conditions of a form."""
        if form.beyond is not None:
            return self._beyond(form, form.beyond, take)
        if form.field in self._source.shape.overlay.keyed and form.operator in ("eq", "in") and not form.kind:
            return self._among_keys(form, take)
        columns = self._source.columns(form.field)
        column, operator = columns[1 if form.operator == "alike" else 0], form.operator
        if form.kind in ("true", "false"):
            return column.is_(None) if form.kind == "true" else column.is_not(None)
        if form.kind.startswith(_AMONG):
            written = sa.cast(column, sa.Text())
            return sa.or_(*(written.like(take(n, sa.String()), escape=ESCAPE) for n in range(int(form.kind.removeprefix(_AMONG)))))
        if form.kind == _SEVERAL:
            return column.in_(take(0, column.type))
        several = Keys() if operator == "in" and isinstance(column.type, sa.Uuid) else column.type
        value = take(0, sa.String() if form.kind in (_WORDS, _BOTH) else several)
        if operator == "contains":
            return column.icontains(value, escape=ESCAPE)
        if form.kind in (_WORDS, _BOTH):
            return self._named(form, column, value, take)
        compared = _COMPARE[operator](column, value) if operator in _COMPARE else _equal(column, operator, value)
        if form.kind == _REFERENCES:  # an id is one record's alone: no pair of one's id and another's entity is there to be found
            return sa.and_(compared, columns[1].in_(take(1, columns[1].type)))
        if form.kind != _PAIR:
            return compared
        second = take(1, columns[1].type)
        if operator == "ne":  # another amount, another currency, or none at all
            return sa.or_(compared, columns[1].is_distinct_from(second))
        return sa.and_(compared, columns[1] == second)

    def _beyond(self, form: Form, inner: Form, take: Take) -> sa.ColumnElement[bool]:
        """Of the record at the other end of a link, as far as the actor sees the field of it: what is unseen is as if it were not there."""
        field = self._source.shape.fields[form.field]
        target = self._source.shape.target(field) if isinstance(field, LinkField) else None
        assert target is not None and self._readers is not None
        reader = self._readers(target)
        source = Source(reader.shape, self._scopes, reader.shape.table.alias())
        holds = Conditions(source, self._scopes, self._readers).made(inner, take)
        reach = self._scopes.clause(target, source.table, reader.including(inner.field), Verb.READ)
        ids = sa.select(source.table.c.id).select_from(source.joined()).where(*source.live(), holds, *(() if reach is None else (reach,)))
        column = self._source.columns(form.field)[0]
        return column.in_(ids) if form.kind != _WITHOUT else sa.or_(column.not_in(ids), column.is_(None))

    def _among_keys(self, form: Form, take: Take) -> sa.ColumnElement[bool]:
        """A custom field whose values are found by an index."""
        shape = self._source.shape
        value = take(0, Word(shape.fields[form.field].column_type()))
        return self._source.table.c.id.in_(found(shape, form.field, self._source.tenant, value, several=form.operator == "in"))

    def _named(self, form: Form, column: sa.ColumnElement[Any], words: Any, take: Take) -> sa.ColumnElement[bool]:
        field = self._source.shape.fields[form.field]
        target = self._source.shape.target(field) if isinstance(field, LinkField) else None
        assert target is not None
        named = column.in_(self._ids_by_natural_key(target, words))
        there = sa.or_(named, among(column, take(1, Keys()))) if form.kind == _BOTH else named
        return sa.or_(sa.not_(there), column.is_(None)) if form.operator == "ne" else there

    def _ids_by_natural_key(self, target: Entity, words: Any) -> sa.Select[Any]:
        """The ids of records of `target` that one of `words` names, in a field that is visible on them."""
        table = target.record.table().alias()
        held, matches = self._scopes.grants_of(target, Verb.READ), list[sa.ColumnElement[bool]]()
        for name in target.match_fields:
            if not isinstance(target.record.__fields__[name], TextField):
                continue  # people call nothing by an amount: words are compared with text alone
            reach = self._scopes.clause(target, table, including(held, name), Verb.READ)  # a name that is hidden finds nothing
            named = table.c[target.record.__fields__[name].attribute].in_(words)
            matches.append(named if reach is None else sa.and_(named, reach))
        return sa.select(table.c.id).where(*self._scopes.live(target, table), sa.or_(sa.false(), *matches))


def read(shape: Shape, condition: Condition) -> tuple[Form, list[Any]]:
    """The form of a condition and its checked values; raises BadRequest for operators and values that the field does not take."""
    field, operator = shape.fields[condition.field], condition.operator
    if operator not in field.operators:
        raise BadRequest(
            _("field {field!r} has no operator {operator!r}; it has {operators}"), code="unknown_operator",
            field=condition.field, operator=operator, operators=", ".join(field.operators),
        )  # fmt: skip
    if operator == "empty":
        return Form(condition.field, operator, _empty(condition)), []
    if operator == "contains":
        return Form(condition.field, operator), [escaped(_contained(condition))]
    if len(condition.values) > MOST_VALUES:
        raise BadRequest(_("at most {limit} values in a filter, got {got}"), limit=MOST_VALUES, got=len(condition.values))
    values = [_value(field, condition, value) for value in condition.values]
    if isinstance(field, LinkField) and (words := [value.text for value in values if isinstance(value, NaturalKey)]):
        ids = [value for value in values if not isinstance(value, NaturalKey)]
        return Form(condition.field, operator, _BOTH if ids else _WORDS), [words, ids] if ids else [words]
    if isinstance(field, KeysField):  # kept as JSON, where a key stands in quotes and no other text does
        return Form(condition.field, operator, f"{_AMONG}{len(values)}"), [f'%"{escaped(str(value))}"%' for value in values]
    if isinstance(field, AnyRecordField):
        if operator == "in":
            entities = [*dict.fromkeys(value.entity for value in values)]  # few, and each is a parameter of its own
            return Form(condition.field, operator, _REFERENCES), [[value.id for value in values], entities]
        return Form(condition.field, operator, _PAIR), [values[0].id, values[0].entity]
    if operator == "alike":
        assert isinstance(field, TextField) and field.alike is not None
        keys = [field.alike(str(value)) for value in values]  # None is equal to nothing
        return (Form(condition.field, operator), keys) if len(keys) == 1 else (Form(condition.field, operator, _SEVERAL), [keys])
    if isinstance(field, MoneyField):
        money = values[0]
        assert isinstance(money, Money)
        return Form(condition.field, operator, _PAIR if money.currency else ""), [money.amount, money.currency]
    return Form(condition.field, operator), [values] if operator == "in" else values[:1]


def read_filter(reader: Reader, filter: Filter, visible: Mapping[str, Field]) -> tuple[list[Form], dict[str, Any]]:
    """The forms of a filter's conditions, and their values by the names of the parameters that stand for them."""
    forms, given = list[Form](), dict[str, Any]()
    for place, condition in enumerate(filter):
        form, values = _sought(reader, condition, visible, 0)
        forms.append(form)
        given |= {f"f{place}_{number}": value for number, value in enumerate(values)}
    return forms, given


def _sought(reader: Reader, condition: Condition, visible: Mapping[str, Field], depth: int) -> tuple[Form, list[Any]]:
    """A condition on a field, or on one beyond links: `owner.team=…` of a deal."""
    shape, path = reader.shape, condition.field
    own, rest = head(path, visible)
    if path in visible or own not in visible or not rest:
        shape_field(shape, path, visible)
        return read(shape, condition)
    field = shape.fields[own]
    target = shape.target(field) if isinstance(field, LinkField) else None
    if target is None:
        raise BadRequest(_("{field!r} is not a link, so it can’t be followed"), field=own)
    if depth == DEEPEST:
        raise BadRequest(_("{path!r} follows more than {most} links"), path=path[:80], most=DEEPEST)
    there = reader.work.reader(target)
    turned, kind = _turned(replace(condition, field=rest))
    form, values = _sought(there, turned, there.asked(), depth + 1)
    return Form(own, _BEYOND, kind, form, there.shape.mark), values


def _turned(condition: Condition) -> tuple[Condition, str]:
    """What is said of there being no such record is asked as the contrary of there being one: it holds where there is no record at all."""
    if condition.operator == "ne":
        return replace(condition, operator="eq"), _WITHOUT
    if condition.operator == "empty" and str(condition.values[0]).lower() == "true":
        return replace(condition, values=("false",)), _WITHOUT
    return condition, ""


def head(path: str, visible: Mapping[str, Field]) -> tuple[str, str]:
    """The first field of a path and what is left: `owner.team`, or `leads.campaign.channel`, where a plugin added the link."""
    own, _dot, rest = path.partition(".")
    if own in visible:
        return own, rest
    second, _dot, rest = rest.partition(".")
    return f"{own}.{second}", rest


def parameters(place: int) -> Take:
    """Parameters for the values of the condition at this place of a filter."""
    return lambda number, type_: sa.bindparam(f"f{place}_{number}", type_=type_)


def _equal(column: sa.ColumnElement[Any], operator: str, value: Any) -> sa.ColumnElement[bool]:
    if operator == "in":
        return among(column, value) if isinstance(column.type, sa.Uuid) else column.in_(value)
    return column == value if operator in ("eq", "alike") else column.is_distinct_from(value)


def escaped(words: str) -> str:
    """Words to be found as they stand, wildcards among them, by `icontains(…, escape=ESCAPE)`."""
    return words.replace(ESCAPE, ESCAPE * 2).replace("%", f"{ESCAPE}%").replace("_", f"{ESCAPE}_")


def _empty(condition: Condition) -> str:
    word = str(condition.values[0]).lower()
    if word not in ("true", "false"):
        raise BadRequest(_("{field}[empty] takes true or false, got {got!r}"), field=condition.field, got=word[:40])
    return word


def _contained(condition: Condition) -> str:
    word = str(condition.values[0])
    if not word or "\x00" in word or len(word) > 200:
        raise BadRequest(_("{field}[contains] takes 1 to 200 characters"), field=condition.field)
    return word


def _value(field: Field, condition: Condition, value: object) -> Any:
    try:
        if value is None:
            raise FlawError("malformed", _("expected a value"))
        word = plain_text(value, _LONGEST) if isinstance(value, str) else ""
        return field.sought(word) if word else _typed(field, value)
    except FlawError as flaw:
        raise BadRequest(
            _("the value {value!r} of filter {field!r} is invalid: {reason}"), code="bad_value",
            value=str(value)[:80], field=condition.field, reason=Flawed(flaw),
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
