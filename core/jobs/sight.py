"""Who sees why background work failed: who asked for it, and who may look into that of others, in their language. It quotes values of
records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from core.events import sentences
from core.events.tables import outbox
from core.policy.allowed import ACT_LATER
from sdk.columns import among

if TYPE_CHECKING:
    from core.context import Work

INSPECT = "core.job.inspect"
OF_JOBS = ("error",)


def sees_all(work: Work) -> bool:
    """Whether the reader sees why any work failed."""
    return work.can(INSPECT)


def veil(work: Work, rows: Sequence[dict[str, Any]]) -> None:
    """Leave out the errors of work that others have asked for, and of what nobody in particular has. A token of some rights sees less
    than the person who may have asked with all of them."""
    shown = [row for row in rows if row.get("error")]
    if not shown or sees_all(work):
        return
    mine = set()
    if work.actor.user_id is not None and work.can(ACT_LATER):
        asked = (outbox.c.tenant_id == work.tenant.id, outbox.c.kind == "job", outbox.c.actor_id == work.actor.user_id)
        mine = set(
            work.connection.execute(sa.select(outbox.c.id).where(*asked, among(outbox.c.id, [row["id"] for row in shown]))).scalars()
        )
    for row in shown:
        if row["id"] not in mine:
            row["error"] = None


def tell(work: Work, rows: Sequence[dict[str, Any]]) -> None:
    """Say the errors that are sentences of ours in the reader's language."""
    shown = {UUID(str(row["id"])): row for row in rows if row.get("error")}
    if not shown:
        return
    kept = (outbox.c.tenant_id == work.tenant.id, among(outbox.c.id, list(shown)), outbox.c.reason.is_not(None))
    for id, reason in work.connection.execute(sa.select(outbox.c.id, outbox.c.reason).where(*kept)):
        shown[id]["error"] = told(work, shown[id]["error"], reason)


def told(work: Work, error: str | None, reason: sentences.Kept | None) -> str | None:
    """Why, in the reader's language; of what failed before there were reasons, and of what is no sentence of ours, as it was said then."""
    return sentences.said(work.platform.translator, reason, work.locale) if reason else error
