"""The one query behind command and route."""

from __future__ import annotations

from collections.abc import Sequence

from plugins.reports.words import field_at
from sdk import Context, parse_where
from sdk.context import Row
from sdk.fields import MoneyField

PERMISSION = "reports.report.run"


def run(ctx: Context, entity: str, measures: Sequence[str], by: Sequence[str], where: Sequence[str]) -> list[Row]:
    """Rows of a report in JSON form; without a measure it counts. Raises BadRequest and NotFound."""
    return ctx.records(entity).aggregate(words(measures) or ["count"], words(by), parse_where(where))


def unpriced(ctx: Context, entity: str, measures: Sequence[str], where: Sequence[str]) -> dict[str, int]:
    """How many records have nothing to add up in an amount that the platform works out: without a rate they are counted, not priced."""
    found = dict[str, int]()
    for word in words(measures):
        function, _colon, path = word.partition(":")
        field = field_at(ctx, entity, path) if function in ("sum", "avg") else None
        if isinstance(field, MoneyField) and field.readonly:
            (row,) = ctx.records(entity).aggregate(["count"], (), parse_where([*where, f"{path}[empty]=true"]))
            if row["count"]:
                found[word] = int(str(row["count"]))
    return found


def words(written: Sequence[str]) -> list[str]:
    """Names may be repeated or written with commas between."""
    return [word.strip() for words in written for word in words.split(",") if word.strip()]
