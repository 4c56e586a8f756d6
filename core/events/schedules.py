"""Which schedule of which tenant is due when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core.data.engine import RELAY_ROLE
from core.tenancy.tables import tenants
from sdk import Schedule
from sdk.columns import UtcDateTime, key
from sdk.entities import Record

if TYPE_CHECKING:
    from core.platform import Platform

schedules = sa.Table(
    "core_schedules",
    Record.metadata,
    sa.Column("tenant_id", key(), primary_key=True),
    sa.Column("name", sa.String(100), primary_key=True),  # plugin.name
    sa.Column("timing", sa.String(100), nullable=False),  # as declared when it was planned; another one is planned anew
    sa.Column("due_at", UtcDateTime(), nullable=True),  # none: asleep, its plugin is off or does not declare it any more
    sa.Column("planned", sa.Boolean(), nullable=False),  # false: due_at is when to plan it, not when to run it
    sa.Column("last_due_at", UtcDateTime(), nullable=True),
    sa.Column("last_run", key(), nullable=True),  # the row of the outbox that it became last
    sa.Index("ix_core_schedules_due_at", "due_at"),
)


def wake(connection: Connection, tenant: UUID, some: Iterable[Schedule], now: datetime) -> None:
    """Let schedules of a tenant be planned, those that were asleep included."""
    for schedule in some:
        name = f"{schedule.plugin}.{schedule.name}"
        values = {"timing": schedule.timing, "due_at": now, "planned": False}
        mine = (schedules.c.tenant_id == tenant, schedules.c.name == name)
        if not connection.execute(schedules.update().where(*mine).values(**values)).rowcount:
            connection.execute(schedules.insert().values(tenant_id=tenant, name=name, **values))


def replan(connection: Connection, tenant: UUID, some: Iterable[Schedule], now: datetime) -> None:
    """The tenant's time zone is another: what runs at a local time and is not due yet is planned anew."""
    names = [f"{schedule.plugin}.{schedule.name}" for schedule in some if schedule.at is not None]
    coming = (schedules.c.tenant_id == tenant, schedules.c.name.in_(names), schedules.c.due_at > now)
    connection.execute(schedules.update().where(*coming).values(due_at=now, planned=False))


def adopt(platform: Platform) -> None:
    """At the start of a process: schedules that are new since the last one are planned for every tenant, as are changed ones.

    Where nothing is new this costs two counts.
    """
    declared = {name: schedule.timing for name, schedule in platform.catalog.schedules.items()}
    with platform.database.begin(write=False, tenant=None) as connection:
        everybody = connection.execute(sa.select(sa.func.count()).select_from(tenants)).scalar_one()
    with platform.database.begin(write=False, tenant=None, role=RELAY_ROLE) as connection:
        query = sa.select(schedules.c.name, schedules.c.timing, sa.func.count()).group_by(schedules.c.name, schedules.c.timing)
        there = {(name, timing): count for name, timing, count in connection.execute(query)}
    for name, timing in declared.items():
        if there.get((name, timing), 0) < everybody:
            _adopt(platform, platform.catalog.schedules[name], name)


def _adopt(platform: Platform, schedule: Schedule, name: str) -> None:
    with platform.database.begin(write=False, tenant=None) as connection:
        every = set(connection.execute(sa.select(tenants.c.id)).scalars())
    with platform.database.begin(write=False, tenant=None, role=RELAY_ROLE) as connection:
        query = sa.select(schedules.c.tenant_id).where(schedules.c.name == name, schedules.c.timing == schedule.timing)
        every -= set(connection.execute(query).scalars())
    for tenant in sorted(every):
        with platform.database.begin(write=True, tenant=tenant) as connection:
            wake(connection, tenant, [schedule], platform.clock())
