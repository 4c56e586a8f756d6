"""Schedules that are due become rows of the outbox: what runs them, retries them and shows them is there already."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from core.context import Work
from core.data.engine import RELAY_ROLE
from core.entities import journal
from core.entities.ids import new_id
from core.events.schedules import schedules
from core.events.states import WAITING
from core.events.tables import outbox
from core.events.timing import next_due
from sdk import Channel, NotFound, Unavailable

if TYPE_CHECKING:
    from core.platform import Platform

log = logging.getLogger("dealwright.worker")
BATCH = 500
LATER = timedelta(minutes=5)


def run_due(platform: Platform, now: datetime | None = None) -> int:
    """Put what is due `now` (default: the platform's clock) into the outbox; returns how much it was.

    One indexed query when nothing is due. Any number of processes may call it at once: moving a schedule on and putting its
    run into the outbox is one transaction, and only one process finds the schedule where it was.
    """
    now, fired = now or platform.clock(), 0
    while True:
        with platform.database.begin(write=False, tenant=None, role=RELAY_ROLE) as connection:
            query = sa.select(schedules).where(schedules.c.due_at <= now).order_by(schedules.c.due_at).limit(BATCH)
            rows = sorted(connection.execute(query), key=lambda row: (row.tenant_id, row.due_at))
        for tenant, due in groupby(rows, key=lambda row: row.tenant_id):
            fired += _of_tenant(platform, tenant, list(due), now)
        if len(rows) < BATCH:
            return fired


def _of_tenant(platform: Platform, tenant: UUID, due: list[Any], now: datetime) -> int:
    try:
        work = platform.system(tenant, Channel.PLUGIN)
        with work.transaction(write=True):
            return sum(_fire(work, row, now) for row in due)
    except NotFound:  # purged a moment ago
        return 0
    except Unavailable:  # suspended: caught up once when it is back
        _put_off(platform, tenant, due, now)
    except Exception:  # one tenant's trouble is no other's
        log.exception("the schedules of tenant %s", tenant)
        _put_off(platform, tenant, due, now)
    return 0


def _put_off(platform: Platform, tenant: UUID, due: list[Any], now: datetime) -> None:
    with platform.database.begin(write=True, tenant=tenant) as connection:
        for row in due:
            connection.execute(schedules.update().where(*_as_seen(row)).values(due_at=now + LATER))


def _as_seen(row: Any) -> tuple[sa.ColumnElement[bool], ...]:
    return schedules.c.tenant_id == row.tenant_id, schedules.c.name == row.name, schedules.c.due_at == row.due_at


def _fire(work: Work, row: Any, now: datetime) -> int:
    """Move a schedule on, and let it run unless its last run is still on its way."""
    schedule = work.platform.catalog.schedules.get(row.name)
    moved = schedules.update().where(*_as_seen(row))
    if schedule is not None and work.platform.gate.holds(work.tenant.id, schedule.plugin):  # it may serve again without being switched on
        work.connection.execute(moved.values(due_at=now + LATER))
        return 0
    if schedule is None or schedule.plugin not in work.enabled:
        work.connection.execute(moved.values(due_at=None, planned=False))
        return 0
    coming: dict[str, object] = {"due_at": next_due(schedule, ZoneInfo(work.tenant.timezone), row.due_at, now), "planned": True}
    run = new_id() if row.planned and not _on_its_way(work, row.last_run) else None
    if run is not None:
        coming |= {"last_run": run, "last_due_at": row.due_at}
    if not work.connection.execute(moved.values(**coming)).rowcount or run is None:
        return 0  # another process was faster, or nothing is to be run
    journal.due(work, row.name, run)
    return 1


def _on_its_way(work: Work, run: UUID | None) -> bool:
    if run is None:
        return False
    query = sa.select(outbox.c.state).where(outbox.c.tenant_id == work.tenant.id, outbox.c.id == run)
    return work.connection.execute(query).scalar() == WAITING
