"""These tests run with the probe; background work is done when they say so."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
import sqlalchemy as sa

from core.context import Work
from core.entities.records import EntityRecords
from core.entities.rows import live_of
from core.platform import Platform
from core.search.index import entities, places
from core.search.tables import search_words
from core.search.words import tokens
from core.testkit.fixtures import Api
from core.worker.drain import Drain
from sdk import Tenant
from sdk.context import id_of
from tests.probe.fixtures import entry_points

__all__ = ["entry_points"]
type_words = set[tuple[int, str, str, int]]


@pytest.fixture
def system(platform: Platform, tenant: Tenant) -> Work:
    """The system in `tenant`."""
    return platform.system(tenant.id)


@pytest.fixture
def things(system: Work) -> EntityRecords:
    """The doors of things, for the system."""
    return system.records("probe.thing")


@pytest.fixture
def drain(platform: Platform) -> Callable[[], int]:
    """Does all that waits; returns how much it was."""
    return Drain(platform).run_until_empty


@pytest.fixture
def clerk(system: Work, client: Api) -> UUID:
    """Somebody who reads all things, but of their fields the name alone."""
    role = id_of(system.records("core.role").create({"key": "clerk", "name": "Clerk"}))
    grant = {"role": str(role), "permission": "probe.thing.read", "scope": "all", "only_fields": ["name"]}
    system.records("core.grant").create(grant)
    return id_of(system.records("core.user").create({"name": "Clerk", "email": "clerk@acme.example", "roles": ["clerk"]}))


def kept(system: Work) -> type_words:
    """The words that the table has."""
    with system.transaction():
        mine = sa.select(search_words).where(search_words.c.tenant_id == system.tenant.id)
        return {(row.place, row.word, row.record_id.hex, row.near) for row in system.connection.execute(mine)}


def anew(system: Work) -> type_words:
    """The words that live records should have, by what stands in them."""
    found: type_words = set()
    for name in entities(system):
        shape = system.shape(name)
        with system.transaction():
            mine = sa.select(shape.table.c.id).where(*live_of(shape.entity, shape.table, system.tenant.id))
            ids = list(system.connection.execute(mine).scalars())
        for id, row in system.records(name).values(ids).items():
            for place in places(shape).values():
                value = row[place.name]
                if isinstance(value, str):
                    found |= {(place.id, word, id.hex, near) for word, near in tokens(value, number=place.number)}
    return found
