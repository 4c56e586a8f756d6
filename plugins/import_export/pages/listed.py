"""What a list shows, as its address says it: filters, words, order, columns; and the filters as sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sdk import Context, NotFound, Refusal, Text, _
from sdk.fields import ChoiceField, DateField, DateTimeField, Field, LinkField
from sdk.filters import parse_pair
from sdk.pages import Pairs

VIEW, ALL = "_view", "all"
"""In an address: a view by its name, and what stands there for all records."""
OWN, RESERVED = "_", frozenset({"q", "sort", "cursor", "limit"})
"""What in the address of a list is no filter: words of the console's own, and those of every list."""
_SAID: Mapping[str, Text] = {
    "eq": _("{field} is {values}"), "ne": _("{field} is not {values}"), "in": _("{field} is {values}"), "contains": _("{field} contains {values}"),
    "gt": _("{field} more than {values}"), "gte": _("{field} at least {values}"), "lt": _("{field} less than {values}"),
    "lte": _("{field} at most {values}"), "alike": _("{field} resembles {values}"),
}  # fmt: skip
_DAYS: Mapping[str, Text] = {
    "gt": _("{field} after {values}"), "gte": _("{field} from {values}"), "lt": _("{field} before {values}"), "lte": _("{field} until {values}"),
}  # fmt: skip


@dataclass(frozen=True)
class Listed:
    """What a list shows."""

    filters: tuple[tuple[str, str], ...] = ()
    words: str = ""
    sort: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


def listed(pairs: Pairs) -> Listed:
    """What an address shows; raises NotFound for one that names a view instead of saying what it shows: that is never all."""
    named = dict(pairs)
    if named.get(VIEW, ALL) != ALL:
        raise NotFound(_("this link names a view instead of what to export. Go to the list and choose Export there."))
    filters = tuple((name, value) for name, value in pairs if name not in RESERVED and not name.startswith(OWN))
    return Listed(filters, named.get("q", "").strip(), _words(named.get("sort", "")), _words(named.get("_columns", "")))


def _id(word: str) -> UUID:
    try:
        return UUID(word)
    except ValueError:
        return UUID(int=0)


def _words(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))


def sentences(ctx: Context, entity: str, filters: Sequence[tuple[str, str]]) -> list[str]:
    """Filters as people read them; one that cannot be read stands as it is written."""
    found = []
    for name, value in filters:
        try:
            found.append(_sentence(ctx, entity, name, value))
        except Refusal:
            found.append(f"{name}={value}")
    return found


def _sentence(ctx: Context, entity: str, name: str, value: str) -> str:
    one = parse_pair(name, value)
    label, at, field = _at(ctx, entity, one.field)
    if one.operator == "empty":
        filled = str(one.values[0]).lower() == "false"
        return ctx.say(_("{field} is not empty") if filled else _("{field} is empty"), {"field": label})
    said = _DAYS.get(one.operator) if isinstance(field, DateField | DateTimeField) else None
    values = [_shown(ctx, at, field, str(word)) for word in one.values]
    return ctx.say(said or _SAID[one.operator], {"field": label, "values": f" {ctx.say(_('or'))} ".join(values)})


def _at(ctx: Context, entity: str, path: str) -> tuple[str, str, Field | None]:
    """What a field is called, the entity that has it, and the field itself; over links, too."""
    fields = ctx.records(entity).fields()
    if path in fields:
        return ctx.say(fields[path].label), entity, fields[path]
    link, _point, rest = path.partition(".")
    if rest and isinstance(fields.get(link), LinkField):
        label, at, field = _at(ctx, ctx.target(entity, link), rest)
        return f"{ctx.say(fields[link].label)}: {label}", at, field
    return path, entity, None


def _shown(ctx: Context, entity: str, field: Field | None, word: str) -> str:
    if isinstance(field, ChoiceField) and word in field.options:
        return ctx.say(field.options[word])
    if isinstance(field, LinkField) and len(word) == 36:
        target = ctx.target(entity, field.name)
        return ctx.records(target).titles([_id(word)]).get(_id(word), word) if ctx.can(f"{target}.read") else word
    return word
