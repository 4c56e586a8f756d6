"""Counts, sums and averages by dimensions: one SQL statement, with the same rights as a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import sqlalchemy as sa

from core.data.local_time import GRAINS, bucket, local_time
from core.entities.conditions import DEEPEST, Conditions, head, shape_field
from core.entities.journal import plain
from core.entities.pages import searching, sought
from core.entities.read import Reader, title_column
from core.entities.shape import Source
from core.policy.grants import Grant
from sdk import BadRequest, Filter, Verb, _
from sdk.columns import SCALE
from sdk.fields import AnyRecordField, DateTimeField, DecimalField, Field, IntegerField, LinkField, MoneyField, ReportRole, exact_text
from sdk.fields.money import money_wire
from sdk.fields.time import DateField

FUNCTIONS = ("count", "distinct", "sum", "avg", "min", "max")
MOST_GROUPS = 10_000
PLACE = "position"
"""The field by which records have an order of their own."""


@dataclass(frozen=True)
class Measure:
    """`count`, `distinct:account`, `sum:amount`, `avg:amount`, `min:close_date`, `max:close_date`."""

    word: str
    function: str
    field: Field | None = None


@dataclass(frozen=True)
class Dimension:
    """`stage`, `close_date:month`, `owner.team` (a field of a linked record); a link's title comes with its id."""

    word: str
    field: Field
    source: Source
    grain: str = ""
    own: str = ""
    """The field of the entity itself that it starts from."""


class Aggregation:
    """One aggregate query over one entity for one actor."""

    def __init__(self, reader: Reader) -> None:
        self.reader, self.shape = reader, reader.shape
        self.visible = reader.asked()
        self.source = Source(reader.shape, reader.scopes)
        self._joins: list[tuple[Any, sa.ColumnElement[bool]]] = []
        self._beyond: dict[tuple[str, tuple[Grant, ...]], Source] = {}

    def rows(self, measures: Sequence[str], by: Sequence[str], filter: Filter, limit: int, q: str = "") -> list[dict[str, Any]]:
        """One row a group, in the order of the dimensions; money is summed for each currency apart."""
        self.reader.require()
        if not measures:
            raise BadRequest(_("choose at least one measure, such as count or sum:amount"))
        wanted = [self._measure(word) for word in dict.fromkeys(measures)]
        dimensions = [self._dimension(word) for word in dict.fromkeys(by)]
        currencies = list(dict.fromkeys(m.field.name for m in wanted if isinstance(m.field, MoneyField)))
        grouped = [(self._group(dimension), self._rank(dimension)) for dimension in dimensions]
        groups, ranks = ([column for pair in grouped for column in pair[part]] for part in (0, 1))
        split = [self.source.columns(name)[1] for name in currencies]
        sums = [column for measure in wanted for column in self._columns(measure)]
        names = [d.own for d in dimensions] + [m.field.name for m in wanted if m.field]
        clauses = []
        for condition in filter:
            source, field, own = self._place(condition.field)
            clauses.append(Conditions(source, self.reader.scopes).clause(replace(condition, field=field.name)))
            names.append(own)
        if q:
            clauses.append(searching(self.reader, self.source, self.visible, sa.literal(sought(q))))
        reach = self.reader.reach(self.source, names)
        statement = sa.select(*groups, *split, *sums).where(*reach, *clauses).select_from(self._joined())
        if groups or split:
            statement = statement.group_by(*groups, *ranks, *split)
        order = [column for columns, rank in grouped for column in (*rank, *columns)]
        statement = statement.order_by(*(column.asc().nulls_last() for column in [*order, *split])).limit(MOST_GROUPS + 1)
        found = self.reader.work.connection.execute(statement).all()
        if len(found) > MOST_GROUPS:
            raise BadRequest(_("more than {most} groups; group by fewer or coarser dimensions, or add a filter"), most=MOST_GROUPS)
        return self._merged(found, dimensions, currencies, wanted)[:limit]

    def _measure(self, word: str) -> Measure:
        function, _colon, name = word.partition(":")
        if function not in FUNCTIONS or bool(name) == (function == "count"):
            raise BadRequest(
                _("invalid measure {word!r}; use count, distinct:field, sum:field, avg:field, min:field or max:field"),
                word=word[:80],
            )
        if function == "count":
            return Measure(word, function)
        field = shape_field(self.shape, name, self.visible)
        if function == "distinct":
            if field.role is not ReportRole.DIMENSION:
                raise BadRequest(_("can’t count distinct values of {field!r}"), field=name)
        elif field.role is not ReportRole.MEASURE and not (function in ("min", "max") and isinstance(field, DateField | DateTimeField)):
            raise BadRequest(_("{field!r} can’t be summed"), field=name)
        return Measure(word, function, field)

    def _dimension(self, word: str) -> Dimension:
        path, _colon, grain = word.partition(":")
        source, field, own = self._place(path)
        if field.role is not ReportRole.DIMENSION:
            raise BadRequest(_("can’t group by {field!r}"), field=path)
        dated = isinstance(field, DateField | DateTimeField)
        if grain and (not dated or grain not in GRAINS):
            raise BadRequest(
                _("can’t group {field!r} by {grain!r}; dates can be grouped by {grains}"),
                field=path,
                grain=grain[:40],
                grains=", ".join(GRAINS),
            )
        return Dimension(word, field, source, grain or ("day" if isinstance(field, DateTimeField) else ""), own)

    def _place(self, path: str) -> tuple[Source, Field, str]:
        """Where the field at the end of a path is: `stage`, or `owner.team` over a link. What one may not see there is unknown."""
        own, rest = head(path, self.visible)
        if path in self.visible or own not in self.visible or not rest:
            return self.source, shape_field(self.shape, path, self.visible), path
        source, visible, left = self.source, self.visible, path
        for _level in range(DEEPEST):
            link, left = head(left, visible)
            field = shape_field(source.shape, link, visible)
            target = source.shape.target(field) if isinstance(field, LinkField) else None
            if target is None or not isinstance(field, LinkField):
                raise BadRequest(_("{field!r} is not a link, so it can’t be followed"), field=link)
            reader = self.reader.work.reader(target)
            visible = reader.asked()
            last = left in visible or "." not in left
            following = left if last else head(left, visible)[0]
            shape_field(reader.shape, following, visible)
            source = self._across(source, field, reader, following)
            if last:
                return source, reader.shape.fields[left], own
        raise BadRequest(_("{path!r} follows more than {most} links"), path=path[:80], most=DEEPEST)

    def _across(self, source: Source, link: LinkField, reader: Reader, name: str) -> Source:
        """The records at the other end of a link, as far as the actor sees the named field of them: a join, so that the statement stays one."""
        grants = reader.including(name)
        column = source.columns(link.name)[0]
        key = (str(column), grants)
        if key not in self._beyond:
            table = reader.shape.table.alias(f"beyond_{len(self._beyond)}")
            reach = reader.scopes.clause(reader.entity, table, grants, Verb.READ)
            on = sa.and_(*reader.scopes.live(reader.entity, table), table.c.id == column)
            self._joins.append((table, on if reach is None else sa.and_(on, reach)))
            self._beyond[key] = Source(reader.shape, self.reader.scopes, table)
        return self._beyond[key]

    def _group(self, dimension: Dimension) -> list[sa.ColumnElement[Any]]:
        column, *more = dimension.source.columns(dimension.field.name)
        if isinstance(dimension.field, AnyRecordField):  # by entity
            return more
        if isinstance(dimension.field, LinkField):
            return [self._title(dimension.source, dimension.field), column]
        if not dimension.grain:
            return [column]
        if isinstance(dimension.field, DateTimeField):
            column = local_time(column, sa.literal_column(f"'{self.reader.work.tenant.timezone}'"))
        tenant = self.reader.work.tenant
        return [bucket(column, dimension.grain, tenant.week_start if dimension.grain == "week" else tenant.fiscal_year_start)]

    def _rank(self, dimension: Dimension) -> list[sa.ColumnElement[Any]]:
        """The place of what a link leads to, where such records have one: the stages of a process come in their order."""
        target = dimension.source.shape.target(dimension.field) if isinstance(dimension.field, LinkField) else None
        reader = self.reader.work.reader(target) if target is not None else None
        if reader is None or not isinstance(reader.visible().get(PLACE), IntegerField) or not isinstance(dimension.field, LinkField):
            return []
        return [*self._across(dimension.source, dimension.field, reader, PLACE).columns(PLACE)]

    def _title(self, source: Source, field: LinkField) -> sa.ColumnElement[Any]:
        """The target's title, for those who may read it there."""
        target = source.shape.target(field)
        assert target is not None
        reader = self.reader.work.reader(target)
        if target.title not in reader.asked():
            return sa.cast(sa.null(), sa.String())  # PostgreSQL orders by no bare NULL
        return title_column(target, self._across(source, field, reader, target.title).table)

    def _joined(self) -> Any:
        joined: Any = self.source.joined()
        for there, source in zip(self._joins, self._beyond.values(), strict=True):  # its side tables before what their links lead to
            for table, on in (there, *source.joins()):
                joined = joined.outerjoin(table, on)
        return joined

    def _columns(self, measure: Measure) -> list[sa.ColumnElement[Any]]:
        if measure.field is None:
            return [sa.func.count()]
        column = self.source.columns(measure.field.name)[0]
        if measure.function == "distinct":
            return [sa.func.count(column.distinct())]
        if measure.function in ("min", "max"):
            return [sa.func.min(column, type_=column.type) if measure.function == "min" else sa.func.max(column, type_=column.type)]
        total = sa.func.sum(column, type_=column.type)
        return [total] if measure.function == "sum" else [total, sa.func.count(column)]

    # --- results -------------------------------------------------------------------------------------------------

    def _merged(
        self, found: Sequence[Any], dimensions: Sequence[Dimension], currencies: Sequence[str], wanted: Sequence[Measure]
    ) -> list[dict[str, Any]]:
        """Put the rows of one group, one for each currency, together: counts add up, amounts stay apart."""
        width = sum(2 if isinstance(d.field, LinkField) else 1 for d in dimensions)
        groups: dict[tuple[Any, ...], list[Any]] = {}
        for row in found:
            groups.setdefault(tuple(row[:width]), []).append(row[width:])
        return [{**self._labels(key, dimensions), **self._totals(parts, currencies, wanted)} for key, parts in groups.items()] or (
            [] if dimensions else [self._totals([], currencies, wanted)]
        )

    def _labels(self, key: tuple[Any, ...], dimensions: Sequence[Dimension]) -> dict[str, Any]:
        labels: dict[str, Any] = {}
        at = 0
        for dimension in dimensions:
            labels[dimension.word] = key[at]
            if isinstance(dimension.field, LinkField):
                labels[dimension.word] = plain(key[at])  # what a record is called may be a number or an instant
                labels[f"{dimension.word}.id"] = key[at + 1]
                at += 1
            at += 1
        return labels

    def _totals(self, parts: Sequence[Any], currencies: Sequence[str], wanted: Sequence[Measure]) -> dict[str, Any]:
        totals: dict[str, Any] = {}
        at = len(currencies)
        for measure in wanted:
            if measure.field is None:
                totals[measure.word] = sum(part[at] for part in parts)
                at += 1
                continue
            pairs: dict[Any, list[Any]] = {}
            for part in parts:
                currency = part[currencies.index(measure.field.name)] if measure.field.name in currencies else None
                pair = pairs.setdefault(currency, [None, 0])
                if part[at] is not None:
                    pair[0] = part[at] if pair[0] is None else _joined_value(measure.function, pair[0], part[at])
                    pair[1] += part[at + 1] if measure.function == "avg" else 0
            totals[measure.word] = _shown(measure, {c: p for c, p in pairs.items() if p[0] is not None})
            at += 2 if measure.function == "avg" else 1
        return totals


def _shown(measure: Measure, pairs: dict[Any, list[Any]]) -> object:
    """Money: one amount, or a list where there are several currencies. Other numbers: exact text, whole numbers as such."""
    places = measure.field.places if isinstance(measure.field, DecimalField) else SCALE
    values = {currency: _mean(total, n, places) if measure.function == "avg" else total for currency, (total, n) in pairs.items()}
    if isinstance(measure.field, MoneyField):
        amounts = [money_wire(Decimal(value), currency) for currency, value in sorted(values.items())]
        return (amounts[0] if len(amounts) == 1 else amounts) if amounts else None
    if not values:
        return None
    value = next(iter(values.values()))
    if measure.function in ("min", "max") and isinstance(value, date):
        return plain(value)
    if measure.function == "avg" or isinstance(measure.field, DecimalField):
        return exact_text(Decimal(value), 0, places)
    return int(value)


def _joined_value(function: str, one: Any, other: Any) -> Any:
    """The value of a group that came in parts, one for each currency."""
    return min(one, other) if function == "min" else max(one, other) if function == "max" else one + other


def _mean(total: Any, count: int, places: int) -> Decimal:
    return (Decimal(total) / count).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)


def aggregate(reader: Reader, measures: Sequence[str], by: Sequence[str], filter: Filter, limit: int, q: str = "") -> list[dict[str, Any]]:
    """See `sdk.Records.aggregate`."""
    apart = [word for word in measures if word.startswith("distinct:")]
    if not apart or len(apart) == len(measures):
        return Aggregation(reader).rows(measures, by, filter, limit, q)
    # What differs is counted in a statement of its own: the parts of a group, one for each currency, share values.
    rows = Aggregation(reader).rows([word for word in measures if word not in apart], by, filter, limit, q)
    counted = Aggregation(reader).rows(apart, by, filter, limit, q)
    return [{**row, **{word: other[word] for word in apart}} for row, other in zip(rows, counted, strict=True)]
