"""Values that are read but never stored where they are shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql import FromClause

from sdk.fields.base import Field

Source: TypeAlias = "Callable[[FromClause], sa.ColumnElement[object]]"
"""From the extended entity's table to a correlated scalar expression; carries the tenant in its own WHERE."""


@dataclass(frozen=True)
class Computed:
    """A read-only field whose value an SQL expression gives."""

    field: Field
    source: Source


def computed(column: object, source: Source) -> Computed:
    """A computed field of the same type as `column` (what `f.integer(...)` and its like return)."""
    info = getattr(getattr(column, "column", None), "info", {})
    found = info.get("field")
    if not isinstance(found, Field) or found.siblings():
        raise TypeError("computed() expects a field of one column, such as f.integer(_('Orders'))")
    return Computed(replace(found, readonly=True), source)


def over(link: InstrumentedAttribute[Any], value: sa.ColumnElement[Any]) -> Source:
    """What `value` (a count, a sum, the latest) is over the records whose `link` points to the extended record.

    `over(Order.account_id, sa.func.count())`: within the tenant, without what is in the recycle bin.
    """
    record = link.class_

    def source(extended: FromClause) -> sa.ColumnElement[object]:
        mine = (record.tenant_id == extended.c.tenant_id, link == extended.c.id, record.deleted_at.is_(None))
        return sa.select(value).select_from(record).where(*mine).correlate(extended).scalar_subquery()

    return source
