"""What a plugin shows of anybody's records, as questions for the kit that looks for leaks: `SHOWS = Shows(...)` in a module `leaks` beside its `plugin`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from uuid import UUID

from sdk.context import Context
from sdk.entities import Entity
from sdk.fields import Field


@dataclass(frozen=True)
class Asked:
    """A question to two worlds that are alike to the user: a GET of the address `words`, or what `answer` makes of the user's context,
    whose writes are undone."""

    kind: str
    words: str
    query: Sequence[tuple[str, str]] = ()
    answer: Callable[[Context], object] | None = None


@dataclass(frozen=True)
class About:
    """The entity that is asked about; `ids` are all its records, whether the user sees them or not, and `readable` whether he may see any."""

    entity: Entity
    fields: Mapping[str, Field]
    ids: Sequence[UUID]
    readable: bool
    random: Random


def _nothing(*_about: object) -> Iterable[Asked]:
    return ()


@dataclass(frozen=True)
class Shows:
    """What to ask of each entity, and what besides; the latter of the declarations of some plugins, or of all (None)."""

    of_entity: Callable[[About], Iterable[Asked]] = _nothing
    besides: Callable[[Context, Collection[str] | None], Iterable[Asked]] = _nothing
