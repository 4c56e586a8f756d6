"""Roll-ups: a count, sum, least or greatest over the records that point to the one that shows it.

Nothing is stored: a stored total would count rows that its reader may not see, and has to be right after every way of moving a record.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import sqlalchemy as sa
from sqlalchemy.sql import FromClause

from core.custom import keys
from core.custom.definition import Definition
from core.custom.kinds import told
from core.policy.grants import including
from sdk import BadRequest, Filter, Verb, _, parse_filter
from sdk import fields as f
from sdk.fields import DateField, DateTimeField, DecimalField, Field, IntegerField, LinkField, MoneyField

if TYPE_CHECKING:
    from core.entities.shape import Shape, Source
    from core.policy.scopes import Scopes

FUNCTIONS = ("count", "sum", "min", "max")
_ADDED, _COMPARED = (IntegerField, DecimalField, MoneyField), (DateField, DateTimeField)


@dataclass(frozen=True)
class RollUp:
    """What a definition says, found in the registry."""

    field: Field
    source: Shape
    link: LinkField
    function: str
    measured: Field | None
    filter: Filter

    def names(self) -> Iterable[str]:
        """The fields of the source that it looks at; a row on which the reader does not see them all does not count."""
        yield self.link.name
        yield from (condition.field for condition in self.filter)
        if self.measured is not None:
            yield self.measured.name

    def columns(self, extended: FromClause, scopes: Scopes) -> list[sa.ColumnElement[Any]]:
        """The columns of the field, for rows of `extended` and what the actor reaches of those that point to them."""
        from core.entities.conditions import Conditions  # noqa: PLC0415 (conditions are made over shapes, and shapes know this)
        from core.entities.shape import Source  # noqa: PLC0415 (as above)

        source = Source(self.source, scopes, self.source.table.alias(self.field.attribute))
        grants = scopes.grants_of(self.source.entity, Verb.READ)
        for name in self.names():
            for needed in self.source.needs(name):
                grants = including(grants, needed)
        reach = scopes.clause(self.source.entity, source.table, grants, Verb.READ)
        asked = Conditions(source, scopes)
        sifted = [asked.clause(one) for one in self.filter]
        if reach is not None:
            sifted.append(reach)
        mine = [*source.live(), self._points(source, extended), *([f.sifted(*sifted)] if sifted else [])]
        return [
            sa.select(value).select_from(source.joined()).where(*mine).correlate(extended).scalar_subquery()
            for value in self._values(source)
        ]

    def _points(self, source: Source, extended: FromClause) -> sa.ColumnElement[bool]:
        """Which rows of the source point to the row that shows the field; by the index, also where the link is one of the tenant's own."""
        if self.link.name not in self.source.overlay.keyed:
            return source.columns(self.link.name)[0] == extended.c.id
        pointing = keys.found(self.source, self.link.name, source.tenant, keys.id_word(extended.c.id), several=False)
        return source.table.c.id.in_(pointing.correlate(extended))

    def _values(self, source: Source) -> list[sa.ColumnElement[Any]]:
        if self.measured is None:
            return [sa.func.count()]
        main, *others = source.columns(self.measured.name)
        made = getattr(sa.func, self.function)(main, type_=main.type)
        if not isinstance(self.measured, MoneyField):
            return [made]
        (currency,) = others
        least, most = sa.func.min(currency, type_=currency.type), sa.func.max(currency, type_=currency.type)
        # Amounts of several currencies have no sum.
        return [sa.case((least == most, made), else_=sa.null()), sa.case((least == most, least), else_=sa.null())]


def roll_up(definition: Definition, shape: Shape) -> RollUp:
    """The roll-up on an entity; raises BadRequest naming the part of the definition (`reason`) that does not fit what there is."""
    catalog, entity = shape.catalog, shape.entity
    found = catalog.entities.get(definition.source)
    if found is None or found.plugin not in shape.enabled:
        raise BadRequest(_("entity {name!r} does not exist here"), code="source", name=definition.source[:80])
    source = shape.beside(found)
    link = source.fields.get(definition.link)
    if not isinstance(link, LinkField) or catalog.target(link, found) != entity.full_name:
        text = _("{source} has no link {name!r} to {entity}")
        raise BadRequest(text, code="link", source=found.full_name, name=definition.link[:80], entity=entity.full_name)
    if link.name in source.overlay.fields and link.name not in source.overlay.keyed:
        raise BadRequest(
            _("the link {name!r} is not indexed; create one with `indexed`, so that records can be found by it"),
            code="link",
            name=link.name,
        )
    function, colon, name = definition.measure.partition(":")
    measured = source.fields.get(name) if colon else None
    fits = _ADDED if function == "sum" else (*_ADDED, *_COMPARED)
    if function not in FUNCTIONS or bool(colon) == (function == "count") or (colon and not isinstance(measured, fits)):
        text = _("invalid measure {word!r}; use count, sum:field, min:field or max:field, with a number, amount or date field")
        raise BadRequest(text, code="measure", word=definition.measure[:80])
    return RollUp(_field(definition, measured), source, link, function, measured, _filter(definition, source))


def _field(definition: Definition, measured: Field | None) -> Field:
    bare: Field = f.integer(told(definition.label, definition.label_zh), readonly=True).field if measured is None else measured
    asked = replace(bare, label=told(definition.label, definition.label_zh), required=False, unique=False, search=False, match=False, track=False,
                    index=False, readonly=True, default=None, sensitive=definition.sensitive or bare.sensitive, owner="core")  # fmt: skip
    return asked.bound(definition.name, definition.slot)


def _filter(definition: Definition, source: Shape) -> Filter:
    from core.entities.conditions import read, shape_field  # noqa: PLC0415 (as above)

    try:
        found = parse_filter(parse_qsl(definition.where, keep_blank_values=True, strict_parsing=True) if definition.where else ())
        for condition in found:
            shape_field(source, condition.field, source.fields)
            read(source, condition)
    except ValueError as failure:
        text = _("invalid filter {name!r}; use field=value or field[operator]=value")
        raise BadRequest(text, code="where", name=definition.where[:80]) from failure
    except BadRequest as refusal:
        raise BadRequest.of("where", refusal.message, refusal.params) from refusal
    return found
