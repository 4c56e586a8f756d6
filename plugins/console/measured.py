"""What a record that is about a kind of records names of it by keys, in words: a field, one over links, and what is added up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sdk import Context
from sdk.fields import DateField, DateTimeField, DecimalField, Field, LinkField, ReportRole
from sdk.measures import COUNT, FUNCTIONS, along, of_measure

_PLAIN = ("id", "version")


def in_words(ctx: Context, entity: str, written: str) -> str:
    """What people call it; what is no such name as it stands."""
    function, colon, path = written.partition(":")
    if written == "count":
        return ctx.say(COUNT)
    if not ctx.offers(entity) or not ctx.can(f"{entity}.read") or (colon and function not in FUNCTIONS):
        return written
    said = " › ".join(ctx.say(field.label) for field in along(ctx, entity, path if colon else written))
    return of_measure(ctx, function, said) if colon and said else said or written


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
    return [("count", ctx.say(COUNT))] * (names == "measure" and bool(entity)) + sorted(found, key=lambda pair: (pair[1], pair[0]))


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
