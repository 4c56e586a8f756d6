"""The words of reports in their reader's language: of measures, dimensions, and what dimensions hold."""

from __future__ import annotations

from sdk import Context, Text, _
from sdk.fields import Field

_MEASURES = {
    "sum": _("{field} (total)"), "avg": _("{field} (average)"), "distinct": _("{field} (distinct)"), "min": _("{field} (lowest)"),
    "max": _("{field} (highest)"),
}  # fmt: skip
GRAINS: dict[str, Text] = {
    "day": _("{field} (day)"), "week": _("{field} (week)"), "month": _("{field} (month)"), "quarter": _("{field} (quarter)"),
    "year": _("{field} (year)"), "fiscal_quarter": _("{field} (fiscal quarter)"), "fiscal_year": _("{field} (fiscal year)"),
}  # fmt: skip


def field_at(ctx: Context, entity: str, path: str) -> Field | None:
    """The field at the end of a path over links, if one may see it."""
    fields = ctx.records(entity).fields()
    if path in fields or "." not in path:
        return fields.get(path)
    words = path.split(".")
    heads = (".".join(words[:count]) for count in (1, 2))  # a link that a plugin added has a dot in its name
    link = next((head for head in heads if head in fields), "")
    return field_at(ctx, ctx.target(entity, link), path[len(link) + 1 :]) if link and len(link) < len(path) else None


def of_measure(ctx: Context, entity: str, word: str) -> str:
    """What a measure is called."""
    function, _colon, name = word.partition(":")
    field = field_at(ctx, entity, name) if name else None
    label = ctx.say(field.label) if field is not None else name
    return ctx.say(_MEASURES[function], {"field": label}) if function in _MEASURES else ctx.say(_("Count"))
