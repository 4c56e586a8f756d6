"""Allow-lists: the words by which a token, or a plugin, says what it may do.

`pipeline.deal` stands for all verbs, `pipeline.deal.read` for one; after a colon stand the fields that it holds for, or `*` for all of
them, also those to come.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, TypeAlias

from sdk import _
from sdk.permissions import ALL_FIELDS, IMPLIED

ACT_LATER: Final = "core.owner.act_later"
"""What a token must allow to leave behind something that acts later with all the rights of its owner (`Entity.acts_later`)."""
ACTS_LATER: Final = _("{entity} acts later with all the permissions of its owner: this token needs {permission} in its allow-list")
LONGEST: Final = 10_000
"""Characters of a word."""
WORD: Final = re.compile(r"[a-z0-9][a-z0-9_.-]*(:([*]|[a-z0-9_.]+(,[a-z0-9_.]+)*))?\Z")
ANY: Final = "*"
"""In the place of an entity, in what a plugin declares: each."""
Table: TypeAlias = "Mapping[str, frozenset[str] | None]"
"""By permission, or by entity for all of its verbs: the fields, None for all."""


@lru_cache(maxsize=5_000)
def table_of(words: frozenset[str]) -> Table:
    """What some words say; of two about the same both hold."""
    made: dict[str, frozenset[str] | None] = {}
    for word in words:
        name, _colon, listed = word.partition(":")
        fields = frozenset(listed.split(",")) if listed and listed != ALL_FIELDS else None
        before = made.get(name, frozenset())
        made[name] = None if fields is None or before is None else before | fields
    return made


def admitted(table: Table, permission: str) -> tuple[frozenset[str] | None, ...]:
    """The fields of each word that speaks of a permission; none: it is not in the list. What a verb implies is in it with the verb."""
    thing, _dot, word = permission.rpartition(".")
    names = [permission, thing, f"{ANY}.{word}", ANY]
    if word in IMPLIED:
        names += [f"{thing}.{IMPLIED[word]}", f"{ANY}.{IMPLIED[word]}"]
    return tuple(table[name] for name in names if name in table)
