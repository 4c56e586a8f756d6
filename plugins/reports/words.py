"""The words of reports in their reader's language: of measures, dimensions, and what dimensions hold."""

from __future__ import annotations

from sdk import Context, Text, _, measures
from sdk.measures import field_at

GRAINS: dict[str, Text] = {
    "day": _("{field} (day)"), "week": _("{field} (week)"), "month": _("{field} (month)"), "quarter": _("{field} (quarter)"),
    "year": _("{field} (year)"), "fiscal_quarter": _("{field} (fiscal quarter)"), "fiscal_year": _("{field} (fiscal year)"),
}  # fmt: skip


def of_measure(ctx: Context, entity: str, word: str) -> str:
    """What a measure is called."""
    function, _colon, name = word.partition(":")
    field = field_at(ctx, entity, name) if name else None
    label = ctx.say(field.label) if field is not None else name
    return measures.of_measure(ctx, function, label)
