"""Random rights: the more is seen of some records and the less of others, the more there is to leak."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

from core.policy.grants import Grant
from core.policy.scopes import shareable
from core.testkit.leaks.oracle import ALWAYS
from core.testkit.leaks.world import World
from sdk import Entity, Scope, Verb

TELLS_OF_ALL = frozenset({"core.audit"})
"""Who may read these is told of all records that there was something; what it was, each field's own rights say (tests/audit)."""
type_rights = dict[str, tuple[Grant, ...]]
type_worked_out = Mapping[str, Mapping[str, Sequence[str]]]


def draw(world: World, random: Random, worked_out: type_worked_out) -> type_rights:
    """Rights over every entity: none, of all records, or of more fields of one's own than of others'."""
    found: type_rights = {}
    for name, shape in world.shapes.items():
        if name in TELLS_OF_ALL:
            continue
        names = sorted(shape.fields.keys() - ALWAYS)
        reading = _reading(shape.entity, names, random)
        if reading:
            reading = tuple(_with_sources(grant, worked_out.get(name, {})) for grant in reading)
            found[f"{name}.{Verb.READ}"] = reading
        for verb in sorted(shape.entity.verbs - {Verb.READ}):
            if random.random() < 0.6:
                some = random.choice(reading).scope if reading and reading[0].scope is not Scope.NONE else Scope.ALL
                found[f"{name}.{verb}"] = (
                    Grant(some, _some(names, random) if verb is not Verb.DELETE and random.random() < 0.6 else None),
                )
    entities = {f"{name}.{verb}" for name in world.shapes for verb in Verb}
    for permission, (owner, _spec) in world.system.catalog.permissions.items():
        if permission not in entities and owner in world.system.enabled:
            found[permission] = (Grant(Scope.ALL),)
    return found


def allow(world: World, given: type_rights, random: Random, worked_out: type_worked_out) -> list[str]:
    """An allow-list over such rights, as a token has one: of most entities a verb, or some fields for it, of some all that there is, of others
    nothing."""
    words = list[str]()
    for name, shape in world.shapes.items():
        verbs = [verb for verb in Verb if f"{name}.{verb}" in given]
        names = sorted(shape.fields.keys() - ALWAYS)
        if random.random() < 0.1:
            words.append(name)
            continue
        for verb in (verb for verb in verbs if random.random() < 0.85):
            some = _with_sources(Grant(Scope.ALL, _some(names, random)), worked_out.get(name, {})).fields
            listed = verb is not Verb.DELETE and random.random() < 0.5
            words.append(f"{name}.{verb}:{','.join(sorted(some or ()))}" if listed else f"{name}.{verb}")
    verbs_of = {f"{name}.{verb}" for name in world.shapes for verb in Verb}
    return words + [permission for permission in sorted(given.keys() - verbs_of) if random.random() < 0.85]


def _reading(entity: Entity, names: Sequence[str], random: Random) -> tuple[Grant, ...]:
    if entity.parent is not None and random.random() < 0.4:
        return ()  # as its parent
    some, other = _some(names, random), _some(names, random)
    choices = [(4, (Grant(Scope.ALL, some),)), (1, (Grant(Scope.ALL),)), (1, ())]
    if entity.owned:
        choices += [
            (4, (Grant(Scope.OWN), Grant(Scope.TEAM, some))), (3, (Grant(Scope.OWN, some), Grant(Scope.ALL, other))),
            (2, (Grant(Scope.OWN),)), (2, (Grant(Scope.TEAM, some), Grant(Scope.OWN, other))), (1, (Grant(Scope.TEAM),)),
            (3, (Grant(Scope.SUBORDINATES, some), Grant(Scope.OWN))), (2, (Grant(Scope.SUBORDINATES),)), (1, (Grant(Scope.SHARED),)),
        ]  # fmt: skip
    if entity.territory:
        choices += [(6, (Grant(Scope.TERRITORY, some), Grant(Scope.OWN))), (6, (Grant(Scope.TERRITORY, some), Grant(Scope.TEAM, other)))]
    if shareable(entity):
        choices += [(1, (Grant(Scope.SHARED, some),))]
    if entity.parent is not None:
        choices += [(3, (Grant(Scope.PARENT, some),)), (2, (Grant(Scope.PARENT), Grant(Scope.ALL, some))), (1, (Grant(Scope.NONE),))]
    (chosen,) = random.choices([rights for _weight, rights in choices], [weight for weight, _rights in choices])
    return chosen


def _some(names: Sequence[str], random: Random) -> frozenset[str]:
    return frozenset(name for name in names if random.random() < 0.6) or frozenset(names[:1])


def _with_sources(grant: Grant, worked_out: Mapping[str, Sequence[str]]) -> Grant:
    if grant.fields is None:
        return grant
    return replace(grant, fields=grant.fields.union(*(worked_out[name] for name in grant.fields & worked_out.keys())))
