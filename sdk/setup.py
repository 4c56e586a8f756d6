"""What a plugin brings for the set-up of a tenant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class MasterData:
    """Records of one entity that set-up makes where they are missing; what is there is never changed, never deleted.

    A row is missing when no record has its value of `match`, a field of plain text. With `when_empty` the rows are made only
    where the entity has no record at all (nobody who has a sales process wants a second), with `along_with` only where this
    set-up has just made records of that entity. Values marked with `_`, also within lists and objects, are written in the tenant's language; links take
    natural keys.
    """

    entity: str
    rows: tuple[Mapping[str, object], ...]
    match: str = "key"
    when_empty: bool = False
    along_with: str = ""
    needs: str = ""
    """The entity of a possible partner without which the rows make no sense; left out where the tenant does not have it."""
    plugin: str = ""
