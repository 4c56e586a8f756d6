"""Counts, sums and averages by dimensions: one SQL statement, with the same rights as a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import sqlalchemy as sa

from core.data.local_time import GRAINS, bucket, local_time
from core.entities.conditions import Conditions, shape_field
from core.entities.read import Reader, title_column
from core.entities.shape import Source
from sdk import BadRequest, Filter, Verb, _
from sdk.columns import SCALE
from sdk.fields import DateTimeField, DecimalField, Field, LinkField, MoneyField, ReportRole, exact_text
from sdk.fields.money import money_wire
from sdk.fields.time import DateField

FUNCTIONS = ("count", "sum", "avg")
MOST_GROUPS = 10_000


@dataclass(frozen=True)
class Measure:
    """`count`, `sum:amount`, `avg:amount`."""

    word: str
    function: str
    field: Field | None = None


@dataclass(frozen=True)
class Dimension:
    """`stage`, `close_date:month`; a link's title comes with its id."""

    word: str
    field: Field
    grain: str = ""


class Aggregation:
    """One aggregate query over one entity for one actor."""

    def __init__(self, reader: Reader) -> None:
        self.reader, self.shape = reader, reader.shape
        self.visible = reader.visible()
        self.source = Source(reader.shape, reader.scopes)
        self._titles: list[tuple[Any, sa.ColumnElement[bool]]] = []

    def rows(self, measures: Sequence[str], by: Sequence[str], filter: Filter, limit: int) -> list[dict[str, Any]]:
        """One row a group, in the order of the dimensions; money is summed for each currency apart."""
        self.reader.require()
        if not measures:
            raise BadRequest(_("name at least one measure, such as count or sum:amount"))
        wanted = [self._measure(word) for word in dict.fromkeys(measures)]
        dimensions = [self._dimension(word) for word in dict.fromkeys(by)]
        currencies = list(dict.fromkeys(m.field.name for m in wanted if isinstance(m.field, MoneyField)))
        groups = [column for dimension in dimensions for column in self._group(dimension)]
        split = [self.source.columns(name)[1] for name in currencies]
        sums = [column for measure in wanted for column in self._columns(measure)]
        names = [d.field.name for d in dimensions] + [m.field.name for m in wanted if m.field]
        conditions = Conditions(self.source, self.reader.scopes)
        clauses = []
        for condition in filter:
            shape_field(self.shape, condition.field, self.visible)
            clauses.append(conditions.clause(condition))
        reach = self.reader.reach(self.source, [*names, *(c.field for c in filter)])
        statement = sa.select(*groups, *split, *sums).where(*reach, *clauses).select_from(self._joined())
        if groups or split:
            statement = statement.group_by(*groups, *split)
        statement = statement.order_by(*(column.asc().nulls_last() for column in [*groups, *split])).limit(MOST_GROUPS + 1)
        found = self.reader.work.connection.execute(statement).all()
        if len(found) > MOST_GROUPS:
            raise BadRequest(_("more than {most} groups; group by fewer or coarser dimensions, or filter"), most=MOST_GROUPS)
        return self._merged(found, dimensions, currencies, wanted)[:limit]

    def _measure(self, word: str) -> Measure:
        function, _colon, name = word.partition(":")
        if function not in FUNCTIONS or bool(name) == (function == "count"):
            raise BadRequest(_("cannot read the measure {word!r}; write count, sum:field or avg:field"), word=word[:80])
        if function == "count":
            return Measure(word, function)
        field = shape_field(self.shape, name, self.visible)
        if field.role is not ReportRole.MEASURE:
            raise BadRequest(_("{field!r} cannot be added up"), field=name)
        return Measure(word, function, field)

    def _dimension(self, word: str) -> Dimension:
        name, _colon, grain = word.partition(":")
        field = shape_field(self.shape, name, self.visible)
        if field.role is not ReportRole.DIMENSION:
            raise BadRequest(_("cannot group by {field!r}"), field=name)
        dated = isinstance(field, DateField | DateTimeField)
        if grain and (not dated or grain not in GRAINS):
            raise BadRequest(
                _("cannot group {field!r} by {grain!r}; dates have {grains}"), field=name, grain=grain[:40], grains=", ".join(GRAINS)
            )
        return Dimension(word, field, grain or ("day" if isinstance(field, DateTimeField) else ""))

    def _group(self, dimension: Dimension) -> list[sa.ColumnElement[Any]]:
        column = self.source.columns(dimension.field.name)[0]
        if isinstance(dimension.field, LinkField):
            return [self._title(dimension.field, column), column]
        if not dimension.grain:
            return [column]
        if isinstance(dimension.field, DateTimeField):
            column = local_time(column, sa.literal_column(f"'{self.reader.work.tenant.timezone}'"))
        return [bucket(column, dimension.grain)]

    def _title(self, field: LinkField, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """The target's title, for those who may read it there; a join, so that the statement stays one."""
        target = self.shape.target(field)
        assert target is not None
        reader = self.reader.work.reader(target)
        if target.title not in reader.visible():
            return sa.null()
        other = target.record.table().alias(f"title_{field.attribute}")
        on = [other.c.tenant_id == self.source.tenant, other.c.id == column]
        reach = reader.scopes.clause(target, other, reader.scopes.grants_of(target, Verb.READ), Verb.READ)
        self._titles.append((other, sa.and_(*on) if reach is None else sa.and_(*on, reach)))
        return title_column(target, other)

    def _joined(self) -> Any:
        joined: Any = self.source.joined()
        for table, on in self._titles:
            joined = joined.outerjoin(table, on)
        return joined

    def _columns(self, measure: Measure) -> list[sa.ColumnElement[Any]]:
        if measure.field is None:
            return [sa.func.count()]
        column = self.source.columns(measure.field.name)[0]
        if measure.function == "sum":
            return [sa.func.sum(column, type_=column.type)]
        return [sa.func.sum(column, type_=column.type), sa.func.count(column)]

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
                    pair[0] = part[at] if pair[0] is None else pair[0] + part[at]
                    pair[1] += part[at + 1] if measure.function == "avg" else 0
            totals[measure.word] = _shown(measure, {c: p for c, p in pairs.items() if p[0] is not None})
            at += 2 if measure.function == "avg" else 1
        return totals


def _shown(measure: Measure, pairs: dict[Any, list[Any]]) -> object:
    """Money: one amount, or a list where there are several currencies. Other numbers: exact text, whole numbers as such."""
    values = {currency: _mean(total, n) if measure.function == "avg" else total for currency, (total, n) in pairs.items()}
    if isinstance(measure.field, MoneyField):
        amounts = [money_wire(Decimal(value), currency) for currency, value in sorted(values.items())]
        return (amounts[0] if len(amounts) == 1 else amounts) if amounts else None
    if not values:
        return None
    value = next(iter(values.values()))
    if measure.function == "avg" or isinstance(measure.field, DecimalField):
        return exact_text(Decimal(value))
    return int(value)


def _mean(total: Any, count: int) -> Decimal:
    return (Decimal(total) / count).quantize(Decimal(1).scaleb(-SCALE), ROUND_HALF_EVEN)


def aggregate(reader: Reader, measures: Sequence[str], by: Sequence[str], filter: Filter, limit: int) -> list[dict[str, Any]]:
    """See `sdk.Records.aggregate`."""
    return Aggregation(reader).rows(measures, by, filter, limit)
