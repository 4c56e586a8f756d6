"""The one query behind command and route."""

from __future__ import annotations

from collections.abc import Sequence

from sdk import Context, parse_where
from sdk.context import Row

PERMISSION = "reports.report.run"


def run(ctx: Context, entity: str, measures: Sequence[str], by: Sequence[str], where: Sequence[str]) -> list[Row]:
    """Rows of a report in JSON form; without a measure it counts. Raises BadRequest and NotFound."""
    return ctx.records(entity).aggregate(words(measures) or ["count"], words(by), parse_where(where))


def words(written: Sequence[str]) -> list[str]:
    """Names may be repeated or written with commas between."""
    return [word.strip() for words in written for word in words.split(",") if word.strip()]
