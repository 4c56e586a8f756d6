"""What a record that is about a kind of records names of it by keys, in words: a field, one over links, what is added up, and conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sdk import Context
from sdk.clauses import sentence
from sdk.fields import DateField, DateTimeField, DecimalField, Field, LinkField, ReportRole
from sdk.forms import Option
from sdk.measures import COUNT, FUNCTIONS, along, of_measure
from sdk.text import in_order

_PLAIN = ("id", "version")
_BEYOND = ("date", "dimension")
"""What may stand beyond a link, too; what is added up there would be added up once for each record that links to it."""


def in_words(ctx: Context, entity: str, written: str) -> str:
    """What people call it; what is no such name as it stands."""
    function, colon, path = written.partition(":")
    if written == "count":
        return ctx.say(COUNT)
    if not ctx.offers(entity) or not ctx.can(f"{entity}.read") or (colon and function not in FUNCTIONS):
        return written
    said = " › ".join(ctx.say(field.label) for field in along(ctx, entity, path if colon else written))
    return of_measure(ctx, function, said) if colon and said else said or written


def conditions_in_words(ctx: Context, entity: str, written: str) -> str:
    """The same of conditions, a line each."""
    if not ctx.offers(entity) or not ctx.can(f"{entity}.read"):
        return written
    return "\n".join(sentence(ctx, entity, line.strip()) for line in written.splitlines() if line.strip())


def choices(ctx: Context, names: str, entity: str) -> list[Option]:
    """What can stand in a field that names something of an entity (`TextField.names`), in the order of the words; what is beyond a link under it."""
    if names == "entity":
        there = (one for one in ctx.entities() if not ctx.entity(one).private and ctx.can(f"{one}.read"))
        return _sorted(Option(one, ctx.say(ctx.entity(one).plural_label), chosen=False) for one in there)
    if not ctx.offers(entity) or not ctx.can(f"{entity}.read"):
        return []
    fields = ctx.records(entity).fields()
    found = [Option("count", ctx.say(COUNT), chosen=False)] * (names == "measure")
    found += _sorted(Option(one, in_words(ctx, entity, one), chosen=False) for one in _those(names, fields))
    beyond = sorted(fields.items(), key=lambda pair: in_order(ctx.say(pair[1].label))) if names in _BEYOND else ()
    for name, field in beyond:
        if isinstance(field, LinkField) and ctx.can(f"{(target := ctx.target(entity, name))}.read"):
            group, far = ctx.say(field.label), ctx.records(target).fields()
            found += _sorted(
                Option(f"{name}.{one}", f"{group} › {ctx.say(far[one].label)}", chosen=False, group=group) for one in _those(names, far)
            )
    return found


def _sorted(options: Iterator[Option]) -> list[Option]:
    return sorted(options, key=lambda one: (in_order(one.label), one.value))


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
