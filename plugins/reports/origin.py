"""Where a number comes from: the list of the records that are counted in it, as the pairs of its address."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from plugins.reports.periods import bounds, days_of
from sdk import Context
from sdk.context import Row
from sdk.fields import AnyRecordField, DateTimeField, Field, LinkField
from sdk.fields.time import DateField
from sdk.measures import field_at

Pairs = list[tuple[str, str]]


def pairs(ctx: Context, entity: str, by: Sequence[str], where: Sequence[str], row: Row) -> Pairs | None:
    """The filter of the records behind a row: that of the report, and what the row is about. None where no filter says it."""
    found: Pairs = [(name.strip(), value) for name, _equals, value in (one.partition("=") for one in where)]
    for word in by:
        path, _colon, grain = word.partition(":")
        field = field_at(ctx, entity, path)
        more = None if field is None else _of_one(ctx, field, path, grain, row.get(f"{word}.id", row.get(word)))
        if more is None:
            return None
        found += more
    return found


def _of_one(ctx: Context, field: Field, path: str, grain: str, value: object) -> Pairs | None:
    if value is None:
        return [(f"{path}[empty]", "true")]
    if isinstance(field, AnyRecordField):  # its groups are by entity, its filters by record
        return None
    if isinstance(field, LinkField):
        return [(path, str(value))]
    if isinstance(field, DateTimeField):
        return bounds(path, *days_of(str(value), grain or "day", ctx.tenant), ctx.tenant, instants=True)
    if isinstance(field, DateField):
        first, last = days_of(str(value), grain, ctx.tenant)
        return [(path, first.isoformat())] if first == last else bounds(path, first, last, ctx.tenant, instants=False)
    return [(path, str(value).lower() if isinstance(value, bool) else str(value))]


def address(ctx: Context, entity: str, found: Pairs | None) -> str:
    """The list, relative to the prefix of all pages; "" where there is none."""
    if found is None:
        return ""
    one = ctx.entity(entity)
    written = "&".join(f"{quote(name, safe='[]')}={quote(value, safe='')}" for name, value in found)
    return f"/{one.plugin}/{one.plural}" + (f"?{written}" if written else "")
