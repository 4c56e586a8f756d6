"""What a record that is about a kind of records names of it by keys, in words: a field, one over links, and what is added up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sdk import Context, Text, _
from sdk.fields import DateField, DateTimeField, DecimalField, Field, LinkField, ReportRole

_FUNCTIONS: Mapping[str, Text] = {
    "sum": _("{field} (total)"), "avg": _("{field} (average)"), "distinct": _("{field} (distinct)"), "min": _("{field} (lowest)"),
    "max": _("{field} (highest)"),
}  # fmt: skip
_COUNT = _("Count")
_PLAIN = ("id", "version")


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


def choices(ctx: Context, names: str, entity: str) -> list[tuple[str, str]]:
    """What can stand in a field that names something of an entity (`TextField.names`), each with its words, in their order."""
    if names == "entity":
        found = [
            (one, ctx.say(ctx.entity(one).plural_label)) for one in ctx.entities() if not ctx.entity(one).private and ctx.can(f"{one}.read")
        ]
    elif ctx.offers(entity) and ctx.can(f"{entity}.read"):
        found = [(one, in_words(ctx, entity, one)) for one in _those(names, ctx.records(entity).fields())]
    else:
        return []
    return [("count", ctx.say(_COUNT))] * (names == "measure" and bool(entity)) + sorted(found, key=lambda pair: (pair[1], pair[0]))


def _those(names: str, fields: Mapping[str, Field]) -> Iterator[str]:
    for name, field in fields.items():
        if name in _PLAIN or field.secret:
            continue
        dated, share = isinstance(field, DateField | DateTimeField), isinstance(field, DecimalField) and field.percent
        if names == "date" and dated:
            yield name
        elif names == "measure" and field.role is ReportRole.MEASURE and not share:
            yield f"sum:{name}"
        elif names == "measure" and isinstance(field, LinkField):
            yield f"distinct:{name}"
        elif names == "dimension" and field.role is ReportRole.DIMENSION and not dated:
            yield name


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
