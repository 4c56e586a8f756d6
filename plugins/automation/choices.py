"""What the parameters of rules are chosen from, in the reader's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sdk import Context, NotFound, Text, _
from sdk.fields import DateField, DateTimeField, DecimalField, Field, IntegerField, LinkField, MoneyField
from sdk.text import in_order
from sdk.workflow import Options, Parameters

Pairs = list[tuple[str, str]]
DAYS: Mapping[int, Text] = {1: _("Mon"), 2: _("Tue"), 3: _("Wed"), 4: _("Thu"), 5: _("Fri"), 6: _("Sat"), 7: _("Sun")}
WEEKDAYS: Mapping[str, Text] = {str(day): label for day, label in DAYS.items()}
_PLAIN = frozenset({"id", "version", "created_at", "updated_at"})
_OWN = frozenset({"automation", "console"})


def listed(words: Mapping[str, Text]) -> Options:
    """Always the same ones."""
    return lambda ctx, _entity, _given: [(key, ctx.say(label)) for key, label in words.items()]


def _sorted(pairs: Pairs) -> Pairs:
    return sorted(pairs, key=lambda pair: in_order(pair[1]))


def _fields(ctx: Context, entity: str, kinds: tuple[type[Field], ...], leave: frozenset[str] = _PLAIN) -> Pairs:
    own = ctx.records(entity).fields()
    return _sorted(
        [(name, ctx.say(field.label)) for name, field in own.items() if isinstance(field, kinds) and name not in leave and "." not in name]
    )


def fields_of(ctx: Context, entity: str, _given: Parameters) -> Pairs:
    """The fields of the rule's records."""
    return _fields(ctx, entity, (Field,))


def plain_fields_of(ctx: Context, entity: str, _given: Parameters) -> Pairs:
    """Those whose earlier values are kept."""
    own = ctx.records(entity).fields()
    return [(name, label) for name, label in _fields(ctx, entity, (Field,)) if not own[name].sensitive]


def dates_of(ctx: Context, entity: str, _given: Parameters) -> Pairs:
    """The dates of the rule's records."""
    return _fields(ctx, entity, (DateField, DateTimeField), frozenset())


def numbers_of(ctx: Context, entity: str, _given: Parameters) -> Pairs:
    """The numbers and amounts of the rule's records."""
    return _fields(ctx, entity, (MoneyField, IntegerField, DecimalField))


def events_of(ctx: Context, entity: str, _given: Parameters) -> Pairs:
    """What plugins say happens to the rule's records."""
    return _sorted([(one.name, ctx.say(one.label)) for one in ctx.events() if one.name.rpartition(".")[0] == entity])


_VERBS: Mapping[str, Text] = {"created": _("created"), "updated": _("changed"), "deleted": _("deleted"), "restored": _("restored")}


def heard(ctx: Context, entity: str, given: Parameters) -> Pairs:
    """What a webhook can be told of the records of an entity."""
    return [*((f"{entity}.{verb}", ctx.say(label)) for verb, label in _VERBS.items()), *events_of(ctx, entity, given)]


def entities(ctx: Context, _entity: str, _given: Parameters) -> Pairs:
    """What rules can be about: all that one sees, but for what is one's own and what rules are made of."""
    found = [name for name in ctx.entities() if name.partition(".")[0] not in _OWN and not ctx.entity(name).private]
    return _sorted([(name, ctx.say(ctx.entity(name).label)) for name in found])


def creatable(ctx: Context, entity: str, given: Parameters) -> Pairs:
    """What one may create."""
    return [pair for pair in entities(ctx, entity, given) if ctx.can(f"{pair[0]}.create")]


def pointing(ctx: Context, entity: str, given: Parameters) -> Pairs:
    """Entities with a link to the rule's records."""
    return [pair for pair in entities(ctx, entity, given) if _links(ctx, pair[0], entity)]


def links_of(ctx: Context, entity: str, given: Parameters) -> Pairs:
    """The links to the rule's records of the entity that is chosen."""
    other = str(given.get("entity") or "")
    return _links(ctx, other, entity) if other in ctx.entities() else []


def _links(ctx: Context, other: str, entity: str) -> Pairs:
    own = ctx.records(other).fields()
    links = [name for name, field in own.items() if isinstance(field, LinkField) and _target(ctx, other, name) == entity]
    return [(name, ctx.say(own[name].label)) for name in links]


def _target(ctx: Context, entity: str, link: str) -> str:
    try:
        return ctx.target(entity, link)
    except NotFound:
        return ""


def told(ctx: Context, entity: str, _given: Parameters) -> Sequence[tuple[str, str]]:
    """Whom a rule can tell: the owner, the owner's manager, a role, a person."""
    roles = [(f"role:{row['key']}", ctx.say(_("Everyone with the role {role}"), {"role": row["name"]})) for row in _rows(ctx, "core.role")]
    people = [(f"user:{row['id']}", str(row["name"])) for row in _rows(ctx, "core.user")]
    return [("owner", ctx.say(_("Its owner"))), ("manager", ctx.say(_("The owner’s manager"))), *_sorted(roles), *_sorted(people)]


def role_called(ctx: Context, key: str) -> str:
    """What people call a role; its key for who may not see roles."""
    return next((str(row["name"]) for row in _rows(ctx, "core.role") if row["key"] == key), key)


def people(ctx: Context, _entity: str, _given: Parameters) -> Pairs:
    """Active people, by id."""
    return _sorted([(str(row["id"]), str(row["name"])) for row in _rows(ctx, "core.user")])


def _rows(ctx: Context, entity: str) -> Sequence[Mapping[str, object]]:
    if not ctx.can(f"{entity}.read"):
        return []
    own = ctx.records(entity).fields()
    rows = ctx.records(entity).find((), 500)
    return [row for row in rows if "name" in row and (row.get("active", True) or "active" not in own)]
