"""What a record that is about a kind of records names of it by keys, in words: a field, one over links, and what is added up."""

from __future__ import annotations

from collections.abc import Mapping

from sdk import Context, Text, _
from sdk.fields import Field

_FUNCTIONS: Mapping[str, Text] = {
    "sum": _("{field} (total)"), "avg": _("{field} (average)"), "distinct": _("{field} (distinct)"), "min": _("{field} (lowest)"),
    "max": _("{field} (highest)"),
}  # fmt: skip
_COUNT = _("Count")


def in_words(ctx: Context, entity: str, written: str) -> str:
    """What people call it; what is no such name as it stands."""
    function, colon, path = written.partition(":")
    if written == "count":
        return ctx.say(_COUNT)
    if not ctx.offers(entity) or not ctx.can(f"{entity}.read") or (colon and function not in _FUNCTIONS):
        return written
    labels = _labels(ctx, entity, path if colon else written)
    if not labels:
        return written
    said = " › ".join(labels)
    return ctx.say(_FUNCTIONS[function], {"field": said}) if colon else said


def _labels(ctx: Context, entity: str, path: str) -> list[str]:
    """The labels along a path; none where there is no such field, or it is hidden."""
    fields: Mapping[str, Field] = ctx.records(entity).fields()
    if path in fields:
        return [ctx.say(fields[path].label)]
    words = path.split(".")
    heads = [".".join(words[:count]) for count in (1, 2) if count < len(words)]  # a link that a plugin added has a dot in its name
    link = next((head for head in heads if head in fields), "")
    if not link or not (target := ctx.target(entity, link)) or not ctx.can(f"{target}.read"):
        return []
    rest = _labels(ctx, target, path[len(link) + 1 :])
    return [ctx.say(fields[link].label), *rest] if rest else []
