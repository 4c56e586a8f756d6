"""The one query behind command and route."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sdk import Context, parse_where
from sdk.context import Row
from sdk.fields import MoneyField
from sdk.measures import field_at

PERMISSION = "reports.report.run"


def run(ctx: Context, entity: str, measures: Sequence[str], by: Sequence[str], where: Sequence[str]) -> list[Row]:
    """Rows of a report in JSON form; without a measure it counts. Raises BadRequest and NotFound."""
    return ctx.records(entity).aggregate(words(measures) or ["count"], words(by), parse_where(where))


def unpriced(ctx: Context, entity: str, measures: Sequence[str], where: Sequence[str]) -> dict[str, int]:
    """How many records have an amount, and none where the platform works one out of it: without a rate they are counted, not priced."""
    found = dict[str, int]()
    for word in words(measures):
        function, _colon, path = word.partition(":")
        field = field_at(ctx, entity, path) if function in ("sum", "avg") else None
        if isinstance(field, MoneyField) and field.readonly:
            counts = [_counted(ctx, entity, [*where, f"{path}[empty]=true", *more]) for more in _amounts(ctx, entity, path)]
            found[word] = max(counts, default=0)
    return {word: count for word, count in found.items() if count}


def _amounts(ctx: Context, entity: str, path: str) -> Iterator[list[str]]:
    """What says that there is an amount beside the one at a path, by field."""
    way, _dot, own = path.rpartition(".")
    fields = ctx.records(entity).fields()
    if way:
        yield []
    for name, field in fields.items() if not way else ():
        if isinstance(field, MoneyField) and name != own:
            yield [f"{name}[empty]=false"]


def _counted(ctx: Context, entity: str, where: Sequence[str]) -> int:
    (row,) = ctx.records(entity).aggregate(["count"], (), parse_where(where))
    return int(str(row["count"]))


def words(written: Sequence[str]) -> list[str]:
    """Names may be repeated or written with commas between."""
    return [word.strip() for words in written for word in words.split(",") if word.strip()]
