"""What core does by the clock: finished work is forgotten after a while."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time, timedelta
from typing import TYPE_CHECKING, cast

import sqlalchemy as sa

from core import pace
from core.audit import chain, retention
from core.events.states import DONE, SKIPPED
from core.events.tables import outbox
from core.http import idempotency
from sdk import Context, Schedule, _

if TYPE_CHECKING:
    from core.context import Work

KEPT = timedelta(days=30)
PART = 5_000


def forget_finished(ctx: Context) -> None:
    """Deliveries and jobs that ended well a month ago, yesterday's answers to writes, audit that had its time; events and what is dead stay."""
    work = cast("Work", ctx)
    for state in (DONE, SKIPPED):
        while _forget(work, state) == PART:
            pass
    idempotency.forget(work)
    pace.forget(work)
    retention.drop(work)


def _forget(work: Work, state: str) -> int:
    old = (
        sa.select(outbox.c.id)
        .where(outbox.c.tenant_id == work.tenant.id, outbox.c.kind != "event", outbox.c.state == state, outbox.c.created_at < work.now() - KEPT)
        .limit(PART)
    )  # fmt: skip
    with work.transaction(write=True):
        gone = outbox.delete().where(outbox.c.tenant_id == work.tenant.id, outbox.c.id.in_(old))
        return work.connection.execute(gone).rowcount


def seal_audit(ctx: Context) -> None:
    """The audit of the last hour."""
    work = cast("Work", ctx)
    chain.tell_of_late(work)
    chain.seal(work)


SCHEDULES: Sequence[Schedule] = (
    Schedule("forget_finished", forget_finished, at=time(3), label=_("Remove finished jobs")),
    Schedule("seal_audit", seal_audit, every=timedelta(hours=1), label=_("Seal the audit log")),
)
