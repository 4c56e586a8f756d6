"""What is part of something comes with it: who gives the one gives the other, and goes no further there either."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from core.policy.grants import Grant, covered
from core.policy.scopes import Scopes
from sdk import Entity, Verb
from sdk.permissions import IMPLIED

if TYPE_CHECKING:
    from core.context import Work


def beyond_parts(work: Work, table: Mapping[str, tuple[Grant, ...]], of: str = "") -> str | None:
    """A permission on parts (of this entity and those below it, if one is named) that grants give without a word, and that the actor has not,
    or not so far."""
    if work.grants.unlimited:
        return None
    mine, theirs = work.scopes, work.scopes.holding(table)
    for entity in work.catalog.entities.values():
        if entity.parent is None or entity.plugin not in work.enabled or (of and of not in (entity.full_name, *_above(mine, entity))):
            continue
        for word in (*Verb, *IMPLIED):
            name = f"{entity.full_name}.{word}"
            given = [grant for grant in _of(theirs, entity, word) if not grant.role]  # by no role's word
            if name in work.catalog.permissions and not _reach(_of(mine, entity, word), given):
                return name
    return None


def _above(scopes: Scopes, entity: Entity) -> Iterator[str]:
    for parent in scopes.parents(entity):
        yield parent.full_name
        yield from _above(scopes, parent)


def _of(scopes: Scopes, entity: Entity, word: str) -> tuple[Grant, ...]:
    return scopes.special(entity, word) if word in IMPLIED else scopes.grants_of(entity, Verb(word))


def _reach(mine: Iterable[Grant], theirs: Iterable[Grant]) -> bool:
    held = tuple(mine)
    return all(covered(held, grant) for grant in theirs)
