"""These tests run with the probe, which has a field of every type and implements every hook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from core.context import Work
from core.entities.records import EntityRecords
from core.events.tables import audit, outbox
from core.platform import Platform
from sdk import Refusal, Tenant
from sdk.context import id_of
from tests.probe.fixtures import entry_points

__all__ = ["entry_points"]
type_make = Callable[..., UUID]


@pytest.fixture
def system(platform: Platform, tenant: Tenant) -> Work:
    """The system in `tenant`."""
    return platform.system(tenant.id)


@pytest.fixture
def things(system: Work) -> EntityRecords:
    """The doors of things, for the system."""
    return system.records("probe.thing")


@pytest.fixture
def make(things: EntityRecords) -> type_make:
    """Makes a thing and returns its id."""

    def one(name: str = "thing", **values: object) -> UUID:
        return id_of(things.create({"name": name, **values}))

    return one


def journal_of(work: Work, kind: str = "event") -> list[dict[str, Any]]:
    """The outbox of a tenant, oldest first."""
    with work.transaction():
        query = sa.select(outbox).where(outbox.c.tenant_id == work.tenant.id, outbox.c.kind == kind).order_by(outbox.c.id)
        return [dict(row) for row in work.connection.execute(query).mappings()]


def audit_of(work: Work, record: UUID | None = None) -> list[dict[str, Any]]:
    """The audit of a tenant, oldest first."""
    with work.transaction():
        query = sa.select(audit).where(audit.c.tenant_id == work.tenant.id).order_by(audit.c.id)
        rows = [dict(row) for row in work.connection.execute(query).mappings()]
    return [row for row in rows if record is None or row["record_id"] == record]


def codes(refusal: Refusal | None) -> set[tuple[str, str]]:
    """Field and code of each problem of a refusal."""
    assert refusal is not None
    return {(problem.field, problem.code) for problem in refusal.problems}
