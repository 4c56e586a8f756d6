"""Values that are read but never stored where they are shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import sqlalchemy as sa
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
