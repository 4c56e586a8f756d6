"""What is added up of the records of an entity, and by what: fields along paths over links, and what people call the measures of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sdk.fields import Field
from sdk.text import Text, _

if TYPE_CHECKING:
    from sdk.context import Context

FUNCTIONS: Mapping[str, Text] = {
    "sum": _("{field} (total)"), "avg": _("{field} (average)"), "distinct": _("{field} (distinct)"), "min": _("{field} (lowest)"),
    "max": _("{field} (highest)"),
}  # fmt: skip
"""What the measure of a field is called, by the function of its word (`sum:amount`)."""
COUNT = _("Count")
"""What the measure `count` is called."""


def along(ctx: Context, entity: str, path: str) -> Sequence[Field]:
    """The fields along a path over links (`account.industry`); none where there is no such path, or the actor does not see a part of it.

    Raises NotFound for an entity that is not there.
    """
    fields = ctx.records(entity).fields()
    if path in fields:
        return (fields[path],)
    words = path.split(".")
    heads = (".".join(words[:count]) for count in (1, 2) if count < len(words))  # a link that a plugin added has a dot in its name
    link = next((head for head in heads if head in fields), "")
    target = ctx.target(entity, link) if link else ""
    rest = along(ctx, target, path[len(link) + 1 :]) if target and ctx.can(f"{target}.read") else ()
    return (fields[link], *rest) if rest else ()


def field_at(ctx: Context, entity: str, path: str) -> Field | None:
    """The field at the end of a path; see `along`."""
    found = along(ctx, entity, path)
    return found[-1] if found else None


def of_measure(ctx: Context, function: str, field: str) -> str:
    """What it is called to add up a field, which people call `field`; anything else than a known function counts records."""
    return ctx.say(FUNCTIONS[function], {"field": field}) if function in FUNCTIONS else ctx.say(COUNT)
