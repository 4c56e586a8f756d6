"""Rules about what a plugin declares when it is booted."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import cast

from core.testkit.rules.package import Package, Rule
from sdk import PUBLIC, SIGNED_IN, Panel, hooks


def _serves(package: Package) -> Iterator[str]:
    if not package.found.serves:
        yield f"it is {package.found.state}: {package.found.reason.strip()}"


def impure(package: Package) -> Iterator[str]:
    """Declarations that take something, or differ from call to call."""
    for hook in (name for name in sorted(vars(hooks)) if name.startswith("register_")):
        for owner, function in package.platform.calls.implementers(hook):
            if owner != package.name:
                continue
            first, second = tuple(function()), tuple(function())
            if [repr(one) for one in first] != [repr(one) for one in second]:
                yield f"{hook} gives something else at each call"


def unheard_of(package: Package) -> Iterator[str]:
    """Routes whose permission nobody declares: no role could ever hold it."""
    catalog = package.platform.catalog
    for route in catalog.routes:
        if route.plugin == package.name and route.permission not in (PUBLIC, SIGNED_IN) and route.permission not in catalog.permissions:
            yield f"{route.method} {route.path} asks for {route.permission!r}, which nobody declares"


def closed(package: Package) -> Iterator[str]:
    """Pages, panels and words of the menu whose permission nobody declares; that of a partner that is not here may well be declared."""
    catalog, serving = package.platform.catalog, package.platform.calls.serving()
    away = set(package.manifest.possible) - set(serving) if package.manifest else set()
    for kind, specs in catalog.specs.items():
        for spec in specs.values():
            right = getattr(spec, "permission", "") or PUBLIC
            known = right in (PUBLIC, SIGNED_IN) or right in catalog.permissions or catalog.owner_of(right) in away
            if spec.plugin == package.name and not known:
                yield f"{kind.__name__} {spec.key!r} asks for {right!r}, which nobody declares"


def misplaced(package: Package) -> Iterator[str]:
    """Panels of an entity that is not there, or that say they tell a field which it has not; of a partner that is away nobody knows."""
    platform, serving = package.platform, frozenset(package.platform.calls.serving())
    for panel in cast("Iterable[Panel]", platform.catalog.specs.get(Panel, {}).values()):
        plugin = panel.entity.partition(".")[0]
        if panel.plugin != package.name or plugin not in serving:
            continue
        if panel.entity not in platform.catalog.entities:
            yield f"panel {panel.key!r} is about {panel.entity!r}, and {plugin!r} has no such entity"
            continue
        fields = platform.shape(panel.entity, serving).fields
        yield from (
            f"panel {panel.key!r} shows {name!r}, and {panel.entity} has no such field" for name in panel.shows if name not in fields
        )


def undocumented(package: Package) -> Iterator[str]:
    """Entities whose record says nothing of itself."""
    for entity in package.platform.catalog.entities.values():
        if entity.plugin == package.name and not inspect.cleandoc(vars(entity.record).get("__doc__") or "").strip():
            yield f"{entity.record.__name__} has no docstring"


RULES = (
    Rule("serves", "a plugin that does not load is a row on a page and nothing else", "mend what its reason says", _serves, loaded=False),
    Rule(
        "pure", "declarations are asked for when and as often as the platform needs them",
        "return the same frozen specs each time; no clock, no database, no counter", impure,
    ),
    Rule(
        "rights", "a route or a page under a permission that nobody declares is closed to all but administrators",
        "name a permission of an entity (`plugin.entity.verb`) or one of register_permissions",
        lambda package: chain(unheard_of(package), closed(package)),
    ),
    Rule(
        "panels", "a panel of an entity that there is not is never drawn, and a field that there is not is never left out beside it",
        "correct the name; a field that another plugin adds is `plugin.field`", misplaced,
    ),
    Rule("documented", "the API's description says what a record is in the words of its docstring", "write one sentence", undocumented),
)  # fmt: skip
