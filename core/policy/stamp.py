"""A stamp of what somebody may read: with what was made for that person's eyes it tells whether the rights are still the same."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa

from sdk import Scope, Verb

if TYPE_CHECKING:
    from core.context import Work

_LENGTH = 32
"""Bytes of a stamp."""


def reading(work: Work) -> str:
    """Equal as long as nothing has changed of what the actor's roles, teams, territories, subordinates and shares show, to whatever token."""
    grants = work.grants
    if grants.everything or "*" in grants.table:
        return _digest("*")
    mine = work.scopes.holding(grants.table)  # whatever the token and the plugin that asks may do of it; parts as they follow
    shown = {
        entity.full_name: sorted({(one.scope.value, one.fields is None, *sorted(one.fields or ())) for one in held})
        for entity in work.catalog.entities.values()
        if (held := mine.grants_of(entity, Verb.READ))
    }
    scopes = {one[0] for held in shown.values() for one in held}
    with work.transaction():
        whom = [_ids(work, work.scopes.people(scope)) for scope in (Scope.TEAM, Scope.SUBORDINATES) if scope in scopes]
        shared = _ids(work, work.scopes.shared_records()) if grants.shared else []
    return _digest([shown, whom, sorted(map(str, grants.territories)), shared])


def _ids(work: Work, query: sa.Select[Any]) -> list[str]:
    return sorted(map(str, work.connection.execute(query).scalars()))


def _digest(said: object) -> str:
    return hashlib.blake2b(orjson.dumps(said, option=orjson.OPT_SORT_KEYS), digest_size=_LENGTH).hexdigest()
