"""Values that are read but never stored where they are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import sqlalchemy as sa
from sqlalchemy.sql import FromClause, visitors

from sdk.fields.base import Field, Mapped

if TYPE_CHECKING:
    from sdk.entities import Record


class Reach(Protocol):
    """What a computed field may look at."""

    def __call__(self, record: type[Record], columns: Iterable[str], /) -> list[sa.ColumnElement[bool]]:
        """The WHERE of a record class: the tenant's live rows on which the reader sees all of the named columns."""
        ...

    def beyond(self, link: str, columns: Iterable[str]) -> tuple[FromClause, list[sa.ColumnElement[bool]]] | None:
        """The record that a link of the extended one leads to, also one of another plugin: a table with the named columns, and its WHERE: where
        the reader sees the link, and the columns there. None where the tenant has no such link."""
        ...


Source: TypeAlias = "Callable[[FromClause, Reach], sa.ColumnElement[object]]"
"""From the extended entity's table to a correlated scalar expression over rows within the reader's reach."""


@dataclass(frozen=True)
class Computed:
    """A read-only field whose columns SQL expressions give, one source a column."""

    field: Field
    sources: tuple[Source, ...]
    needs: tuple[str, ...] = ()
    """The fields of the extended record that it is made from: who does not see them does not see it."""

    def columns(self, extended: FromClause, reach: Reach) -> list[sa.ColumnElement[Any]]:
        """The expressions for one statement."""
        return [source(extended, reach) for source in self.sources]


def computed(column: object, *sources: Source, needs: tuple[str, ...] = ()) -> Computed:
    """A computed field of the same type as `column` (what `f.integer(...)` and its like return).

    One source for each of its columns: one, but for money its amount and its currency. Raises TypeError for anything else. `needs` names
    fields of the extended record itself that it is made from.
    """
    if not isinstance(column, Mapped):
        raise TypeError("computed() expects a field, such as f.integer(_('Orders'))")
    found = column.field
    if len(sources) != 1 + len(found.siblings()):
        raise TypeError(f"computed() expects {1 + len(found.siblings())} source(s) for a {found.kind} field, got {len(sources)}")
    return Computed(replace(found, readonly=True), sources, needs)


def sifted(*conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Conditions that sift rows one by one and lead to none: databases have no index for what stands in a CASE.

    For what is looked up anew for each row that is shown: without statistics, which SQLite never has and PostgreSQL not of what has just come, the
    index of a state or an owner looks as good as that of the link, and all records in that state would be read for each row.
    """
    return sa.case((sa.and_(*conditions), sa.true()), else_=sa.false())


def over(link: sa.Column[Any], value: sa.ColumnElement[Any]) -> Source:
    """What `value` (a count, a sum, the latest) is over the records whose `link` points to the extended record.

    `over(Order.account_id, sa.func.count())`: of those that the reader sees, without what is in the recycle bin; rows whose
    summed field is hidden from the reader do not count.
    """
    record: type[Record] | None = getattr(getattr(link, "table", None), "info", {}).get("record")
    if record is None:
        raise TypeError("over() expects a link of a record, such as Order.account_id")
    used = {link.key} | {part.name for part in visitors.iterate(value) if isinstance(part, sa.Column)}

    def source(extended: FromClause, reach: Reach) -> sa.ColumnElement[object]:
        mine = (link == extended.c.id, *reach(record, used))
        return sa.select(value).select_from(record.table()).where(*mine).correlate(extended).scalar_subquery()

    return source
