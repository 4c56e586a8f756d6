"""What a report can be made of: the entities that one may read, their measures and dimensions, and how a condition is typed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from plugins.reports.words import GRAINS, of_measure
from sdk import Context, _
from sdk.fields import AnyRecordField, BooleanField, ChoiceField, DateTimeField, Field, LinkField, ReportRole
from sdk.fields.time import DateField
from sdk.measures import field_at
from sdk.text import in_order

_PLAIN = ("id", "version")


@dataclass(frozen=True)
class Option:
    """One of several words to choose from."""

    value: str
    label: str


@dataclass(frozen=True)
class Group:
    """Options that stand together: of the entity itself, or of one that it links to."""

    label: str
    options: Sequence[Option]


def entities(ctx: Context) -> list[Option]:
    """What one may count, by its name in the reader's language."""
    found = [Option(name, ctx.say(ctx.entity(name).plural_label)) for name in ctx.entities() if not ctx.entity(name).private]
    return sorted(found, key=lambda one: (in_order(one.label), one.value))


def measures(ctx: Context, entity: str) -> list[Option]:
    """The number of records, and what can be done with each field."""
    words = ["count"]
    for name, field in _own(ctx, entity):
        if field.role is ReportRole.MEASURE:
            words += [f"{function}:{name}" for function in ("sum", "avg", "min", "max")]
        elif isinstance(field, DateField | DateTimeField):
            words += [f"min:{name}", f"max:{name}"]
        elif isinstance(field, LinkField):
            words.append(f"distinct:{name}")
    return [Option(word, of_measure(ctx, entity, word)) for word in words]


def dimensions(ctx: Context, entity: str) -> list[Group]:
    """By what one may count: the fields of the entity, and of the records that it links to."""
    return _groups(ctx, entity, lambda path, label, field: _by(ctx, path, label, field))


def conditions(ctx: Context, entity: str) -> list[Group]:
    """What a filter may be about."""
    return _groups(ctx, entity, lambda path, label, field: [Option(path, label)] if field.operators else [])


def _own(ctx: Context, entity: str) -> list[tuple[str, Field]]:
    return [(name, field) for name, field in ctx.records(entity).fields().items() if name not in _PLAIN and not field.secret]


def _groups(ctx: Context, entity: str, options_of: object) -> list[Group]:
    assert callable(options_of)
    found = [
        Group(
            ctx.say(ctx.entity(entity).label),
            [one for name, field in _own(ctx, entity) for one in options_of(name, ctx.say(field.label), field)],
        )
    ]
    for name, field in _own(ctx, entity):
        if isinstance(field, LinkField) and ctx.can(f"{(target := ctx.target(entity, name))}.read"):
            label = ctx.say(field.label)
            beyond = [
                one for inner, far in _own(ctx, target) for one in options_of(f"{name}.{inner}", f"{label} › {ctx.say(far.label)}", far)
            ]
            found.append(Group(label, beyond))
    return [group for group in found if group.options]


def _by(ctx: Context, path: str, label: str, field: Field) -> Iterator[Option]:
    if field.role is ReportRole.DIMENSION:
        if isinstance(field, DateField | DateTimeField):
            yield from (Option(f"{path}:{grain}", ctx.say(text, {"field": label})) for grain, text in GRAINS.items())
        else:
            yield Option(path, label)


@dataclass(frozen=True)
class Typed:
    """How the value of a condition is typed: `widget`, `type`, `options` and `pick` are those of the kit's fields."""

    path: str
    label: str
    operators: Sequence[Option]
    widget: str
    type: str
    options: Sequence[Option]
    pick: str


_OPERATORS = {
    "eq": _("is"), "ne": _("is not"), "gt": _("more than"), "gte": _("at least"), "lt": _("less than"), "lte": _("at most"),
    "contains": _("contains"), "in": _("one of (comma-separated)"), "empty": _("is empty"), "alike": _("resembles"),
}  # fmt: skip
_DATES = {"gt": _("after"), "gte": _("from"), "lt": _("before"), "lte": _("until")}


def typed(ctx: Context, entity: str, path: str) -> Typed | None:
    """The form of a condition on a field; None for one that is not there."""
    field = field_at(ctx, entity, path)
    if field is None:
        return None
    dated = isinstance(field, DateField | DateTimeField)
    words = _OPERATORS | _DATES if dated else _OPERATORS
    plain = ("eq", "ne", "empty") if isinstance(field, LinkField | ChoiceField | BooleanField | AnyRecordField) else field.operators
    operators = [Option(one, ctx.say(words[one])) for one in field.operators if one in words and one in plain]
    widget, options, pick = "text", list[Option](), ""
    if isinstance(field, ChoiceField):
        widget, options = "select", [Option(key, ctx.say(label)) for key, label in field.options.items()]
    elif isinstance(field, BooleanField):
        widget, options = "select", [Option("true", ctx.say(_("Yes"))), Option("false", ctx.say(_("No")))]
    elif isinstance(field, LinkField):
        head, _dot, _rest = path.rpartition(".")
        start = entity if not head else _end(ctx, entity, head)
        target = ctx.entity(ctx.target(start, field.name))
        widget, pick = "link", f"/{target.plugin}/{target.plural}"
    return Typed(path, ctx.say(field.label), operators, widget, "date" if isinstance(field, DateField) else "text", options, pick)


def _end(ctx: Context, entity: str, path: str) -> str:
    """The entity at the end of a path of links."""
    fields = ctx.records(entity).fields()
    if path in fields:
        return ctx.target(entity, path)
    words = path.split(".")
    head = next(".".join(words[:count]) for count in (1, 2) if ".".join(words[:count]) in fields)
    return _end(ctx, ctx.target(entity, head), path[len(head) + 1 :])
